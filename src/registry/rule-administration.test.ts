import { beforeEach, describe, expect, test } from "bun:test";
import { ulid } from "ulid";
import type { PrincipalId } from "../core/principal.ts";
import type { Ulid } from "../core/ulid.ts";
import { MemoryAccessRuleStore } from "../storage/memory/access-rule-store.ts";
import { MemoryAccountStore } from "../storage/memory/account-store.ts";
import { MemoryGroupStore } from "../storage/memory/group-store.ts";
import { AccessControl } from "./access-control.ts";
import { RuleAdministration } from "./rule-administration.ts";

const change = { by: "00000000000000000000000000" as PrincipalId, at: 100 };
let rules: RuleAdministration;
let accounts: MemoryAccountStore;

async function addUser(name: string, isAdmin = false): Promise<void> {
  await accounts.createUser({ id: ulid() as Ulid, name, isAdmin, passwordHash: "$argon2id$" }, change);
}

const isHtpasswdUser = async (name: string): Promise<boolean> => name === "hugo";

async function isAllowed(user: string, action: string, repository: string): Promise<boolean> {
  return (await rules.check({ user, action, repository })).isAllowed;
}

beforeEach(async () => {
  accounts = new MemoryAccountStore();
  const ruleStore = new MemoryAccessRuleStore();
  const access = await AccessControl.open(ruleStore, new MemoryGroupStore(accounts, ruleStore));
  const ulids = { next: () => ulid() as Ulid };
  rules = new RuleAdministration({ accounts, access, isHtpasswdUser, ulids }, () => change);
  await addUser("alice");
  await addUser("root", true);
});

describe("the rules of access", () => {
  test("a new registry lets everyone pull, push and overwrite, and only admins delete", async () => {
    expect(await isAllowed("alice", "push", "team/app")).toBe(true);
    expect(await isAllowed("alice", "delete", "team/app")).toBe(false);
    expect(await isAllowed("root", "delete", "team/app")).toBe(true);
  });

  test("a rule holds as soon as it is made, and no longer than it is there; the answer names it", async () => {
    const rule = await rules.add({ effect: "deny", who: "alice", actions: ["push"], repositories: "team/*" });

    expect(await rules.check({ user: "alice", action: "push", repository: "team/app" })).toEqual({
      isAllowed: false,
      isAdmin: false,
      rule,
    });
    expect((await rules.list()).map(({ id }) => id)).toContain(rule.id);
    await rules.remove(rule.id);
    expect(await isAllowed("alice", "push", "team/app")).toBe(true);
  });

  test("a user who is removed and made again inherits no rule", async () => {
    await rules.add({ effect: "allow", who: "alice", actions: ["delete"], repositories: "**" });
    expect(await isAllowed("alice", "delete", "a")).toBe(true);

    await accounts.removeUser("alice", change);
    await addUser("alice");

    expect(await isAllowed("alice", "delete", "a")).toBe(false);
  });

  test("a user of the htpasswd file can have rules before the first login", async () => {
    await rules.add({ effect: "allow", who: "hugo", actions: ["delete"], repositories: "**" });

    expect(await isAllowed("hugo", "delete", "a")).toBe(true);
  });

  test.each([
    [{ who: "nobody" }, "user-unknown"],
    [{ actions: [] }, "rule-invalid"],
    [{ actions: ["pull", "fly"] }, "rule-invalid"],
    [{ repositories: "../x" }, "rule-invalid"],
  ])("one with %p is refused", async (part, fault) => {
    const text = { effect: "allow", who: "alice", actions: ["pull"], repositories: "**", ...part } as const;

    expect(await rules.add(text).catch((error: unknown) => error)).toMatchObject({ fault });
  });

  test("one that is not there cannot be removed", async () => {
    for (const id of ["x", "01ARZ3NDEKTSV4RRFFQ69G5FAV"])
      expect(await rules.remove(id).catch((error: unknown) => error)).toMatchObject({ fault: "rule-unknown" });
  });
});
