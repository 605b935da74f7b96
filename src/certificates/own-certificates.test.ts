import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RotationClient } from "../core/certificate-administration.ts";
import { createLog } from "../log.ts";
import { describeCertificate } from "../pki/certificate.ts";
import { openPki } from "../pki/open.ts";
import { PkiFolder } from "../process/pki-folder.ts";
import { CertificateMaintenance } from "./certificate-maintenance.ts";
import { OwnCertificates } from "./own-certificates.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const start = Date.UTC(2026, 10, 23);

let parent: string;
let files: PkiFolder;
let now: number;
let foundNames: string[];
let looks: number;
let lines: string[];
let changes: number;
let certificates: OwnCertificates;
let maintenance: CertificateMaintenance;
let clients: RotationClient[];
/** What the next looks fail with. */
let failure: Error | undefined;

const clock = { now: () => now };

beforeEach(async () => {
  parent = mkdtempSync(join(tmpdir(), "dozo-certificates-"));
  files = new PkiFolder(join(parent, "pki"));
  now = start;
  foundNames = ["localhost", "127.0.0.1"];
  [looks, changes, lines, failure] = [0, 0, [], undefined];
  const scope = { hostNames: ["reg.example.com"], suffixes: [], publicAddresses: [] };
  const open = (): ReturnType<typeof openPki> => {
    looks += 1;
    if (failure !== undefined) return Promise.reject(failure);
    return openPki({ files, clock, scope, names: ["reg.example.com"], foundNames });
  };
  const log = createLog({ level: "info", format: "json", write: (line) => lines.push(line) });
  certificates = await OwnCertificates.open({ open, clock, log });
  certificates.watch(() => (changes += 1));
  clients = [];
  maintenance = new CertificateMaintenance({
    files,
    clock,
    change: (work) => certificates.change(work),
    clients: () => Promise.resolve(clients),
  });
});

afterEach(async () => {
  await certificates.stop();
  rmSync(parent, { recursive: true });
});

function served(): { readonly certificatePem: string; readonly keyPem: string; readonly notAfter: number } {
  const [first] = certificates.current();
  if (first === undefined) throw new Error("nothing is served");
  return first;
}

describe("the certificates of dozo's own authority", () => {
  test("are renewed on the sixtieth day and not before, for the same key", async () => {
    const before = served();

    now = start + 60 * dayMs - 2 * hourMs;
    await certificates.lookIfDue();
    expect(served()).toEqual(before);
    now = start + 60 * dayMs;
    await certificates.lookIfDue();

    expect(served().notAfter).toBe(start + 150 * dayMs);
    expect(served().keyPem).toBe(before.keyPem);
    expect(changes).toBe(1);
    expect(lines.at(-1)).toContain("renewed");
  });

  test("are renewed at the first look after the clock went 61 days on", async () => {
    now = start + 61 * dayMs;
    await certificates.lookIfDue();

    expect(served().notAfter).toBe(start + 151 * dayMs);
  });

  test("hold by the old and the new time after the clock was set back by a year", async () => {
    const serverEnd = served().notAfter;
    now = start - 200 * dayMs;
    rmSync(join(parent, "pki"), { recursive: true });
    // The authority is older than the time that the clock says now.
    await certificates.change(() => Promise.resolve());
    now = start;
    await maintenance.renew();

    now = start - 199 * dayMs;
    await certificates.lookIfDue();

    const { notBefore, notAfter } = describeCertificate(served().certificatePem);
    expect(notBefore).toBeLessThan(now);
    expect(notAfter).toBe(serverEnd);
  });

  test("stay when the clock stands before the beginning of the authority", async () => {
    const before = served();

    now = start - 365 * dayMs;
    await certificates.lookIfDue();

    expect(served()).toEqual(before);
    const error = await maintenance.renew().catch((reason: unknown) => reason);
    expect(error).toHaveProperty("message", expect.stringContaining("clock says 2025-11-23T00:00 UTC"));
    expect(served()).toEqual(before);
  });

  test("are looked at once a day, for names that the machine did not have", async () => {
    now = start + dayMs - hourMs;
    await certificates.lookIfDue();
    expect(looks).toBe(1);

    foundNames = ["localhost", "192.168.7.7"];
    now = start + dayMs;
    await certificates.lookIfDue();

    expect(looks).toBe(2);
    expect((await maintenance.show()).names).toContain("192.168.7.7");
  });

  test("stay as they are when a renewal fails, which is logged and tried again in an hour", async () => {
    const before = served();
    failure = new Error("no room");
    now = start + 61 * dayMs;
    await certificates.lookIfDue();
    await certificates.lookIfDue();

    expect(looks).toBe(2);
    expect(lines.filter((line) => line.includes("no room"))).toHaveLength(1);
    expect(served()).toEqual(before);

    failure = undefined;
    now += hourMs;
    await certificates.lookIfDue();
    expect(served().notAfter).toBe(now + 90 * dayMs);
  });
});

