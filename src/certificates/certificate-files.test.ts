import { afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Log } from "../log.ts";
import {
  type CertificateAuthority,
  createAuthority,
  createServerKey,
  issueServerCertificate,
} from "../pki/certificate-authority.ts";
import { CertificateFiles, type CertificateFilesOptions } from "./certificate-files.ts";

const dayMs = 24 * 3_600_000;
const start = Date.UTC(2026, 10, 20);

interface Pair {
  readonly certificatePem: string;
  readonly keyPem: string;
}

let authority: CertificateAuthority;
let folder: string;
let certificate: string;
let key: string;
let now: number;
let lines: string[];
let opened: CertificateFiles[];

const log: Log = {
  debug: () => {},
  info: (message) => lines.push(`info ${message}`),
  warn: (message) => lines.push(`warn ${message}`),
  error: (message) => lines.push(`error ${message}`),
};

beforeAll(async () => {
  const scope = { hostNames: ["r.example.com"], suffixes: ["example.com"], publicAddresses: [] };
  authority = await createAuthority(scope, start - 400 * dayMs);
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "dozo-certificate-files-"));
  certificate = join(folder, "site.crt");
  key = join(folder, "site.key");
  now = start;
  lines = [];
  opened = [];
});

afterEach(async () => {
  for (const files of opened) await files.stop();
  await rm(folder, { recursive: true });
});

async function makePair(names: readonly string[] = ["r.example.com"], at = start): Promise<Pair> {
  const keyPem = await createServerKey();
  const chain = await issueServerCertificate(authority, { names, serverKeyPem: keyPem, now: at });
  return { certificatePem: chain + authority.rootPem, keyPem };
}

async function writePair({ certificatePem, keyPem }: Pair): Promise<void> {
  await writeFile(key, keyPem, { mode: 0o600 });
  await writeFile(certificate, certificatePem);
}

async function openFiles(options: Partial<CertificateFilesOptions> = {}): Promise<CertificateFiles> {
  const names = ["r.example.com"];
  const files = await CertificateFiles.open({
    certificate,
    key,
    names,
    isOnly: true,
    clock: { now: () => now },
    log,
    ...options,
  });
  opened.push(files);
  return files;
}

/** A change, and two looks: the first sees it, the second that it has stood still. */
async function afterLooks(files: CertificateFiles): Promise<string | undefined> {
  await files.look();
  await files.look();
  return files.current()[0]?.certificatePem;
}

async function refusal(options: Partial<CertificateFilesOptions> = {}): Promise<unknown> {
  return openFiles(options).catch((error: unknown) => (error as Error).message);
}

describe("certificate files, when they are opened", () => {
  test("are served with the names that stand in the certificate", async () => {
    await writePair(await makePair(["r.example.com", "hub.example.com", "10.0.0.1"]));

    const files = await openFiles();

    expect(files.current()[0]?.serverNames).toEqual(["r.example.com", "hub.example.com"]);
    expect(files.current()[0]?.notAfter).toBe(start + 90 * dayMs);
    expect(lines).toEqual([]);
  });

  test("are an error with the file's name when one is missing or the key is another one's", async () => {
    await writePair(await makePair());
    await writeFile(key, (await makePair()).keyPem);
    expect(await refusal()).toContain(`the key in ${key} is not the one of the certificate in ${certificate}`);

    await rm(key);
    expect(await refusal()).toBe(`${key} is not there`);
  });

  test("are served with a word in the log when clients will refuse them: there is nothing better", async () => {
    await writePair(await makePair(["hub.example.com"], start - 100 * dayMs));

    await openFiles();

    expect(lines).toEqual([
      expect.stringMatching(/^error clients may refuse .* ended on 2026-11-10/),
      expect.stringMatching(/^error clients may refuse .* is not for r\.example\.com/),
    ]);
  });

  test("need not be for all names when there are other certificates", async () => {
    await writePair(await makePair(["hub.example.com"]));

    await openFiles({ isOnly: false });

    expect(lines).toEqual([]);
  });

  test("FS-01: a key that everybody on the machine may read is named", async () => {
    await writePair(await makePair());
    await chmod(key, 0o644);

    await openFiles();

    expect(lines).toEqual([expect.stringContaining("chmod o=")]);
  });
});

