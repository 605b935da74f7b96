import "reflect-metadata";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import {
  X509Certificate as Certificate,
  X509CertificateGenerator,
  SubjectAlternativeNameExtension,
} from "@peculiar/x509";

import {
  type CertificateAuthority,
  createAuthority,
  createServerKey,
  isConsistent,
  isPermitted,
  issueServerCertificate,
  NamesNotPermittedError,
} from "./certificate-authority.ts";
import { describeCertificate, isIssuedFor, needsRenewal } from "./certificate.ts";

const now = Date.now();
const dayMs = 86_400_000;
const scope = { hostNames: ["reg.corp.example.com"], suffixes: [], publicAddresses: ["203.0.113.7"] };
const names = ["reg.corp.example.com", "localhost", "127.0.0.1", "::1", "203.0.113.7", "REG.corp.example.com"];
const openssl = Bun.which("openssl");

let authority: CertificateAuthority;
let serverKeyPem: string;
let chain: string;
let folder: string;

beforeAll(async () => {
  authority = await createAuthority(scope, now);
  serverKeyPem = await createServerKey();
  chain = await issueServerCertificate(authority, { names, serverKeyPem, now });
  folder = await mkdtemp(join(tmpdir(), "dozo-pki-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** A leaf signed with the authority's key by somebody who does not ask what is permitted. */
async function forge(name: { readonly type: "dns" | "ip"; readonly value: string }): Promise<string> {
  const pem = Buffer.from(authority.keyPem.replace(/-----[^-]+-----/g, ""), "base64");
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const signingKey = await crypto.subtle.importKey("pkcs8", new Uint8Array(pem), algorithm, false, ["sign"]);
  const issuer = new Certificate(authority.intermediatePem);
  const forged = await X509CertificateGenerator.create({
    issuer: issuer.subject,
    subject: "CN=forged",
    notBefore: new Date(now - dayMs),
    notAfter: new Date(now + dayMs),
    publicKey: issuer.publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    extensions: [new SubjectAlternativeNameExtension([name])],
  });
  return forged.toString("pem");
}

function caught(error: unknown): unknown {
  return error;
}

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

async function verify(leaf: string, trusted: string): Promise<string> {
  const trust = await file("trust.pem", trusted);
  const untrusted = await file("untrusted.pem", authority.intermediatePem);
  const command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", trust];
  const run = Bun.spawnSync([...command, "-untrusted", untrusted, await file("leaf.pem", leaf)]);
  return `${run.stdout.toString()}${run.stderr.toString()}`;
}

describe("a server certificate", () => {
  test("TLS-05: names all it is for in the alternative names, once, and no host in the subject", () => {
    const leaf = new X509Certificate(chain);

    expect(describeCertificate(chain).names).toEqual([
      "reg.corp.example.com",
      "localhost",
      "127.0.0.1",
      "::1",
      "203.0.113.7",
    ]);
    expect(leaf.checkHost("reg.corp.example.com")).toBe("reg.corp.example.com");
    expect(leaf.checkIP("203.0.113.7")).toBe("203.0.113.7");
    expect(describeCertificate(chain).subject).toBe("CN=dozo registry");
  });

  test("TLS-05: is no authority, for servers only, ECDSA P-256, with a positive serial of 128 bits", () => {
    const leaf = new X509Certificate(chain);

    expect(leaf.ca).toBeFalse();
    expect(leaf.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
    expect(leaf.publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
    expect(leaf.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  test("begins an hour ago and ends after 90 days", () => {
    const { notBefore, notAfter } = describeCertificate(chain);

    expect(Math.abs(notBefore - (now - 3_600_000))).toBeLessThan(1000);
    expect(Math.abs(notAfter - (now + 90 * dayMs))).toBeLessThan(1000);
  });

  test("does not outlive the authority", async () => {
    const late = now + 3640 * dayMs;

    const leaf = await issueServerCertificate(authority, { names: ["localhost"], serverKeyPem, now: late });

    expect(describeCertificate(leaf).notAfter).toBe(describeCertificate(authority.intermediatePem).notAfter);
  });

  test("comes with the intermediate behind it, and not with the root", () => {
    expect(chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(chain.endsWith(authority.intermediatePem)).toBeTrue();
  });

  test("belongs to its key and its issuer, and to no other", async () => {
    const other = await createAuthority(scope, now);

    expect(await isIssuedFor(chain, serverKeyPem, authority.intermediatePem)).toBeTrue();
    expect(await isIssuedFor(chain, await createServerKey(), authority.intermediatePem)).toBeFalse();
    expect(await isIssuedFor(chain, serverKeyPem, other.intermediatePem)).toBeFalse();
    expect(await isIssuedFor("rubbish", serverKeyPem, authority.intermediatePem)).toBeFalse();
  });

  test("is not made for a name outside the constraints; the error names it", async () => {
    const error = await issueServerCertificate(authority, {
      names: ["localhost", "google.com"],
      serverKeyPem,
      now,
    }).catch(caught);

    expect(error).toBeInstanceOf(NamesNotPermittedError);
    expect(error).toHaveProperty("names", ["google.com"]);
  });

  test("is not made for what is no name", async () => {
    const error = await issueServerCertificate(authority, { names: ["*.corp.example.com"], serverKeyPem, now }).catch(
      caught,
    );

    expect(error).toHaveProperty("message", expect.stringContaining("no host name"));
  });
});

describe("an authority", () => {
  test("is made of two certificates of ten years; the intermediate is for servers and signs no other authority", () => {
    const root = new Certificate(authority.rootPem);
    const intermediate = new Certificate(authority.intermediatePem);

    expect((root.notAfter.getTime() - now) / dayMs).toBeCloseTo(3652, 1);
    expect(intermediate.notAfter).toEqual(root.notAfter);
    expect(root.toString("text")).toContain("Path Length: 1");
    expect(intermediate.toString("text")).toContain("Path Length: 0");
    expect(new X509Certificate(authority.intermediatePem).keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
  });

  test("has the same critical name constraints in both", () => {
    const [root, intermediate] = [authority.rootPem, authority.intermediatePem].map((pem) =>
      new Certificate(pem).getExtension("2.5.29.30"),
    );

    expect(root?.critical).toBeTrue();
    expect(intermediate?.critical).toBeTrue();
    const hex = [root, intermediate].map((extension) =>
      Buffer.from(extension?.value ?? new ArrayBuffer(0)).toString("hex"),
    );
    expect(hex[0]).not.toBe("");
    expect(hex[1]).toBe(hex[0]);
  });

  test("keeps no key of the root: the one it has is the intermediate's", async () => {
    const asRoot = { ...authority, intermediatePem: authority.rootPem };

    expect(await isConsistent(authority)).toBeTrue();
    expect(await isConsistent(asRoot)).toBeFalse();
  });

  test("is told from one that is put together from two", async () => {
    const other = await createAuthority(scope, now);

    expect(await isConsistent({ ...authority, rootPem: other.rootPem })).toBeFalse();
    expect(await isConsistent({ ...authority, keyPem: other.keyPem })).toBeFalse();
    expect(await isConsistent({ ...authority, keyPem: "rubbish" })).toBeFalse();
  });

  test("says what it may certify by what stands in its certificate", () => {
    expect(isPermitted(authority, "other.corp.example.com")).toBeTrue();
    expect(isPermitted(authority, "192.168.1.1")).toBeTrue();
    expect(isPermitted(authority, "fd12::1")).toBeTrue();
    expect(isPermitted(authority, "203.0.113.8")).toBeFalse();
    expect(isPermitted(authority, "www.example.com")).toBeFalse();
    expect(isPermitted(authority, "*")).toBeFalse();
  });
});

// Where openssl is missing, the tests above still hold what we sign; these hold what a foreign verifier makes of it.
describe.if(openssl !== null)("openssl", () => {
  test("accepts the chain with the root trusted", async () => {
    expect(await verify(chain, authority.rootPem)).toContain("leaf.pem: OK");
  });

  test("does not accept the intermediate as the only one trusted: clients get the root", async () => {
    expect(await verify(chain, authority.intermediatePem)).toContain("error");
  });

  test.each([
    { type: "dns", value: "google.com" },
    { type: "dns", value: "www.example.com" },
    { type: "dns", value: "*.com" },
    { type: "ip", value: "1.2.3.4" },
    { type: "ip", value: "2001:db8::1" },
  ] as const)("TLS-06: refuses a leaf for $value that the authority's key signed", async (name) => {
    expect(await verify(await forge(name), authority.rootPem)).toContain("permitted subtree violation");
  });

  test("accepts a forged leaf for a permitted name, so that the refusals above are about the name", async () => {
    expect(await verify(await forge({ type: "dns", value: "a.local" }), authority.rootPem)).not.toContain(
      "subtree violation",
    );
  });

  test("prints the same fingerprint", async () => {
    await writeFile(join(folder, "root.pem"), authority.rootPem);

    const run = Bun.spawnSync([
      "openssl",
      "x509",
      "-noout",
      "-fingerprint",
      "-sha256",
      "-in",
      join(folder, "root.pem"),
    ]);

    expect(run.stdout.toString().trim().split("=")[1]).toBe(describeCertificate(authority.rootPem).fingerprint);
  });
});

describe("curl, a server and nothing but the root trusted", () => {
  test.if(Bun.which("curl") !== null)(
    "connects by every name that is in the certificate, and by no other",
    async () => {
      const trust = join(folder, "curl-root.pem");
      await writeFile(trust, authority.rootPem);
      const server = Bun.serve({
        port: 0,
        hostname: "127.0.0.1",
        tls: { cert: chain, key: serverKeyPem },
        fetch: () => new Response("here"),
      });

      try {
        const run = (host: string): Promise<number> =>
          Bun.spawn(
            [
              "curl",
              "-sS",
              "--resolve",
              `${host}:${server.port}:127.0.0.1`,
              "--cacert",
              trust,
              `https://${host}:${server.port}/`,
            ],
            { stdout: "ignore", stderr: "ignore" },
          ).exited;

        expect(await run("reg.corp.example.com")).toBe(0);
        expect(await run("127.0.0.1")).toBe(0);
        expect(await run("other.corp.example.com")).toBe(60);
      } finally {
        await server.stop(true);
      }
    },
  );
});

describe("a certificate needs to be renewed", () => {
  const certificate = { names: ["a.local", "::1"], notBefore: 0, notAfter: 90 * dayMs };

  test("not before two thirds of its life are over", () => {
    expect(needsRenewal(certificate, ["A.local", "[0:0::1]"], 60 * dayMs - 1)).toBeFalse();
  });

  test("when two thirds of its life are over", () => {
    expect(needsRenewal(certificate, certificate.names, 60 * dayMs)).toBeTrue();
  });

  test("when it has not begun", () => {
    expect(needsRenewal(certificate, certificate.names, -1)).toBeTrue();
  });

  test("not when a name is not found any more", () => {
    expect(needsRenewal(certificate, ["a.local"], 1)).toBeFalse();
  });

  test.each([[["a.local", "::1", "b.local"]], [["a.local", "::2"]]])("when the names are %p now", (wanted) => {
    expect(needsRenewal(certificate, wanted, 1)).toBeTrue();
  });
});
