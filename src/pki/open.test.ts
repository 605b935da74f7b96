import "reflect-metadata";
import { describe, expect, test } from "bun:test";

import { NamesNotPermittedError } from "./certificate-authority.ts";
import { addNames, type OpenPkiOptions, openPki, readTrust, renewServerCertificate } from "./open.ts";
import { PkiError } from "./pki-error.ts";
import { announceAuthority, cancelRotation, switchAuthority } from "./rotation.ts";
import type { PkiFileName, PkiFiles } from "./pki-files.ts";

const dayMs = 86_400_000;
const start = Date.UTC(2026, 10, 23);
const scope = { hostNames: ["reg.example.com"], suffixes: [], publicAddresses: [] };

/** A folder in memory that dies instead of writing once so many writes have been made. */
class MemoryPkiFiles implements PkiFiles {
  readonly location = "/data/pki";
  readonly written = new Map<PkiFileName, string>();
  writesLeft = Infinity;

  read(name: PkiFileName): Promise<string | undefined> {
    return Promise.resolve(this.written.get(name));
  }

  write(name: PkiFileName, text: string): Promise<void> {
    if (this.writesLeft === 0) return Promise.reject(new Error("killed"));
    this.writesLeft -= 1;
    this.written.set(name, text);
    return Promise.resolve();
  }

  remove(name: PkiFileName): Promise<void> {
    if (this.writesLeft === 0) return Promise.reject(new Error("killed"));
    this.writesLeft -= 1;
    this.written.delete(name);
    return Promise.resolve();
  }
}

function options(files: PkiFiles, changes: Partial<OpenPkiOptions> = {}): OpenPkiOptions {
  return {
    files,
    clock: { now: () => start },
    scope,
    names: ["reg.example.com"],
    foundNames: ["localhost", "127.0.0.1"],
    ...changes,
  };
}

function failure(error: unknown): unknown {
  return error;
}