describe("TLS-04: certificate files, when they change", () => {
  test("are taken once they have stood still, and everybody who watches hears of it", async () => {
    await writePair(await makePair());
    const files = await openFiles();
    let heard = 0;
    files.watch(() => (heard += 1));
    const stop = files.watch(() => (heard += 100));
    stop();
    const next = await makePair();
    await writePair(next);

    await files.look();
    expect(heard).toBe(0);
    await files.look();

    expect(files.current()[0]?.certificatePem).toBe(next.certificatePem);
    expect(files.current()[0]?.keyPem).toBe(next.keyPem);
    expect(heard).toBe(1);
    expect(lines).toEqual([expect.stringContaining("was read again")]);
  });

  test.each(["key", "certificate"] as const)("are never a half: %s first, the other one later", async (first) => {
    const [old, next] = [await makePair(), await makePair()];
    await writePair(old);
    const files = await openFiles();

    await writePair(
      first === "key" ? { ...old, keyPem: next.keyPem } : { ...old, certificatePem: next.certificatePem },
    );
    expect(await afterLooks(files)).toBe(old.certificatePem);
    expect(files.current()[0]?.keyPem).toBe(old.keyPem);
    expect(await afterLooks(files)).toBe(old.certificatePem);
    expect(lines).toEqual([expect.stringMatching(/^error the old certificate stays.*is not the one of/)]);

    await writePair(next);
    expect(await afterLooks(files)).toBe(next.certificatePem);
    expect(lines[1]).toContain("is served now");
  });

  test("stay as they were while a file is half, empty or away, and it is said once", async () => {
    const old = await makePair();
    const next = await makePair();
    await writePair(old);
    const files = await openFiles();

    await writeFile(certificate, next.certificatePem.slice(0, 500));
    expect(await afterLooks(files)).toBe(old.certificatePem);
    await writeFile(certificate, "");
    expect(await afterLooks(files)).toBe(old.certificatePem);
    await rm(certificate);
    expect(await afterLooks(files)).toBe(old.certificatePem);
    expect(await afterLooks(files)).toBe(old.certificatePem);

    expect(lines).toEqual([
      expect.stringContaining("breaks off or is damaged"),
      expect.stringContaining("holds no certificate"),
      expect.stringContaining(`${certificate} is not there`),
    ]);
    await writePair(next);
    expect(await afterLooks(files)).toBe(next.certificatePem);
  });

  test("stay as they were for a pair that has ended, lacks a name that clients use, or has lost its chain", async () => {
    const old = await makePair(["r.example.com", "hub.example.com"]);
    await writePair(old);
    const files = await openFiles();
    const whole = await makePair();
    const leafAlone = `${whole.certificatePem.split("-----END CERTIFICATE-----\n")[0] ?? ""}-----END CERTIFICATE-----\n`;

    for (const worse of [
      await makePair(["r.example.com"], start - 100 * dayMs),
      await makePair(["hub.example.com"]),
      { ...whole, certificatePem: leafAlone },
    ]) {
      await writePair(worse);
      expect(await afterLooks(files)).toBe(old.certificatePem);
    }

    expect(lines).toEqual([
      expect.stringContaining("ended on 2026-11-10"),
      expect.stringContaining("is not for r.example.com, which clients use"),
      expect.stringContaining("Add the certificate of CN=dozo CA"),
    ]);
  });

  test("are taken with a fault that the served ones have too", async () => {
    await writePair(await makePair(["r.example.com"], start - 100 * dayMs));
    const files = await openFiles();
    const next = await makePair(["r.example.com"], start - 95 * dayMs);
    await writePair(next);

    expect(await afterLooks(files)).toBe(next.certificatePem);
  });

  test("are judged again later: what is too early today is right tomorrow", async () => {
    const old = await makePair();
    await writePair(old);
    const files = await openFiles();
    const next = await makePair(["r.example.com"], start + dayMs);
    await writePair(next);
    expect(await afterLooks(files)).toBe(old.certificatePem);

    now = start + 2 * dayMs;
    expect(await afterLooks(files)).toBe(next.certificatePem);
  });

  test("say 30, 7 and 1 days before that they end, and then that they have, each once", async () => {
    await writePair(await makePair());
    const files = await openFiles();
    for (const day of [59, 60, 61, 82.5, 83.5, 89.5, 89.6, 90.5, 91]) {
      now = start + day * dayMs;
      await files.look();
    }
    expect(lines.map((line) => line.split(":")[0])).toEqual([
      "warn the certificate ends on 2027-02-18",
      "warn the certificate ends on 2027-02-18",
      "warn the certificate ends on 2027-02-18",
      "error the certificate has ended, and clients refuse it",
    ]);
  });

  test("say so when the old ones are put back after a bad pair", async () => {
    const old = await makePair();
    await writePair(old);
    const files = await openFiles();
    await writeFile(key, "nothing");
    await afterLooks(files);

    await writePair(old);
    await afterLooks(files);

    expect(lines[1]).toContain("are again those that are served");
  });

  test("may be links, as certbot and Kubernetes lay them", async () => {
    const [old, next] = [await makePair(), await makePair()];
    for (const [name, pair] of [["1", old] as const, ["2", next] as const]) {
      await writeFile(join(folder, `${name}.crt`), pair.certificatePem);
      await writeFile(join(folder, `${name}.key`), pair.keyPem, { mode: 0o600 });
    }
    await symlink("1.crt", certificate);
    await symlink("1.key", key);
    const files = await openFiles();

    for (const [link, target] of [[certificate, "2.crt"] as const, [key, "2.key"] as const]) {
      await symlink(target, `${link}.new`);
      await rename(`${link}.new`, link);
    }

    expect(await afterLooks(files)).toBe(next.certificatePem);
  });

  test("are not waited for when they are no files that can be read to an end", async () => {
    const old = await makePair();
    await writePair(old);
    const files = await openFiles();
    await rm(certificate);
    await symlink("/dev/zero", certificate);

    expect(await afterLooks(files)).toBe(old.certificatePem);
    expect(lines).toEqual([expect.stringContaining("is no regular file")]);
  });
});
