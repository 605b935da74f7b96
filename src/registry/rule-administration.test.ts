import { beforeEach, describe, expect, test } from "bun:test";
import { ulid } from "ulid";
import { RegistryError } from "../core/error.ts";
import type { Principal, PrincipalId } from "../core/principal.ts";
import type { Ulid } from "../core/ulid.ts";
import { MemoryAccessRuleStore } from "../storage/memory/access-rule-store.ts";
import { MemoryAccountStore } from "../storage/memory/account-store.ts";
import { MemoryGroupStore } from "../storage/memory/group-store.ts";
import { AccessControl } from "./access-control.ts";
import { RuleAdministration } from "./rule-administration.ts";

let now: number;
const change = { by: "00000000000000000000000000" as PrincipalId, at: 100 };
let rules: RuleAdministration;
let access: AccessControl;
let accounts: MemoryAccountStore;

async function addUser(name: string, isAdmin = false): Promise<void> {
  await accounts.createUser({ id: ulid() as Ulid, name, isAdmin, passwordHash: "$argon2id$" }, change);
}

/** In whatever case it is asked for; but nobody can be asked for `away`. */
async function findDirectoryUser(name: string): Promise<Principal | undefined> {
  if (name === "away") throw new RegistryError("UNAVAILABLE");
  if (name.toLowerCase() !== "lena") return undefined;
  const id = await accounts.externalPrincipal("ldap", "lena", ulid() as Ulid, 1);
  return { id, name: "lena", isAdmin: false, kind: "user", source: "ldap" };
}

const isHtpasswdUser = async (name: string): Promise<boolean> => name === "hugo";

function mayDelete(): Promise<readonly boolean[]> {
  return Promise.all(["alice", "hugo"].map((who) => isAllowed(who, "delete", "team/app")));
}

async function isAllowed(who: string, action: string, repository: string): Promise<boolean> {
  return (await rules.check({ who, action, repository })).isAllowed;
}

