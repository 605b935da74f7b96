import { beforeAll, describe, expect, test } from "bun:test";
import { createPrivateKey } from "node:crypto";

import {
  type CertificateAuthority,
  createAuthority,
  createServerKey,
  issueServerCertificate,
} from "./certificate-authority.ts";
import { type GivenPair, judgePair, type PairDemands } from "./given-pair.ts";

const now = Date.UTC(2026, 10, 20);
const dayMs = 24 * 3_600_000;
const places = { certificate: "/etc/tls/site.crt", key: "/etc/tls/site.key" };

let authority: CertificateAuthority;
let keyPem: string;
let good: GivenPair;
let demands: PairDemands;

beforeAll(async () => {
  const scope = { hostNames: ["registry.example.com"], suffixes: ["example.com"], publicAddresses: [] };
  authority = await createAuthority(scope, now - 400 * dayMs);
  keyPem = await createServerKey();
  good = { certificatePem: await issue(now), keyPem, places };
  demands = { names: ["registry.example.com", "10.1.2.3"], now, knownRoots: [authority.rootPem] };
});

function issue(at: number): Promise<string> {
  const names = ["registry.example.com", "10.1.2.3"];
  return issueServerCertificate(authority, { names, serverKeyPem: keyPem, now: at });
}

function judged(change: Partial<GivenPair>, changedDemands: Partial<PairDemands> = {}): readonly string[] {
  const faults = judgePair({ ...good, ...change }, { ...demands, ...changedDemands });
  return faults.map(({ id, isFatal, text }) => `${isFatal ? "fatal " : ""}${id}: ${text}`);
}

function certificates(pem: string): readonly string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? [];
}

describe("a pair that was given", () => {
  test("is good when everything fits, with the root in the file and without", () => {
    expect(judged({})).toEqual([]);
    expect(judged({ certificatePem: good.certificatePem + authority.rootPem }, { knownRoots: [] })).toEqual([]);
  });

  test("is good with text around the certificates, as openssl writes it", () => {
    expect(judged({ certificatePem: `subject=CN = x\n${good.certificatePem}\n# end\n` })).toEqual([]);
  });

  test("cannot be served when its key is another one's", async () => {
    expect(judged({ keyPem: await createServerKey() })).toEqual([
      expect.stringMatching(
        /^fatal foreign-key: the key in \/etc\/tls\/site\.key is not the one of .* Put the key there/,
      ),
    ]);
  });

  test("cannot be served when a file breaks off", () => {
    expect(judged({ certificatePem: good.certificatePem.slice(0, 300) })).toEqual([
      expect.stringMatching(/^fatal damaged-certificate: .* in its certificate 1 of 1\. Copy/),
    ]);
    expect(judged({ certificatePem: good.certificatePem.slice(0, -80) })).toEqual([
      expect.stringMatching(/certificate 2 of 2/),
    ]);
    expect(judged({ keyPem: keyPem.slice(0, 100) })).toEqual([expect.stringMatching(/^fatal damaged-key/)]);
  });

  test("cannot be served when a file holds something else, and the words say what to do", () => {
    expect(judged({ certificatePem: keyPem, keyPem: good.certificatePem })).toEqual([
      expect.stringMatching(/^fatal no-certificate: .* but a private key\. The two files may have changed places/),
    ]);
    expect(judged({ certificatePem: "0\u0082" })).toEqual([
      expect.stringMatching(/openssl x509 -inform DER -in \/etc\/tls\/site\.crt -out/),
    ]);
    expect(judged({ keyPem: "" })).toEqual([expect.stringMatching(/^fatal no-key/)]);
    const options = { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "secret" } as const;
    expect(judged({ keyPem: createPrivateKey(keyPem).export(options) })).toEqual([
      expect.stringMatching(/^fatal encrypted-key: .* openssl pkey -in \/etc\/tls\/site\.key/),
    ]);
  });

  test("cannot be served when the server's own certificate is not the first", () => {
    const [leaf = "", intermediate = ""] = certificates(good.certificatePem);
    expect(judged({ certificatePem: intermediate + leaf })).toEqual([
      expect.stringMatching(/^fatal not-first: .* is number 2\./),
    ]);
  });

  test("is refused by clients when the chain is out of order or does not lead to a root", () => {
    const [leaf = "", intermediate = ""] = certificates(good.certificatePem);
    expect(judged({ certificatePem: leaf + authority.rootPem + intermediate })[0]).toMatch(
      /^order: .* certificate 2 did not/,
    );
    expect(judged({ certificatePem: leaf })).toEqual([expect.stringMatching(/^open-chain:.*Add the certificate of/)]);
    expect(judged({}, { knownRoots: [] })).toEqual([expect.stringMatching(/^open-chain:.*CN=dozo root/)]);
  });

  test("is refused by clients before its first and after its last day", async () => {
    expect(judged({ certificatePem: await issue(now - 91 * dayMs) })).toEqual([
      expect.stringMatching(/^expired: .* ended on 2026-11-19\. .*clock/),
    ]);
    expect(judged({ certificatePem: await issue(now + 2 * dayMs) })).toEqual([
      expect.stringMatching(/^not-yet: .* from 2026-11-21 on/),
    ]);
  });

  test("is refused by clients that use another name or address", () => {
    expect(judged({}, { names: ["hub.example.com", "10.1.2.4", "Registry.Example.COM"] })).toEqual([
      expect.stringMatching(/^name:hub\.example\.com: .* It is for registry\.example\.com, 10\.1\.2\.3\./),
      expect.stringMatching(/^name:10\.1\.2\.4: /),
    ]);
  });
});
