import { beforeEach, expect, test } from "bun:test";
import type { AccessRuleStore } from "./access-rule-store.ts";
import type { AccountStore } from "./account-store.ts";
import type { GroupStore } from "./group-store.ts";
import type { PrincipalId } from "./principal.ts";
import { parseRepositoryPattern } from "./repository-pattern.ts";

const alice = "01ARZ3NDEKTSV4RRFFQ69G5FAV" as PrincipalId;
const hugo = "01BX5ZZKBKACTAV9WEVGEMMVRZ" as PrincipalId;
const ci = "01CX5ZZKBKACTAV9WEVGEMMVRZ" as PrincipalId;
const change = { by: alice, at: 100 };

/** A store of groups, and those that it lives with. */
export interface GroupStoreParts {
  readonly groups: GroupStore;
  readonly accounts: AccountStore;
  readonly rules: AccessRuleStore;
}

/** What every store of groups promises. `make` answers empty ones; who makes them also ends them. */
export function describeGroupStore(make: () => Promise<GroupStoreParts>): void {
  let store: GroupStore;
  let parts: GroupStoreParts;

  beforeEach(async () => {
    parts = await make();
    store = parts.groups;
    const { accounts } = parts;
    await accounts.createUser({ id: alice, name: "alice", isAdmin: false, passwordHash: "$argon2id$" }, change);
    await accounts.externalPrincipal("htpasswd", "hugo", hugo, 1);
    const owner = { id: alice, name: "alice", isAdmin: false };
    await accounts.createRobot({ id: ci, name: "ci", owner, expiresAt: undefined }, change);
  });

  async function groupNames(): Promise<readonly string[]> {
    return (await store.listMemberships()).map(({ group }) => `${group.source}:${group.name}`).toSorted();
  }

  test("in a new one there are no groups, and nobody is in one", async () => {
    expect(await store.listGroups()).toEqual([]);
    expect(await store.listMemberships()).toEqual([]);
  });

  test("groups are listed in byte order of their names, with their members in that of theirs", async () => {
    for (const name of ["ops", "Dev"]) await store.createGroup(name, change);

    expect(await store.addMembers("ops", [hugo, ci, alice, ci], change)).toBe(true);
    expect(await store.addMembers("ops", [alice], change)).toBe(true);

    const members = [
      { id: alice, name: "alice" },
      { id: ci, name: "ci" },
      { id: hugo, name: "hugo" },
    ];
    expect(await store.listGroups()).toEqual([
      { name: "Dev", members: [], createdAt: 100 },
      { name: "ops", members, createdAt: 100 },
    ]);
    expect(await store.listMemberships()).toHaveLength(3);
    expect(await store.listMemberships()).toContainEqual({ principalId: hugo, group: { source: "dozo", name: "ops" } });
  });

  test("a name is taken until its group is removed", async () => {
    await store.createGroup("dev", change);

    const refused = store.createGroup("dev", change);

    expect(await refused.catch((error: unknown) => error)).toMatchObject({ code: "CONFLICT" });
  });

  test("nobody gets into a group that is not there", async () => {
    expect(await store.addMembers("dev", [alice], change)).toBe(false);
    expect(await store.listMemberships()).toEqual([]);
    expect(await store.removeGroup("dev", change)).toBe(false);
  });

  test("who leaves a group stays in the others", async () => {
    for (const name of ["dev", "ops"]) await store.createGroup(name, change);
    await store.addMembers("dev", [alice, hugo], change);
    await store.addMembers("ops", [alice], change);
    await store.replaceGroups(alice, "ldap", ["dev"]);

    await store.removeMembers("dev", [alice, ci], change);

    expect((await store.listMemberships()).filter(({ principalId }) => principalId === hugo)).toHaveLength(1);
    expect(await groupNames()).toEqual(["dozo:dev", "dozo:ops", "ldap:dev"]);
  });

  test("REV-03: a group that is removed and made again has no members and no rules", async () => {
    const { rules } = parts;
    const group = { kind: "group", source: "dozo", name: "dev" } as const;
    const repositories = parseRepositoryPattern("**");
    for (const [id, subject] of [[alice, group] as const, [hugo, { ...group, source: "ldap" }] as const])
      await rules.addRule({ id, effect: "allow", subject, repositories, actions: ["pull"] }, change);
    await store.createGroup("dev", change);
    await store.addMembers("dev", [alice], change);
    await store.replaceGroups(alice, "ldap", ["dev"]);

    expect(await store.removeGroup("dev", change)).toBe(true);
    await store.createGroup("dev", change);

    expect((await store.listGroups()).map(({ members }) => members)).toEqual([[]]);
    expect(await groupNames()).toEqual(["ldap:dev"]);
    const subjects = (await rules.listRules()).map(({ subject }) => subject);
    expect(subjects).toEqual([{ kind: "everyone" }, { ...group, source: "ldap" }]);
  });

  test("REV-03: who is removed leaves all groups, with their robots", async () => {
    await store.createGroup("dev", change);
    await store.addMembers("dev", [alice, ci, hugo], change);
    await store.replaceGroups(alice, "ldap", ["dev"]);

    await parts.accounts.removeUser("alice", change);
    expect((await store.listMemberships()).map(({ principalId }) => principalId)).toEqual([hugo]);

    await parts.accounts.keepExternalPrincipals("htpasswd", [], 2);
    expect(await store.listMemberships()).toEqual([]);
    expect((await store.listGroups()).map(({ members }) => members)).toEqual([[]]);
  });

  test("REV-03: a source's groups of a principal are replaced, and another source's stay", async () => {
    await store.replaceGroups(alice, "oidc", ["dev"]);
    await store.replaceGroups(alice, "ldap", ["dev", "ops", "dev"]);
    await store.replaceGroups(alice, "ldap", ["ops", "qa"]);

    expect(await groupNames()).toEqual(["ldap:ops", "ldap:qa", "oidc:dev"]);
  });
}