beforeEach(async () => {
  now = 100;
  accounts = new MemoryAccountStore();
  const ruleStore = new MemoryAccessRuleStore();
  access = await AccessControl.open(ruleStore, new MemoryGroupStore(accounts, ruleStore));
  const ulids = { next: () => ulid() as Ulid };
  const ports = { accounts, access, challenge: "auto", isHtpasswdUser, findDirectoryUser, ulids } as const;
  rules = new RuleAdministration(ports, () => ({ ...change, at: now }));
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
    const { rule } = await rules.add({ effect: "deny", who: "alice", actions: ["push"], repositories: "team/*" });

    expect(await rules.check({ who: "alice", action: "push", repository: "team/app" })).toEqual({
      isAllowed: false,
      isAdmin: false,
      rule,
      hindrance: undefined,
    });
    expect((await rules.list()).map(({ id }) => id)).toContain(rule.id);
    await rules.remove(rule.id);
    expect(await isAllowed("alice", "push", "team/app")).toBe(true);
  });

  test("the first rule that opens something to who is not logged in comes with what that means for clients, no other does", async () => {
    const rest = { actions: ["pull"], repositories: "public/**" };
    const first = { ...rest, effect: "allow", who: "anonymous" } as const;

    expect((await rules.add({ ...first, effect: "deny" })).notes).toEqual([]);
    expect((await rules.add({ ...first, who: "everyone" })).notes).toEqual([]);
    const { notes } = await rules.add(first);
    expect(notes.join("\n")).toMatch(
      /asked for a token[^]*With Bearer[^]*before 29\.5[^]*With Basic[^]*docker pull[^]*--challenge/,
    );
    expect((await rules.add(first)).notes).toEqual([]);
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
    [{ who: "away" }, "user-unknown"],
    [{ who: "group:nobody" }, "group-unknown"],
    [{ who: "ldap:" }, "rule-invalid"],
    [{ who: "anonymous", actions: ["pull", "push"] }, "rule-invalid"],
    [{ actions: [] }, "rule-invalid"],
    [{ actions: ["pull", "fly"] }, "rule-invalid"],
    [{ repositories: "../x" }, "rule-invalid"],
  ])("one with %p is refused", async (part, fault) => {
    const text = { effect: "allow", who: "alice", actions: ["pull"], repositories: "**", ...part } as const;

    expect(await rules.add(text).catch((error: unknown) => error)).toMatchObject({ fault });
  });

  test("one can be about somebody of the directory before they have logged in, by the name that the directory has for them", async () => {
    await rules.add({ effect: "allow", who: "LENA", actions: ["delete"], repositories: "team/*" });

    expect((await rules.list()).at(-1)).toMatchObject({ who: "lena" });
    expect(await isAllowed("lena", "delete", "team/app")).toBe(true);
  });

  test("REV-03: a rule about a group holds for who is in it, from the moment at which they join to that at which they leave", async () => {
    await access.createGroup("dev", change);
    const alice = (await accounts.findUser("alice"))?.id ?? change.by;
    const hugo = await accounts.externalPrincipal("htpasswd", "hugo", ulid() as Ulid, 1);
    await rules.add({ effect: "allow", who: "group:dev", actions: ["delete"], repositories: "team/**" });
    expect(await mayDelete()).toEqual([false, false]);

    await access.addMembers("dev", [alice, hugo], change);
    expect(await mayDelete()).toEqual([true, true]);

    await access.removeMembers("dev", [alice], change);
    expect(await mayDelete()).toEqual([false, true]);

    await access.removeGroup("dev", change);
    await access.createGroup("dev", change);
    expect(await mayDelete()).toEqual([false, false]);
    expect(await rules.list()).toHaveLength(1);
  });

  test("REV-03: a directory's groups are what it says now; one that it says no more counts at the next request", async () => {
    const alice = (await accounts.findUser("alice"))?.id ?? change.by;
    await rules.add({ effect: "allow", who: "ldap:CN=Dev, the second", actions: ["delete"], repositories: "**" });
    // In lower case: the directory does not tell one from the other.
    await access.replaceGroups(alice, "ldap", ["cn=dev, the second", "ops"]);
    await access.replaceGroups(alice, "oidc", ["ops"]);
    expect(await isAllowed("alice", "delete", "a")).toBe(true);

    await access.replaceGroups(alice, "ldap", ["ops"]);

    expect(await isAllowed("alice", "delete", "a")).toBe(false);
    expect(access.groupsOf(alice)).toHaveLength(2);
  });

  test("what is asked of a group is what it alone brings, and of everyone and anonymous what holds for a stranger", async () => {
    await access.createGroup("dev", change);
    await rules.add({ effect: "allow", who: "group:dev", actions: ["delete"], repositories: "team/*" });
    await rules.add({ effect: "allow", who: "anonymous", actions: ["pull"], repositories: "public/*" });
    const asked = ["group:dev", "ldap:dev", "everyone", "anonymous"];
    const ask = (action: string, repository: string): Promise<readonly boolean[]> =>
      Promise.all(asked.map((who) => isAllowed(who, action, repository)));

    expect(await ask("delete", "team/app")).toEqual([true, false, false, false]);
    expect(await ask("push", "team/app")).toEqual([true, true, true, false]);
    expect(await ask("pull", "public/app")).toEqual([true, true, true, true]);
    expect(await ask("push", "public/app")).toEqual([true, true, true, false]);
  });

  test("every rule is read as it was written, and listed for those whom it is about", async () => {
    await access.createGroup("dev", change);
    await addUser("bob");
    const alice = (await accounts.findUser("alice"))?.id ?? change.by;
    await access.addMembers("dev", [alice], change);
    const words = ["alice", "group:dev", "ldap:dev", "oidc:a:b", "everyone", "anonymous"];
    for (const who of words) await rules.add({ effect: "allow", who, actions: ["pull"], repositories: "**" });
    const heard = async (who: string): Promise<readonly string[]> =>
      (await rules.listFor(who)).slice(who === "anonymous" ? 0 : 1).map((rule) => rule.who);

    expect((await rules.list()).slice(1).map(({ who }) => who)).toEqual(words);
    expect(await heard("alice")).toEqual(["alice", "group:dev", "everyone", "anonymous"]);
    expect(await heard("bob")).toEqual(["everyone", "anonymous"]);
    expect(await heard("oidc:a:b")).toEqual(["oidc:a:b", "everyone", "anonymous"]);
    expect(await heard("anonymous")).toEqual(["anonymous"]);
  });

  test("REV-05: a robot may at most what its owner may, and nothing when its time is over; the answer says so", async () => {
    const alice = (await accounts.findUser("alice"))?.id ?? change.by;
    const owner = { id: alice, name: "alice", isAdmin: false };
    await accounts.createRobot({ id: ulid() as Ulid, name: "ci", owner, expiresAt: 200 }, change);
    await rules.add({ effect: "allow", who: "ci", actions: ["delete"], repositories: "**" });
    const question = { who: "ci", action: "delete", repository: "team/app" };

    expect(await rules.check(question)).toMatchObject({ isAllowed: false, hindrance: "owner", rule: undefined });
    const { rule: denied } = await rules.add({
      effect: "deny",
      who: "alice",
      actions: ["push"],
      repositories: "team/*",
    });
    expect(await rules.check({ ...question, action: "push" })).toMatchObject({ hindrance: "owner", rule: denied });
    await rules.add({ effect: "allow", who: "alice", actions: ["delete"], repositories: "**" });
    expect(await rules.check(question)).toMatchObject({ isAllowed: true, hindrance: undefined });
    now = 200;
    expect(await rules.check(question)).toMatchObject({ isAllowed: false, hindrance: "expired" });
  });

  test("one that is not there cannot be removed", async () => {
    for (const id of ["x", "01ARZ3NDEKTSV4RRFFQ69G5FAV"])
      expect(await rules.remove(id).catch((error: unknown) => error)).toMatchObject({ fault: "rule-unknown" });
  });
});
