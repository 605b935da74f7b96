import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";

import { ulid } from "ulid";

import type { Group } from "../../core/group.ts";
import type { Principal } from "../../core/principal.ts";
import type { Ulid } from "../../core/ulid.ts";
import { silentLog } from "../../log.ts";
import { AccessControl } from "../../registry/access-control.ts";
import { MemoryAccessRuleStore } from "../../storage/memory/access-rule-store.ts";
import { MemoryAccountStore } from "../../storage/memory/account-store.ts";
import { MemoryGroupStore } from "../../storage/memory/group-store.ts";
import { Authenticator, type AuthResult } from "../authenticate.ts";
import { hashPassword } from "../password.ts";
import { ProcessPrincipals } from "../process-principals.ts";
import { SlowHashes } from "../slow-hashes.ts";
import { WatchedAccounts } from "../watched-accounts.ts";
import type { Directory, DirectoryUser, DirectoryVerdict } from "./directory.ts";
import { DirectoryUnavailableError } from "./directory-error.ts";
import { DirectoryUsers } from "./directory-users.ts";

// Logins of a directory's users as the authenticator sees them; the directory itself: test/ldap.

// A machine that is busy takes long for a slow hash.
setDefaultTimeout(60_000);

const remote = "192.0.2.1";
const ownHash = await hashPassword("of dozo's own");

/** A directory in memory, whose passwords are `right`. */
class MemoryDirectory implements Pick<Directory, "verify" | "lookUp" | "probe"> {
  readonly users = new Map<string, DirectoryUser>();
  isAway = false;
  asked = 0;

  async verify(name: string, password: string): Promise<DirectoryVerdict> {
    const user = await this.lookUp(name);
    if (user === undefined) return { kind: "wrong", reason: "the directory has no such user" };
    return password === "right" ? { kind: "right", user } : { kind: "wrong", reason: "the password" };
  }

  async lookUp(name: string): Promise<DirectoryUser | undefined> {
    this.asked++;
    if (this.isAway) throw new DirectoryUnavailableError("it does not answer");
    return this.users.get(name.toLowerCase());
  }

  async probe(): Promise<void> {
    await this.lookUp("nobody");
  }
}

const clock = { now: () => now };
const ulids = { next: () => ulid() as Ulid };

let now: number;
let waits: number[];
let directory: MemoryDirectory;
let accounts: WatchedAccounts;
let access: AccessControl;
let users: DirectoryUsers;
let slowHashes: SlowHashes;
let authenticator: Authenticator;

beforeEach(async () => {
  now = Date.now();
  waits = [];
  directory = new MemoryDirectory();
  directory.users.set("maria", { name: "maria", groups: ["developers", "all of us"] });
  directory.users.set("alice", { name: "alice", groups: [] });
  const store = new MemoryAccountStore();
  const rules = new MemoryAccessRuleStore();
  accounts = new WatchedAccounts(store);
  access = await AccessControl.open(rules, new MemoryGroupStore(store, rules));
  await addUser("alice");
  users = new DirectoryUsers({
    directory,
    accounts,
    isTaken: async (name) => (await accounts.findUser(name)) !== undefined,
    replaceGroups: (...groups) => access.replaceGroups(...groups),
    by: ulids.next(),
    ulids,
    clock,
    log: silentLog,
  });
  slowHashes = new SlowHashes();
  authenticator = new Authenticator({
    accounts,
    htpasswd: undefined,
    directory: users,
    clock,
    ulids,
    log: silentLog,
    processPrincipals: new ProcessPrincipals(ulids),
    accessKeys: { judge: () => ({ kind: "refused", reason: "there is no access key", isTold: false }) },
    clientCertificates: { judge: () => Promise.reject(new Error("nobody shows a certificate")) },
    bearerTokens: { callerOf: () => Promise.resolve("there are no tokens here") },
    slowHashes,
    wait: (ms) => Promise.resolve(void waits.push(ms)),
  });
});

afterEach(() => authenticator.stop());

async function addUser(name: string): Promise<void> {
  const user = { id: ulids.next(), name, isAdmin: true, passwordHash: ownHash };
  await accounts.createUser(user, { by: ulids.next(), at: now });
}

async function logIn(name: string, password: string): Promise<AuthResult> {
  return authenticator.authenticate(`Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`, remote);
}

async function principalOf(name: string): Promise<Principal> {
  const result = await logIn(name, "right");
  if (result.kind !== "caller" || result.caller.principal === undefined) throw new Error(`${name}: ${result.kind}`);
  return result.caller.principal;
}

async function groupsOf(name: string): Promise<readonly Group[]> {
  return access.groupsOf((await principalOf(name)).id);
}

