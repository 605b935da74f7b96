import { beforeEach, describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { createServerKey } from "./certificate-authority.ts";
import { type ClientAuthority, issueClientCertificate, openClientAuthority } from "./client-authority.ts";
import { readClientCertificate, splitCertificates } from "./client-certificate.ts";
import { makeDockerDaemonFiles } from "./docker-daemon.ts";
import { PkiError } from "./pki-error.ts";
import type { PkiFileName, PkiFiles } from "./pki-files.ts";
import { publicKeyPemOf } from "./signing.ts";

const dayMs = 86_400_000;
let now: number;
let kept: Map<PkiFileName, string>;
let written: PkiFileName[];

const clock = { now: () => now };
const files: PkiFiles = {
  location: "/pki",
  read: async (name) => kept.get(name),
  write: async (name, text) => {
    written.push(name);
    kept.set(name, text);
  },
  remove: async (name) => void kept.delete(name),
};

beforeEach(() => {
  now = Date.UTC(2026, 10, 23);
  kept = new Map();
  written = [];
});

async function issue(authority: ClientAuthority, userName = "maria"): Promise<X509Certificate> {
  const request = { userName, publicKeyPem: publicKeyPemOf(await createServerKey()), now, endsAt: now + 90 * dayMs };
  return new X509Certificate((await issueClientCertificate(authority, request)).certificatePem);
}

describe("the client authority", () => {
  test("is made once, its key last, and found again", async () => {
    const made = await openClientAuthority(files, clock);

    expect(written).toEqual(["client-ca.crt", "client-ca.key"]);
    expect(await openClientAuthority(files, clock)).toEqual(made);
  });

  test("is made anew where a start was killed before its key was written", async () => {
    const made = await openClientAuthority(files, clock);
    kept.delete("client-ca.key");

    expect((await openClientAuthority(files, clock)).certificatePem).not.toBe(made.certificatePem);
  });

  test("is refused when its files are of two authorities, and at its end", async () => {
    await openClientAuthority(files, clock);
    const key = kept.get("client-ca.key") ?? "";
    kept.set("client-ca.key", await createServerKey());
    expect(await openClientAuthority(files, clock).catch((error: unknown) => error)).toBeInstanceOf(PkiError);

    kept.set("client-ca.key", key);
    now += 3652 * dayMs;
    expect(await openClientAuthority(files, clock).catch((error: unknown) => error)).toBeInstanceOf(PkiError);
  });

  test("may sign certificates for clients, with no authority below it", async () => {
    const { certificatePem } = await openClientAuthority(files, clock);
    const authority = new X509Certificate(certificatePem);

    expect(authority.ca).toBe(true);
    expect(authority.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
    expect(authority.toLegacyObject().ca).toBe(true);
  });

  test("signs a certificate that names its user, for clients only, until the time that was asked for", async () => {
    const authority = await openClientAuthority(files, clock);
    const certificate = await issue(authority);
    const read = readClientCertificate(certificate.raw, authority.certificatePem);

    expect(read).toMatchObject({ isOwn: true, isForClients: true, notAfter: now + 90 * dayMs });
    expect(read.names).toContainEqual({ kind: "cn", value: "maria" });
    expect(read.names).toContainEqual({ kind: "subject", value: "CN=maria,O=dozo" });
    expect(read.serial).toMatch(/^[0-9a-f]{32}$/);
    expect(certificate.ca).toBe(false);
    expect(certificate.verify(new X509Certificate(authority.certificatePem).publicKey)).toBe(true);
  });

  test("knows its own from another's, also under the same name", async () => {
    const authority = await openClientAuthority(files, clock);
    kept.clear();
    const other = await openClientAuthority(files, clock);

    const certificate = await issue({ ...other, certificatePem: authority.certificatePem });

    expect(readClientCertificate(certificate.raw, authority.certificatePem).isOwn).toBe(false);
  });

  test("signs nothing beyond its own end", async () => {
    const authority = await openClientAuthority(files, clock);
    now += 3651 * dayMs;

    const { validTo } = await issue(authority);

    expect(Date.parse(validTo)).toBe(Date.UTC(2026, 10, 23) + 3652 * dayMs);
  });
});

describe("the files for a Docker daemon", () => {
  const request = { names: [{ kind: "dns", value: "build.example.com" } as const], now: 0, endsAt: 0 };

  test("are one authority's, whose key is nowhere, and each for its side only", async () => {
    const made = await makeDockerDaemonFiles({ ...request, now, endsAt: now + 365 * dayMs });
    const authority = new X509Certificate(made["ca.pem"]);
    const server = new X509Certificate(made["server-cert.pem"]);
    const client = new X509Certificate(made["cert.pem"]);

    expect(Object.keys(made).toSorted()).toEqual([
      "ca.pem",
      "cert.pem",
      "key.pem",
      "server-cert.pem",
      "server-key.pem",
    ]);
    expect([server, client].every((each) => each.verify(authority.publicKey))).toBe(true);
    expect(server.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
    expect(client.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
    expect(server.subjectAltName).toBe("DNS:build.example.com");
    expect(client.subjectAltName).toBeUndefined();
  });

  test("have nothing to do with those of another daemon", async () => {
    const one = await makeDockerDaemonFiles({ ...request, now, endsAt: now + dayMs });
    const other = await makeDockerDaemonFiles({ ...request, now, endsAt: now + dayMs });

    const authority = new X509Certificate(other["ca.pem"]);
    expect(new X509Certificate(one["cert.pem"]).verify(authority.publicKey)).toBe(false);
  });
});

test("a file with several authorities is split, and one without any is refused", async () => {
  const { certificatePem } = await openClientAuthority(files, clock);
  const made = await makeDockerDaemonFiles({ names: [{ kind: "ip", value: "10.0.0.7" }], now, endsAt: now + dayMs });

  expect(splitCertificates(`${certificatePem}\n# the other\n${made["ca.pem"]}`)).toEqual([
    certificatePem,
    made["ca.pem"],
  ]);
  expect(() => splitCertificates("nothing")).toThrow();
});
