import { beforeEach, expect, test } from "bun:test";
import type { ClientCertificate } from "../core/client-certificate.ts";
import { type ClientUserRule, parseClientUserRule } from "../core/client-user-rule.ts";
import type { PrincipalId } from "../core/principal.ts";
import { MemoryAccountStore } from "../storage/memory/account-store.ts";
import { MemoryClientCertificateStore } from "../storage/memory/client-certificate-store.ts";
import { ClientCertificates } from "./client-certificates.ts";

const aliceId = "01ARZ3NDEKTSV4RRFFQ69G5FAA" as PrincipalId;
const bobId = "01ARZ3NDEKTSV4RRFFQ69G5FAB" as PrincipalId;
const change = { by: aliceId, at: 1 };
const fingerprint = "f".repeat(64);

const shown: ClientCertificate = {
  serial: "a".repeat(32),
  fingerprint,
  names: [
    { kind: "subject", value: "CN=bob,O=Example" },
    { kind: "cn", value: "bob" },
  ],
  notBefore: 100,
  notAfter: 200,
  isOwn: true,
  isForClients: true,
};
const foreign = { ...shown, isOwn: false };

let now: number;
let accounts: MemoryAccountStore;
let certificates: MemoryClientCertificateStore;

beforeEach(async () => {
  now = 150;
  accounts = new MemoryAccountStore();
  certificates = new MemoryClientCertificateStore();
  await accounts.createUser({ id: aliceId, name: "alice", isAdmin: true, passwordHash: "" }, change);
  await accounts.createUser({ id: bobId, name: "bob", isAdmin: false, passwordHash: "" }, change);
  const issued = { serial: shown.serial, fingerprint, userId: bobId, userName: "bob", endsAt: 200 };
  await certificates.addCertificate(issued, change);
});

async function judge(certificate: ClientCertificate, ...rules: readonly ClientUserRule[]): Promise<string> {
  const judged = new ClientCertificates({ accounts, certificates, rules, clock: { now: () => now } });
  const verdict = await judged.judge(certificate);
  return verdict.kind === "principal" ? `${verdict.principal.name} ${verdict.principal.id}` : verdict.reason;
}

function rule(text: string, mayBeAdmin = false): ClientUserRule {
  const parsed = parseClientUserRule(text, mayBeAdmin);
  if (typeof parsed === "string") throw new Error(parsed);
  return parsed;
}

test("one that was issued stands for its user while it holds", async () => {
  expect(await judge(shown)).toBe(`bob ${bobId}`);
  now = 99;
  expect(await judge(shown)).toContain("does not hold yet");
  now = 200;
  expect(await judge(shown)).toContain("has ended");
});

test("one of dozo's own that is not in the list is refused, also where a rule would fit", async () => {
  const forged = { ...shown, fingerprint: "e".repeat(64) };

  expect(await judge(forged, rule("cn:*=*"))).toContain("knows no client certificate");
});

test("one that was revoked is refused", async () => {
  await certificates.revokeCertificates([shown.serial], change);

  expect(await judge(shown, rule("cn:*=*"))).toContain("was revoked");
});

test("one of a user who was removed is refused, also when the name is somebody else's now", async () => {
  await accounts.removeUser("bob", change);
  expect(await judge(shown)).toContain("was removed");

  const later = "01ARZ3NDEKTSV4RRFFQ69G5FAC" as PrincipalId;
  await accounts.createUser({ id: later, name: "bob", isAdmin: true, passwordHash: "" }, change);
  expect(await judge(shown)).toContain("was removed");
});

test("one that is for servers is refused, whoever signed it", async () => {
  expect(await judge({ ...shown, isForClients: false })).toContain("not for clients");
  expect(await judge({ ...foreign, isForClients: false }, rule("cn:*=*"))).toContain("not for clients");
});

test("one of another authority counts by a rule only", async () => {
  expect(await judge(foreign)).toContain("no rule");
  expect(await judge(foreign, rule("cn:carol=bob"))).toContain("no rule");
  expect(await judge(foreign, rule("cn:*=*"))).toBe(`bob ${bobId}`);
  expect(await judge(foreign, rule("cn:bob=carol"))).toContain("there is not");
});

test("one of another authority is an admin only where its rule says so", async () => {
  expect(await judge(foreign, rule("cn:bob=alice"))).toContain("leads to an admin");
  expect(await judge(foreign, rule("cn:bob=alice", true))).toBe(`alice ${aliceId}`);
});