describe("opening the certificates", () => {
  test("makes all of them the first time, and finds them the second time", async () => {
    const files = new MemoryPkiFiles();

    const first = await openPki(options(files));
    const second = await openPki(options(files));

    expect(first.isNewAuthority).toBeTrue();
    expect(second).toEqual({ ...first, isNewAuthority: false });
    expect(first.certificate.names).toEqual(["reg.example.com", "localhost", "127.0.0.1"]);
    expect(await readTrust(files)).toBe(first.rootPem);
  });

  test.each([0, 1, 2, 3, 4])("goes on after it was killed when %d files were written", async (writes) => {
    const files = new MemoryPkiFiles();
    files.writesLeft = writes;
    await openPki(options(files)).catch(failure);
    const whatWasThere = new Map(files.written);
    files.writesLeft = Infinity;

    const pki = await openPki(options(files));

    expect(pki.isNewAuthority).toBe(writes < 3);
    if (writes >= 3) expect(pki.rootPem).toBe(whatWasThere.get("root.crt") ?? "");
    if (writes >= 4) expect(pki.keyPem).toBe(whatWasThere.get("server.key") ?? "");
    expect(await openPki(options(files))).toEqual({ ...pki, isNewAuthority: false });
  });

  test("goes on after it was killed while it made a half-written authority anew", async () => {
    const files = new MemoryPkiFiles();
    files.writesLeft = 2;
    await openPki(options(files)).catch(failure);
    files.writesLeft = 1;
    await openPki(options(files)).catch(failure);
    files.writesLeft = Infinity;

    const pki = await openPki(options(files));

    expect(pki.isNewAuthority).toBeTrue();
  });

  test("makes no authority where none may be made, and names the command that does", async () => {
    const error = await openPki(options(new MemoryPkiFiles(), { scope: undefined })).catch(failure);

    expect(error).toBeInstanceOf(PkiError);
    expect(error).toHaveProperty("message", expect.stringContaining("dozo up"));
  });

  test.each(["root.crt", "ca.crt"] as const)(
    "refuses an authority whose %s is lost, rather than making clients distrust it",
    async (name) => {
      const files = new MemoryPkiFiles();
      await openPki(options(files));
      files.written.delete(name);

      const error = await openPki(options(files)).catch(failure);

      expect(error).toBeInstanceOf(PkiError);
      const left = ["root.crt", "ca.crt", "ca.key"].filter((each) => each !== name).map((each) => `/data/pki/${each}`);
      const command = `mkdir -m 700 /data/pki.old && mv ${left.join(" ")} /data/pki.old;`;
      expect(error).toHaveProperty("message", expect.stringContaining(command));
    },
  );

  test("an authority made anew as it advises keeps the server's key, the added names and client certificates", async () => {
    const files = new MemoryPkiFiles();
    const before = await openPki(options(files));
    await addNames(files, ["images.lan"]);
    await files.write("client-ca.key", "the key for clients");
    const message = String(await openPki(options(files, { names: ["images.example.org"] })).catch(failure));
    const moved = / && mv (.*) \/data\/pki\.old;.* dozo up --host images\.example\.org$/.exec(message)?.[1] ?? "";
    for (const path of moved.split(" ")) await files.remove(path.replace("/data/pki/", "") as PkiFileName);
    const names = ["images.example.org"];
    const wider = { ...scope, hostNames: names };

    const after = await openPki(options(files, { names, scope: wider }));

    expect(after.isNewAuthority).toBeTrue();
    expect(after.keyPem).toBe(before.keyPem);
    expect(after.certificate.names).toEqual(expect.arrayContaining(["images.example.org", "images.lan"]));
    expect(await files.read("client-ca.key")).toBe("the key for clients");
  });

  test("refuses an authority that has come to its end", async () => {
    const files = new MemoryPkiFiles();
    await openPki(options(files));

    const late = options(files, { clock: { now: () => start + 3653 * dayMs } });

    expect(await openPki(late).catch(failure)).toHaveProperty(
      "message",
      expect.stringContaining("ended on 2036-11-22"),
    );
  });

  test("renews the server's certificate after 60 days, for the same key", async () => {
    const files = new MemoryPkiFiles();
    const first = await openPki(options(files));

    const before = await openPki(options(files, { clock: { now: () => start + 59 * dayMs } }));
    const after = await openPki(options(files, { clock: { now: () => start + 60 * dayMs } }));

    expect(before.certificatePem).toBe(first.certificatePem);
    expect(after.certificatePem).not.toBe(first.certificatePem);
    expect(after.keyPem).toBe(first.keyPem);
    expect(after.rootPem).toBe(first.rootPem);
  });

  test("makes another certificate when there is another name, of the same authority", async () => {
    const files = new MemoryPkiFiles();
    const first = await openPki(options(files));

    const second = await openPki(options(files, { foundNames: ["localhost", "192.168.7.7"] }));

    expect(second.certificate.names).toEqual(["reg.example.com", "localhost", "192.168.7.7", "127.0.0.1"]);
    expect(second.rootPem).toBe(first.rootPem);
  });

  test("keeps the names that the machine does not find for a while, and addresses until the next renewal", async () => {
    const files = new MemoryPkiFiles();
    const first = await openPki(options(files, { foundNames: ["box.example.com", "192.168.7.7"] }));

    const same = await openPki(options(files, { foundNames: [] }));
    const more = await openPki(options(files, { foundNames: ["10.0.0.7"] }));
    const later = await openPki(options(files, { foundNames: [], clock: { now: () => start + 61 * dayMs } }));

    expect(same.certificatePem).toBe(first.certificatePem);
    expect(more.certificate.names).toEqual(["reg.example.com", "10.0.0.7", "box.example.com", "192.168.7.7"]);
    expect(later.certificate.names).toEqual(["reg.example.com", "box.example.com"]);
  });

  test("says what to do where the server's key or, at a renewal, its certificate is damaged", async () => {
    const files = new MemoryPkiFiles();
    await openPki(options(files));
    const { clock } = options(files);
    const renew = (): Promise<unknown> => renewServerCertificate({ files, clock, moreNames: [] }).catch(failure);

    files.written.set("server.crt", "garbage");
    expect(await renew()).toHaveProperty("message", expect.stringContaining("Have another made with: dozo up"));
    files.written.set("server.key", "garbage");
    expect(await renew()).toHaveProperty("message", expect.stringContaining("server.key && dozo up"));
    expect(await openPki(options(files)).catch(failure)).toBeInstanceOf(PkiError);
  });

  test.each(["server.key", "server.crt"] as const)(
    "makes a certificate that fits when the %s is of something else",
    async (name) => {
      const files = new MemoryPkiFiles();
      const other = new MemoryPkiFiles();
      await openPki(options(files));
      await openPki(options(other));
      files.written.set(name, other.written.get(name) ?? "");

      const pki = await openPki(options(files));

      expect(files.written.get("server.crt")).toBe(pki.certificatePem);
      expect((await openPki(options(files))).certificatePem).toBe(pki.certificatePem);
    },
  );

  test("refuses a name that was asked for and is outside the constraints, with what can be done", async () => {
    const files = new MemoryPkiFiles();
    await openPki(options(files));

    const error = await openPki(options(files, { names: ["reg.example.org"] })).catch(failure);

    expect(error).toBeInstanceOf(NamesNotPermittedError);
    expect(error).toHaveProperty("names", ["reg.example.org"]);
    expect(error).toHaveProperty("message", expect.stringContaining("dozo up --host reg.example.org"));
  });

  test("leaves out a found name that is outside the constraints, and says which", async () => {
    const files = new MemoryPkiFiles();

    const pki = await openPki(options(files, { foundNames: ["localhost", "203.0.113.9"] }));

    expect(pki.leftOut).toEqual(["203.0.113.9"]);
    expect(pki.certificate.names).toEqual(["reg.example.com", "localhost"]);
  });
});