describe("a user of the directory", () => {
  test("logs in, never as an admin, without a slow hash, and is remembered for a minute", async () => {
    expect(await principalOf("maria")).toMatchObject({ name: "maria", isAdmin: false, kind: "user", source: "ldap" });
    await principalOf("maria");
    expect([directory.asked, slowHashes.started]).toEqual([1, 0]);

    now += 60_000;
    await principalOf("maria");

    expect(directory.asked).toBe(2);
  });

  test("is the same principal in whatever case the name is typed, so that no rule is got round", async () => {
    expect(await principalOf("MARIA")).toEqual(await principalOf("maria"));
  });

  test("REV-03: is in the groups that the directory says at this login, and in no others", async () => {
    expect(await groupsOf("maria")).toEqual([
      { source: "ldap", name: "developers" },
      { source: "ldap", name: "all of us" },
    ]);
    directory.users.set("maria", { name: "maria", groups: ["all of us", "guests"] });
    now += 60_000;

    expect((await groupsOf("maria")).map(({ name }) => name).toSorted()).toEqual(["all of us", "guests"]);
  });

  test("REV-01: who was taken out of the directory is out when the minute is over", async () => {
    await principalOf("maria");
    directory.users.delete("maria");
    expect(await logIn("maria", "right")).toMatchObject({ kind: "caller" });

    now += 60_000;

    expect(await logIn("maria", "right")).toMatchObject({ kind: "refused" });
  });

  test("gives way to dozo's own user of the name, however it is typed, and the directory never sees that password", async () => {
    expect(await logIn("alice", "of dozo's own")).toMatchObject({ caller: { principal: { source: "dozo" } } });
    expect(await logIn("alice", "right")).toMatchObject({ kind: "refused" });
    expect(directory.asked).toBe(0);

    expect(await logIn("Alice", "right")).toMatchObject({ kind: "refused" });
  });

  test("is refused at once when dozo gets a user of the name", async () => {
    await principalOf("maria");

    await addUser("maria");

    expect(await logIn("maria", "right")).toMatchObject({ kind: "refused" });
  });
});

describe("REV-01, REV-03: whoever has been here is looked up again and again", () => {
  beforeEach(async () => {
    directory.users.set("lena", { name: "lena", groups: [] });
    await principalOf("maria");
    await principalOf("lena");
  });

  test("and has the groups that the directory says, without a login", async () => {
    directory.users.set("maria", { name: "maria", groups: ["guests"] });

    await users.refresh();

    expect(await groupsOf("maria")).toEqual([{ source: "ldap", name: "guests" }]);
  });

  test("and is removed when the directory does not have them twice in a row; who gets the name later is somebody else", async () => {
    const { id } = await principalOf("maria");
    const maria = directory.users.get("maria");
    directory.users.delete("maria");

    await users.refresh();
    expect(await accounts.findPrincipal(id, now)).toBeDefined();
    await users.refresh();

    expect(await accounts.findPrincipal(id, now)).toBeUndefined();
    expect(await accounts.listExternalNames("ldap")).toEqual(["lena"]);
    expect(await logIn("maria", "right")).toMatchObject({ kind: "refused" });
    if (maria !== undefined) directory.users.set("maria", maria);
    expect((await principalOf("maria")).id).not.toBe(id);
  });

  test("and stays when the directory has them again, has nobody at all any more, or cannot be asked", async () => {
    const maria = directory.users.get("maria");
    directory.users.delete("maria");
    await users.refresh();
    if (maria !== undefined) directory.users.set("maria", maria);
    await users.refresh();
    directory.users.clear();
    await users.refresh();
    await users.refresh();
    directory.isAway = true;
    expect(await users.refresh().catch((error: unknown) => error)).toMatchObject({ code: "UNAVAILABLE" });

    expect(await accounts.listExternalNames("ldap")).toEqual(["lena", "maria"]);
  });
});

describe("AUTH-03, AUTH-04: a failed login where there is a directory", () => {
  test.each([
    ["whom nobody knows", "nobody", "wrong"],
    ["of a user of the directory", "maria", "wrong"],
    ["of dozo's own user", "alice", "wrong"],
    ["of a user who is hidden by dozo's own", "ALICE", "right"],
    ["without a password", "maria", ""],
    ["with a NUL in it", "maria", "right\0"],
  ])("%s runs exactly one slow hash, and waits for the same floor", async (_, name, password) => {
    expect(await logIn(name, password)).toMatchObject({ kind: "refused" });

    expect(slowHashes.started).toBe(1);
    expect(waits).toHaveLength(1);
  });

  test("waits twice as long as the directory lately took, for names that it never sees too", async () => {
    for (const name of ["maria", "alice"]) {
      const slow = new Authenticator({
        accounts,
        htpasswd: undefined,
        directory: { usualMs: 300_000, logIn: (...login) => users.logIn(...login) },
        clock,
        ulids,
        log: silentLog,
        processPrincipals: new ProcessPrincipals(ulids),
        accessKeys: { judge: () => ({ kind: "refused", reason: "there is no access key", isTold: false }) },
        clientCertificates: { judge: () => Promise.reject(new Error("nobody shows a certificate")) },
        bearerTokens: { callerOf: () => Promise.resolve("there are no tokens here") },
        wait: (ms) => Promise.resolve(void waits.push(ms)),
      });
      await slow.authenticate(`Basic ${btoa(`${name}:wrong`)}`, remote);
      await slow.stop();
    }

    expect(waits).toHaveLength(2);
    for (const ms of waits) expect(ms).toBeWithin(500_000, 610_000);
  });
});

describe("REV-06: a directory that is away", () => {
  beforeEach(async () => {
    await principalOf("maria");
    directory.isAway = true;
  });

  test("lets nobody in who is not remembered, and tells nobody that the password is wrong", async () => {
    expect(await logIn("nobody", "right").catch((error: unknown) => error)).toMatchObject({
      code: "UNAVAILABLE",
      retryAfterSeconds: 5,
    });
    expect(await logIn("maria", "right")).toMatchObject({ kind: "caller" });

    now += 60_000;

    expect(await logIn("maria", "right").catch((error: unknown) => error)).toMatchObject({ code: "UNAVAILABLE" });
  });

  test("keeps dozo's own users from nothing", async () => {
    expect(await logIn("alice", "of dozo's own")).toMatchObject({ kind: "caller" });
  });
});
