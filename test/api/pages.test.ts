import "reflect-metadata";
import { beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { registryIdentity, type RegistryIdentity } from "../../src/enrolment/identity.ts";
import { enrolmentLine } from "../../src/enrolment/line.ts";
import { createAuthority, createServerKey, issueServerCertificate } from "../../src/pki/certificate-authority.ts";
import { describeCertificate, plainFingerprint } from "../../src/pki/certificate.ts";
import { pushImage } from "./content.ts";
import { makeRegistry, type Person } from "./registry.ts";

let own: RegistryIdentity;
let elsewhere: RegistryIdentity;
let fingerprint: string;

beforeAll(async () => {
  const now = Date.now();
  const authority = await createAuthority({ hostNames: [], suffixes: [], publicAddresses: [] }, now);
  const serverKeyPem = await createServerKey();
  const certificatePem = await issueServerCertificate(authority, { names: ["localhost"], serverKeyPem, now });
  own = registryIdentity({ registry: "box.example.com:5000", caPem: authority.rootPem, certificatePem });
  elsewhere = registryIdentity({ registry: "box.example.com", caPem: undefined, certificatePem: undefined });
  fingerprint = plainFingerprint(describeCertificate(authority.rootPem).fingerprint);
});

async function get(
  path: string,
  identity: RegistryIdentity | undefined,
  { as = "nobody", accept = "*/*", ...headers }: { as?: Person; accept?: string; host?: string } = {},
): Promise<{ answer: Response; text: string }> {
  const registry = makeRegistry({}, { identity: () => identity });
  await pushImage(registry, "secret-repository", "v1");
  const answer = await registry.call("GET", path, { as, headers: { accept, ...headers } });
  return { answer, text: await answer.text() };
}

const browser = "text/html,application/xhtml+xml,*/*;q=0.8";

describe("the front page", () => {
  test("says what this is, by which authority, and how to come in, to browsers and to curl", async () => {
    for (const accept of [browser, "*/*"]) {
      const { answer, text } = await get("/", own, { accept });
      expect(answer.headers.get("content-type")).toBe(`text/${accept === browser ? "html" : "plain"}; charset=utf-8`);
      for (const part of ["box.example.com:5000", fingerprint, "/ca.crt", "/enroll", "docker login"])
        expect(text).toContain(part);
    }
  });

  test("shows nothing else without a login, and the same with one", async () => {
    const { text } = await get("/", own, { accept: browser });
    expect(text).not.toMatch(/secret-repository|alice|\d+\.\d+\.\d+|pinnedpubkey/);
    expect((await get("/", own, { accept: browser, as: "alice" })).text).toBe(text);
  });

  test("is there before the address is known, and without TLS", async () => {
    expect((await get("/", undefined)).text).toContain("container registry");
  });
});

describe("the enrolment page", () => {
  test("shows a stranger the fingerprint and where to get the line, not the line", async () => {
    for (const accept of [browser, "*/*"]) {
      const { answer, text } = await get("/enroll", own, { accept });
      expect(answer.status).toBe(200);
      expect(text).toContain(fingerprint);
      expect(text).toContain("dozo ca show");
      expect(text).not.toMatch(/pinnedpubkey|sh -c|enroll\.sh/);
      expect(text).not.toContain(own.keyPin);
    }
    expect((await get("/enroll", own, { as: "alice" })).text).not.toContain("pinnedpubkey");
  });

  test("shows the line after a login, for nobody to keep", async () => {
    expect((await get("/enroll/line", own)).answer.status).toBe(401);
    expect((await get("/enroll/line", own, { as: "mallory" })).answer.status).toBe(401);
    expect((await get("/enroll/line", own)).answer.headers.get("www-authenticate")).toStartWith("Basic");
    const { answer, text } = await get("/enroll/line", own, { as: "bob" });
    expect(text).toContain(`\n  ${enrolmentLine(own)}\n`);
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  test("shows the line at once where browsers trust the certificate without us", async () => {
    expect((await get("/enroll", elsewhere)).text).toContain(`\n  ${enrolmentLine(elsewhere)}\n`);
  });

  test("takes nothing from the request", async () => {
    const script = (await get("/enroll.sh", own)).text;
    for (const path of ["/", "/enroll", "/enroll/line", "/enroll.sh"]) {
      const { text } = await get(path, own, { host: "evil.example.com", accept: browser, as: "alice" });
      expect(text).not.toContain("evil");
    }
    expect((await get("/enroll.sh", own, { host: "evil" })).text).toBe(script);
  });
});

test("pages run no script, are framed by nobody, and have their own style only", async () => {
  for (const path of ["/", "/enroll", "/enroll/line"]) {
    const { answer, text } = await get(path, own, { accept: browser, as: "alice" });
    const policy = answer.headers.get("content-security-policy") ?? "";
    const style = /<style>([^]*)<\/style>/.exec(text)?.[1] ?? "";
    const hash = createHash("sha256").update(style).digest("base64");
    expect(policy).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(answer.headers.get("vary")).toBe("Accept");
    expect(text).not.toMatch(/<script|<form|<img|style="|onclick|http:/);
  }
});

test("the script is plain text, and is not there where nothing speaks TLS", async () => {
  const { answer, text } = await get("/enroll.sh", own);
  expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  expect(text).toStartWith("#!/bin/sh\n");
  for (const path of ["/enroll", "/enroll.sh"]) expect((await get(path, undefined)).answer.status).toBe(404);
});
