import { beforeEach, describe, expect, test } from "bun:test";
import { ulid } from "ulid";
import { AdministrationError } from "../core/administration.ts";
import type { Change } from "../core/metadata-store.ts";
import type { PrincipalId } from "../core/principal.ts";
import type { Ulid } from "../core/ulid.ts";
import { MemoryAccessRuleStore } from "../storage/memory/access-rule-store.ts";
import { MemoryAccountStore } from "../storage/memory/account-store.ts";
import { MemoryGroupStore } from "../storage/memory/group-store.ts";
import { AccessControl } from "./access-control.ts";
import { Groups } from "./group-administration.ts";
import { Robots } from "./robot-administration.ts";
import { RuleAdministration } from "./rule-administration.ts";
import { makeTurns } from "./turns.ts";

const operator = "00000000000000000000000000" as PrincipalId;
const neverMeant = { expiresAt: undefined, owner: undefined };
let now: number;
let accounts: MemoryAccountStore;
let rules: RuleAdministration;
let groups: Groups;
let robots: Robots;

async function addUser(name: string): Promise<void> {
  const user = { id: ulid() as Ulid, name, isAdmin: false, passwordHash: "$argon2id$" };
  await accounts.createUser(user, { by: operator, at: now });
}

const isHtpasswdUser = async (name: string): Promise<boolean> => name === "hugo";

beforeEach(async () => {
  now = 100;
  accounts = new MemoryAccountStore();
  const ruleStore = new MemoryAccessRuleStore();
  const access = await AccessControl.open(ruleStore, new MemoryGroupStore(accounts, ruleStore));
  const ulids = { next: () => ulid() as Ulid };
  const elsewhere = { isHtpasswdUser, findDirectoryUser: async () => undefined };
  const ports = { accounts, access, challenge: "auto", ulids, ...elsewhere } as const;
  const change = (): Change => ({ by: operator, at: now });
  const turn = makeTurns();
  rules = new RuleAdministration(ports, change);
  groups = new Groups(ports, turn, change);
  robots = new Robots(ports, turn, change);
  await addUser("alice");
});

/** The fault of what is refused, before there is a promise or with it. */
async function refusal(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    return error instanceof AdministrationError ? error.fault : error;
  }
}

describe("groups", () => {
  test("have users, robots and users of the htpasswd file in them", async () => {
    await groups.add("dev");
    await robots.add({ name: "ci", ...neverMeant });

    await groups.join("dev", ["hugo", "ci", "alice"]);
    expect(await groups.list()).toEqual([{ name: "dev", members: ["alice", "ci", "hugo"], createdAt: 100 }]);

    await groups.leave("dev", ["ci", "hugo"]);
    expect(await groups.list()).toMatchObject([{ members: ["alice"] }]);
  });

  test("take in all who are named, or nobody", async () => {
    await groups.add("dev");

    expect(await refusal(() => groups.join("dev", ["alice", "nobody"]))).toBe("user-unknown");
    expect(await groups.list()).toMatchObject([{ members: [] }]);
    await groups.join("dev", ["alice"]);
    expect(await refusal(() => groups.leave("dev", ["alice", "hugo"]))).toBe("member-unknown");
    expect(await groups.list()).toMatchObject([{ members: ["alice"] }]);
  });

  test("REV-03: go with their members and rules, and say how many those were", async () => {
    await groups.add("dev");
    await groups.join("dev", ["alice", "hugo"]);
    await rules.add({ effect: "allow", who: "group:dev", actions: ["delete"], repositories: "**" });
    const question = { who: "alice", action: "delete", repository: "a" };
    expect((await rules.check(question)).isAllowed).toBe(true);

    expect(await groups.remove("dev")).toEqual({ members: 2, rules: 1 });
    await groups.add("dev");

    expect((await rules.check(question)).isAllowed).toBe(false);
    expect(await groups.list()).toMatchObject([{ members: [] }]);
  });

  test("that are not there can have nobody in them, and a name is taken once", async () => {
    await groups.add("dev");

    expect(await refusal(() => groups.add("dev"))).toBe("group-exists");
    expect(await refusal(() => groups.remove("ops"))).toBe("group-unknown");
    expect(await refusal(() => groups.join("ops", ["alice"]))).toBe("group-unknown");
    expect(await refusal(() => groups.leave("ops", ["alice"]))).toBe("group-unknown");
    for (const name of ["", "a:b", "everyone", "anonymous", "a b", "-"])
      expect(await refusal(() => groups.add(name))).toBe("name-invalid");
  });
});

describe("robots", () => {
  test("are listed with whose they are and until when", async () => {
    await robots.add({ name: "nightly", owner: "alice", expiresAt: 200 });
    await robots.add({ name: "ci", ...neverMeant });
    now = 200;

    expect(await robots.list()).toEqual([
      { name: "ci", owner: undefined, expiresAt: undefined, hasExpired: false, createdAt: 100 },
      { name: "nightly", owner: "alice", expiresAt: 200, hasExpired: true, createdAt: 100 },
    ]);
  });

  test("REV-05: go with their owner, whose name another may have later", async () => {
    await robots.add({ name: "ci", owner: "alice", expiresAt: undefined });
    await robots.add({ name: "other", owner: "hugo", expiresAt: undefined });

    await accounts.removeUser("alice", { by: operator, at: now });
    await addUser("alice");

    expect((await robots.list()).map(({ name }) => name)).toEqual(["other"]);
    expect(await refusal(() => rules.check({ who: "ci", action: "pull", repository: "a" }))).toBe("user-unknown");
  });

  test("that are removed and made again inherit neither rules nor groups", async () => {
    await robots.add({ name: "ci", ...neverMeant });
    await groups.add("dev");
    await groups.join("dev", ["ci"]);
    for (const who of ["ci", "group:dev"])
      await rules.add({ effect: "allow", who, actions: ["delete"], repositories: "**" });
    const question = { who: "ci", action: "delete", repository: "a" };
    expect((await rules.check(question)).isAllowed).toBe(true);

    await robots.remove("ci");
    await robots.add({ name: "ci", ...neverMeant });

    expect((await rules.check(question)).isAllowed).toBe(false);
  });

  test("have names that no user has, an owner who is a user, and a time that is not over", async () => {
    await robots.add({ name: "ci", ...neverMeant });

    expect(await refusal(() => robots.add({ name: "ci", ...neverMeant }))).toBe("robot-exists");
    expect(await refusal(() => robots.add({ name: "alice", ...neverMeant }))).toBe("user-exists");
    expect(await refusal(() => robots.add({ name: "everyone", ...neverMeant }))).toBe("name-invalid");
    expect(await refusal(() => robots.add({ name: "x", owner: "nobody", expiresAt: undefined }))).toBe("user-unknown");
    expect(await refusal(() => robots.add({ name: "x", owner: "ci", expiresAt: undefined }))).toBe("robot-invalid");
    expect(await refusal(() => robots.add({ name: "x", owner: undefined, expiresAt: 100 }))).toBe("robot-invalid");
    expect(await refusal(() => robots.remove("alice"))).toBe("robot-unknown");
  });
});