describe("what an operator does with the certificate", () => {
  test("renews it at once, for the same key and the same names", async () => {
    const before = await maintenance.show();

    now += 5 * dayMs;
    const after = await maintenance.renew();

    expect(after).toEqual({
      ...before,
      fingerprint: expect.any(String) as string,
      notBefore: before.notBefore + 5 * dayMs,
      notAfter: before.notAfter + 5 * dayMs,
      renewsAt: before.renewsAt + 5 * dayMs,
    });
    expect(after.fingerprint).not.toBe(before.fingerprint);
    expect(changes).toBe(1);
  });

  test("adds a name, which every later certificate has too", async () => {
    const { names, addedNames } = await maintenance.addName("Second.Example.COM.");

    now = start + 61 * dayMs;
    await certificates.lookIfDue();
    const later = await maintenance.show();

    expect(addedNames).toEqual(["second.example.com"]);
    expect(names).toContain("second.example.com");
    expect(later.notAfter).toBe(start + 151 * dayMs);
    expect(later.names).toEqual(expect.arrayContaining([...names]));
    expect(changes).toBe(2);
  });

  test.each([
    ["reg.example.org", "made without permission for it"],
    ["no name", "no host name and no address"],
  ])("refuses to add %s with the reason, and changes nothing", async (name, reason) => {
    const before = await maintenance.show();

    const error = await maintenance.addName(name).catch((refusal: unknown) => refusal);

    expect(error).toMatchObject({ fault: "name-not-permitted", message: expect.stringContaining(reason) as string });
    expect(await maintenance.show()).toEqual(before);
    expect(changes).toBe(0);
  });

  test("tells a private key that others may read from a fault of the program", async () => {
    Bun.spawnSync(["chmod", "644", join(parent, "pki/ca.key")]);

    const error = await maintenance.renew().catch((refusal: unknown) => refusal);

    expect(error).toMatchObject({
      fault: "certificate-unusable",
      message: expect.stringContaining("chmod 600") as string,
    });
  });
});

describe("the rotation of the authority by an operator", () => {
  const used = { address: "192.0.2.7", users: ["maria", "ci"], usedAt: start + 5, fetchedAt: undefined };

  test("refuses to serve the new one while it was not fetched from where the registry is used, and names those", async () => {
    await maintenance.announceAuthority({ names: [], suffixes: [] });
    now = start + 40 * dayMs;
    clients = [used, { ...used, address: "192.0.2.8", fetchedAt: start + 9 }];

    const error = await maintenance.finishRotation(false).catch((refusal: unknown) => refusal);

    expect(error).toMatchObject({
      fault: "clients-unready",
      message: expect.stringContaining("fetched from 192.0.2.7 (maria, ci);") as string,
    });
    expect(changes).toBe(0);
  });

  test("counts a fetch only when it was of the root that is announced now", async () => {
    clients = [{ ...used, fetchedAt: start - 1 }];

    await maintenance.announceAuthority({ names: [], suffixes: [] });

    expect((await maintenance.rotation())?.clients).toEqual([used]);
  });

  test("refuses before thirty days are over, and does it then", async () => {
    const before = served();
    await maintenance.announceAuthority({ names: ["reg.example.org"], suffixes: [] });
    now = start + 30 * dayMs - 1;
    clients = [{ ...used, fetchedAt: start + 9 }];
    const early = await maintenance.finishRotation(false).catch((refusal: unknown) => refusal);

    now = start + 30 * dayMs;
    const { names, keyPin } = await maintenance.finishRotation(false);

    expect(early).toMatchObject({ message: expect.stringContaining("until 2026-12-23") as string });
    expect(names).toContain("reg.example.org");
    expect(served().certificatePem).not.toBe(before.certificatePem);
    expect(served().keyPem).toBe(before.keyPem);
    expect(describeCertificate(served().certificatePem).keyPin).toBe(keyPin);
    expect(await maintenance.rotation()).toBeUndefined();
  });

  test("is refused where none is announced, and may be forced or taken back", async () => {
    expect(await maintenance.finishRotation(false).catch((refusal: unknown) => refusal)).toMatchObject({
      message: expect.stringContaining("dozo ca rotate") as string,
    });
    await maintenance.announceAuthority({ names: [], suffixes: [] });
    await maintenance.cancelRotation();
    expect(await maintenance.rotation()).toBeUndefined();
    const { rootPem } = certificates.pki;

    clients = [used];
    await maintenance.announceAuthority({ names: [], suffixes: [] });
    await maintenance.finishRotation(true);

    expect(certificates.pki.rootPem).not.toBe(rootPem);
  });
});
