import "reflect-metadata";
import { beforeAll, describe, expect, test } from "bun:test";
import { createHash, createPrivateKey, createPublicKey } from "node:crypto";
import {
  type CertificateAuthority,
  createAuthority,
  createServerKey,
  issueServerCertificate,
} from "../pki/certificate-authority.ts";
import { registryIdentity, trustName } from "./identity.ts";

let authority: CertificateAuthority;
let serverKeyPem: string;

beforeAll(async () => {
  authority = await createAuthority({ hostNames: [], suffixes: [], publicAddresses: [] }, Date.now());
  serverKeyPem = await createServerKey();
});

const of = (registry: string, caPem?: string): ReturnType<typeof registryIdentity> =>
  registryIdentity({ registry, caPem, certificatePem: undefined });

test("the pin is that of the server's key, and stays when its certificate is renewed", async () => {
  const spki = createPublicKey(createPrivateKey(serverKeyPem)).export({ type: "spki", format: "der" });
  const pin = createHash("sha256").update(new Uint8Array(spki)).digest("base64");
  for (const now of [Date.now(), Date.now() + 60 * 86_400_000]) {
    const certificatePem = await issueServerCertificate(authority, { names: ["localhost"], serverKeyPem, now });
    expect(registryIdentity({ registry: "a", caPem: authority.rootPem, certificatePem }).keyPin).toBe(pin);
  }
});

test("on port 443 there are two spellings, on another one", () => {
  expect(of("reg.example.com").spellings).toEqual(["reg.example.com", "reg.example.com:443"]);
  expect(of("reg.example.com:443").spellings).toEqual(["reg.example.com", "reg.example.com:443"]);
  expect(of("[fd00::1]").spellings).toEqual(["[fd00::1]", "[fd00::1]:443"]);
  expect(of("reg:5000").spellings).toEqual(["reg:5000"]);
});

test("of the CA only certificates are kept, also where there are two", () => {
  const { rootPem, intermediatePem } = authority;
  const { caPem } = of(
    "reg",
    `# '; rm -rf / #\n${rootPem}\n-----BEGIN PRIVATE KEY-----\nAAAA\n${intermediatePem}$(id)`,
  );
  expect(caPem).toBe(`${rootPem}${intermediatePem}`);
  expect(() => of("reg", "nothing")).toThrow("no certificate");
});

describe("the registry", () => {
  test.each(["reg.example.com", "reg:5000", "10.0.0.1:5000", "[fd00::1]:5000", "my_host-1:443"])(
    "may be %s",
    (name) => {
      expect(of(name).registry).toBe(name);
    },
  );

  test.each([
    "",
    "a b",
    "a;b",
    "a'b",
    'a"b',
    "$(id)",
    "a/../b",
    "..",
    "-o",
    "a:b",
    "a:5000/x",
    "`id`",
    "a\nb",
    "a:5000\n",
  ])("may not be %p", (name) => {
    expect(() => of(name)).toThrow("HOST");
  });
});

test("its name among certificates has no sign that tools trip over", () => {
  expect(trustName("box:5000")).toBe("dozo-box-5000");
  expect(trustName("[fd00::1]:443")).toBe("dozo-fd00-1-443");
});
