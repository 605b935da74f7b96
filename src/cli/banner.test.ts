import "reflect-metadata";
import { expect, test } from "bun:test";
import { createAuthority } from "../pki/certificate-authority.ts";
import { describeCertificate } from "../pki/certificate.ts";
import { type BannerFacts, banner } from "./banner.ts";

const { rootPem } = await createAuthority({ hostNames: [], suffixes: [], publicAddresses: [] }, Date.now());
const facts: BannerFacts = {
  version: "0.1.0",
  folder: "/var/lib/dozo",
  registry: "box.lan:5000",
  tls: "own",
  fingerprint: describeCertificate(rootPem).fingerprint,
  enrolmentLine: "sh -c '…' enroll",
  user: "admin",
  password: "Password of admin, shown this once: secret",
  notes: ["first", "second", "third", "fourth"],
};

test("it has at most 12 lines however much there is to say, and loses nothing", () => {
  for (const tls of ["own", "off", "proxied"] as const) {
    for (const password of [undefined, facts.password]) {
      const { lines, leftOver } = banner({ ...facts, tls, password });
      expect(lines.length).toBeLessThanOrEqual(12);
      expect([...lines, ...leftOver]).toEqual(expect.arrayContaining([...facts.notes]));
    }
  }
});

test("the password stands last, behind an empty line", () => {
  expect(banner(facts).lines.slice(-2)).toEqual(["", "Password of admin, shown this once: secret"]);
});

test("the line for clients is there where they can be enrolled, the fingerprint where the certificate is dozo's", () => {
  expect(banner(facts).lines).toContain("  sh -c '…' enroll");
  expect(banner({ ...facts, enrolmentLine: undefined, tls: "off" }).lines.join()).not.toContain("enroll");
  expect(banner(facts).lines.join()).toContain("CA fingerprint (SHA-256): ");
  for (const tls of ["off", "proxied", "other"] as const)
    expect(banner({ ...facts, tls }).lines.join()).not.toContain("fingerprint");
});

test("the address has the scheme that clients meet", () => {
  expect(banner({ ...facts, tls: "off" }).lines[0]).toContain(" serves at http://box.lan:5000 (data: /var/lib/dozo)");
  expect(banner({ ...facts, tls: "proxied" }).lines[0]).toContain(" serves at https://box.lan:5000 ");
});
