import { expect, test } from "bun:test";
import type { PrincipalId } from "../../core/principal.ts";
import type { Ulid } from "../../core/ulid.ts";
import { MemoryAccountStore } from "../../storage/memory/account-store.ts";
import { TokenHolders } from "./token-holders.ts";

const lena = "01ARZ3NDEKTSV4RRFFQ69G5FAV" as PrincipalId;
const ci = "01BX5ZZKBKACTAV9WEVGEMMVRZ" as Ulid;

test("a token of somebody from a directory counts no more once a robot has the name", async () => {
  const accounts = new MemoryAccountStore();
  await accounts.externalPrincipal("ldap", "lena", lena, 1);
  const holders = new TokenHolders({
    accounts,
    htpasswd: undefined,
    accessKeys: { callerOf: () => "there is no access key" },
    clientCertificates: { judge: () => Promise.reject(new Error("nobody shows a certificate")) },
    decide: () => ({ verdict: "denied", rule: undefined }),
    clock: { now: () => 1 },
    ulids: { next: () => ci },
    secret: new Uint8Array(32),
  });
  const holder = { kind: "password", name: "lena", id: lena, source: "ldap", version: "" } as const;
  expect(await holders.callerOf(holder)).toMatchObject({ principal: { name: "lena", source: "ldap" } });

  const robot = { id: ci, name: "lena", owner: undefined, expiresAt: undefined };
  await accounts.createRobot(robot, { by: lena, at: 2 });

  expect(await holders.callerOf(holder)).toContain("a robot has the name now");
});