describe("the rotation of the authority", () => {
  test("announces a root beside the old one, and changes nothing of what is served", async () => {
    const files = new MemoryPkiFiles();
    const before = await openPki(options(files));

    await announceAuthority({ files, clock: { now: () => start }, names: [], suffixes: [] });
    const announced = await openPki(options(files));

    expect(announced.certificatePem).toBe(before.certificatePem);
    expect(announced.trustPem).toStartWith(before.rootPem);
    expect(announced.trustPem.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(await readTrust(files)).toBe(announced.trustPem);
  });

  test("switches to an authority that may certify what the old one may, and what was asked for, with the same key", async () => {
    const files = new MemoryPkiFiles();
    const first = options(files, {
      scope: { hostNames: ["reg.example.com"], suffixes: ["a.net"], publicAddresses: ["203.0.113.9"] },
    });
    const before = await openPki(first);
    await announceAuthority({ files, clock: { now: () => start }, names: ["reg.example.org"], suffixes: [] });

    await switchAuthority(files);
    const names = ["reg.example.com", "reg.example.org", "x.a.net", "203.0.113.9", "other.example.com"];
    const after = await openPki(options(files, { names }));

    expect(after.certificate.names).toEqual([...names, "localhost", "127.0.0.1"]);
    expect(after.keyPem).toBe(before.keyPem);
    expect(after.rootPem).not.toBe(before.rootPem);
    expect(after.trustPem).toBe(after.rootPem);
    expect([...files.written.keys()].filter((name) => name.startsWith("next-"))).toEqual([]);
  });

  test.each(Array.from({ length: 9 }, (_, writes) => writes))(
    "is either announced or over after it was killed when %d steps of the switch were made",
    async (writes) => {
      const files = new MemoryPkiFiles();
      const before = await openPki(options(files));
      await announceAuthority({ files, clock: { now: () => start }, names: [], suffixes: [] });
      const next = files.written.get("next-root.crt");
      files.writesLeft = writes;
      await switchAuthority(files).catch(failure);
      files.writesLeft = Infinity;

      const pki = await openPki(options(files));

      expect(pki.rootPem).toBe(writes === 0 ? before.rootPem : (next ?? ""));
      expect(pki.announced === undefined).toBe(writes > 0);
      expect(await openPki(options(files))).toEqual(pki);
    },
  );

  test.each([0, 1, 2, 3])("is not begun when it was killed after %d writes of the announcement", async (writes) => {
    const files = new MemoryPkiFiles();
    await openPki(options(files));
    const announcement = { files, clock: { now: () => start }, names: [], suffixes: [] };
    files.writesLeft = writes;
    await announceAuthority(announcement).catch(failure);
    files.writesLeft = Infinity;

    expect((await openPki(options(files))).announced).toBeUndefined();
    await announceAuthority(announcement);
    expect((await openPki(options(files))).announced?.rootPem).toBe(files.written.get("next-root.crt") ?? "");
  });

  test("is refused twice at a time, and taken back without a trace", async () => {
    const files = new MemoryPkiFiles();
    const before = await openPki(options(files));
    const names = new Set(files.written.keys());
    const announcement = { files, clock: { now: () => start }, names: [], suffixes: [] };
    await announceAuthority(announcement);

    const error = await announceAuthority(announcement).catch(failure);
    await cancelRotation(files);

    expect(error).toHaveProperty("message", expect.stringContaining("dozo ca rotate --finish"));
    expect(new Set(files.written.keys())).toEqual(names);
    expect(await openPki(options(files))).toEqual({ ...before, isNewAuthority: false });
  });
});
