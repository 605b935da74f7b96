import { describe, expect, test } from "bun:test";

import { describeAccountStore } from "../core/account-store.contract.ts";
import type { PrincipalId } from "../core/principal.ts";
import { MemoryAccountStore } from "../storage/memory/account-store.ts";
import { WatchedAccounts } from "./watched-accounts.ts";

describe("WatchedAccounts", () => {
  describeAccountStore(() => Promise.resolve(new WatchedAccounts(new MemoryAccountStore())));

  test("REV-05: a robot has changed when its owner is removed", async () => {
    const accounts = new WatchedAccounts(new MemoryAccountStore());
    const [alice, hugo, first, second, third] = ["A", "B", "C", "D", "E"].map(
      (letter) => `01${letter}RZ3NDEKTSV4RRFFQ69G5FAV` as PrincipalId,
    ) as [PrincipalId, PrincipalId, PrincipalId, PrincipalId, PrincipalId];
    const change = { by: alice, at: 1 };
    await accounts.createUser({ id: alice, name: "alice", isAdmin: false, passwordHash: "$argon2id$" }, change);
    await accounts.externalPrincipal("htpasswd", "hugo", hugo, 1);
    const robot = { expiresAt: undefined, isAdmin: false };
    await accounts.createRobot(
      { ...robot, id: first, name: "hers", owner: { ...robot, id: alice, name: "alice" } },
      change,
    );
    await accounts.createRobot(
      { ...robot, id: second, name: "his", owner: { ...robot, id: hugo, name: "hugo" } },
      change,
    );
    await accounts.createRobot({ ...robot, id: third, name: "ours", owner: undefined }, change);
    const changes = (): readonly number[] => ["hers", "his", "ours"].map((name) => accounts.changesOf(name));
    expect(changes()).toEqual([1, 1, 1]);

    await accounts.removeUser("alice", change);
    await accounts.keepExternalPrincipals("htpasswd", [], 2);

    expect(changes()).toEqual([2, 3, 1]);
  });

  test("a change is acknowledged when who wants to know of it has heard of it, be it made or not", async () => {
    let heard = 0;
    const accounts = new WatchedAccounts(new MemoryAccountStore(), async () => {
      await new Promise(setImmediate);
      heard += 1;
    });
    const change = { by: "01ARZ3NDEKTSV4RRFFQ69G5FAV" as PrincipalId, at: 1 };

    await accounts.createUser({ id: change.by, name: "ann", isAdmin: false, passwordHash: "" }, change);
    expect(heard).toBe(1);
    await accounts.removeUser("ann", change);
    expect(heard).toBe(2);
    await accounts.keepExternalPrincipals("htpasswd", [], 2);
    expect(heard).toBe(3);
  });
});
