import { beforeEach, expect, test } from "bun:test";
import type { AccountStore, RobotRecord, UserRecord } from "./account-store.ts";
import type { PrincipalId } from "./principal.ts";

const first = "01ARZ3NDEKTSV4RRFFQ69G5FAV" as PrincipalId;
const second = "01BX5ZZKBKACTAV9WEVGEMMVRZ" as PrincipalId;
const third = "01CX5ZZKBKACTAV9WEVGEMMVRZ" as PrincipalId;
const fourth = "01DX5ZZKBKACTAV9WEVGEMMVRZ" as PrincipalId;
const fifth = "01EX5ZZKBKACTAV9WEVGEMMVRZ" as PrincipalId;
const change = { by: first, at: 100 };

function user(name: string, id = first): Omit<UserRecord, "credentialVersion" | "createdAt"> {
  return { id, name, isAdmin: false, passwordHash: "$argon2id$1" };
}

function robot(name: string, changes: Partial<RobotRecord> = {}): Omit<RobotRecord, "createdAt"> {
  return { id: second, name, owner: undefined, expiresAt: undefined, ...changes };
}

/** What every account store promises. `make` answers an empty one; who makes it also ends it. */
export function describeAccountStore(make: () => Promise<AccountStore>): void {
  let store: AccountStore;

  beforeEach(async () => {
    store = await make();
  });

  test("a user who was created is found, as an admin or not", async () => {
    await store.createUser(user("alice"), change);
    await store.createUser({ ...user("bob", second), isAdmin: true }, change);

    expect(await store.findUser("alice")).toEqual({ ...user("alice"), credentialVersion: 1, createdAt: 100 });
    expect((await store.findUser("bob"))?.isAdmin).toBe(true);
    expect(await store.findUser("carol")).toBeUndefined();
  });

  test("names are compared exactly, whatever they are", async () => {
    await store.createUser(user("__proto__"), change);
    await store.createUser(user("Alice", second), change);

    expect((await store.findUser("__proto__"))?.id).toBe(first);
    expect(await store.findUser("alice")).toBeUndefined();
    expect(await store.findUser("constructor")).toBeUndefined();
  });

  test("a name is taken until its user is removed", async () => {
    await store.createUser(user("alice"), change);

    const refused = store.createUser(user("alice", second), change);

    expect(await refused.catch((error: unknown) => error)).toMatchObject({ code: "CONFLICT" });
    expect((await store.findUser("alice"))?.id).toBe(first);
  });

  test("of two who take the same name at once, one gets it", async () => {
    const results = await Promise.allSettled([
      store.createUser(user("alice"), change),
      store.createUser(user("alice", second), change),
    ]);

    expect(results.map((result) => result.status).toSorted()).toEqual(["fulfilled", "rejected"]);
    expect(await store.listUsers()).toHaveLength(1);
  });

  test("users are listed in byte order of their names", async () => {
    const names = ["b", "a", "Z", "ä", "ab", "\u{1F600}", "\u{FF21}"];
    const ids = names.map((_, number) => `01ARZ3NDEKTSV4RRFFQ69G5F${number}0` as PrincipalId);
    for (const [number, name] of names.entries()) await store.createUser(user(name, ids[number]), change);

    const listed = (await store.listUsers()).map((record) => record.name);

    expect(listed).toEqual(["Z", "a", "ab", "b", "ä", "\u{FF21}", "\u{1F600}"]);
  });

  test("a new password is a new version of the credential", async () => {
    await store.createUser(user("alice"), change);
    expect((await store.findUser("alice"))?.credentialVersion).toBe(1);

    expect(await store.setPassword("alice", "$argon2id$2", change)).toBe(true);
    expect(await store.setPassword("nobody", "$argon2id$2", change)).toBe(false);

    expect(await store.findUser("alice")).toMatchObject({ passwordHash: "$argon2id$2", credentialVersion: 2 });
  });

  test("a user who is removed and made again is another", async () => {
    await store.createUser({ ...user("alice"), isAdmin: true }, change);
    await store.setPassword("alice", "$argon2id$2", change);

    expect(await store.removeUser("alice", change)).toBe(true);
    expect(await store.removeUser("alice", change)).toBe(false);
    expect(await store.findUser("alice")).toBeUndefined();
    expect(await store.listUsers()).toEqual([]);
    expect(await store.setPassword("alice", "$argon2id$3", change)).toBe(false);
    await store.createUser(user("alice", second), change);

    expect(await store.findUser("alice")).toMatchObject({ id: second, isAdmin: false, credentialVersion: 1 });
  });

  test("a name from an htpasswd file has the same id each time, which is not that of a user of the same name", async () => {
    await store.createUser(user("alice"), change);

    expect(await store.externalPrincipal("htpasswd", "alice", second, 1)).toBe(second);
    expect(await store.externalPrincipal("htpasswd", "alice", third, 2)).toBe(second);

    expect((await store.findUser("alice"))?.id).toBe(first);
    expect(await store.listUsers()).toHaveLength(1);
    expect(await store.findUser("bob")).toBeUndefined();
  });

  test("a name that an htpasswd file no longer has gets another id when it comes back, and the others keep theirs", async () => {
    await store.createUser(user("alice", third), change);
    await store.externalPrincipal("htpasswd", "alice", first, 1);
    await store.externalPrincipal("htpasswd", 'b"o\\b', second, 1);

    await store.keepExternalPrincipals("htpasswd", ['b"o\\b', "carol"], 2);
    await store.keepExternalPrincipals("htpasswd", ["alice", 'b"o\\b'], 3);

    expect(await store.externalPrincipal("htpasswd", "alice", fourth, 4)).toBe(fourth);
    expect(await store.externalPrincipal("htpasswd", 'b"o\\b', fourth, 4)).toBe(second);
    expect((await store.findUser("alice"))?.id).toBe(third);
  });

  test("a name from an htpasswd file that comes twice at once gets one id", async () => {
    const ids = await Promise.all([
      store.externalPrincipal("htpasswd", "bob", first, 1),
      store.externalPrincipal("htpasswd", "bob", second, 1),
    ]);

    expect(new Set(ids).size).toBe(1);
  });

  test("a robot is found by its name and its id, is no user and never an admin", async () => {
    await store.createRobot(robot("ci"), change);

    expect(await store.findRobot("ci")).toEqual({ ...robot("ci"), createdAt: 100 });
    expect(await store.findPrincipal(second, 200)).toEqual({
      id: second,
      name: "ci",
      isAdmin: false,
      kind: "robot",
      source: "dozo",
    });
    expect(await store.findUser("ci")).toBeUndefined();
    expect(await store.listUsers()).toEqual([]);
    expect(await store.setPassword("ci", "$argon2id$2", change)).toBe(false);
    expect(await store.removeUser("ci", change)).toBe(false);
    expect(await store.listRobots()).toHaveLength(1);
  });

  test("users and robots share their names", async () => {
    await store.createUser(user("alice"), change);
    await store.createRobot(robot("ci"), change);

    const refused = await Promise.allSettled([
      store.createRobot(robot("alice", { id: third }), change),
      store.createRobot(robot("ci", { id: third }), change),
      store.createUser(user("ci", third), change),
    ]);

    expect(refused).toMatchObject(Array.from({ length: 3 }, () => ({ reason: { code: "CONFLICT" } })));
  });

  test("REV-04: a robot is nobody from the moment at which it expires, and stays in the list", async () => {
    await store.createRobot(robot("ci", { expiresAt: 200 }), change);

    expect((await store.findPrincipal(second, 199))?.name).toBe("ci");
    expect(await store.findPrincipal(second, 200)).toBeUndefined();
    expect((await store.listRobots()).map(({ expiresAt }) => expiresAt)).toEqual([200]);
  });

  test("a robot has its owner as the owner is now", async () => {
    await store.createUser({ ...user("alice"), isAdmin: true }, change);
    const owner = { id: first, name: "alice", isAdmin: true };
    await store.createRobot(robot("ci", { owner: { ...owner, isAdmin: false } }), change);

    expect((await store.findRobot("ci"))?.owner).toEqual(owner);
    expect((await store.findPrincipal(second, 200))?.owner).toEqual(owner);
    expect((await store.findPrincipal(first, 200))?.isAdmin).toBe(true);
  });

  test("nobody who is gone can be an owner", async () => {
    const owner = { id: first, name: "alice", isAdmin: false };

    const refused = store.createRobot(robot("ci", { owner }), change);

    expect(await refused.catch((error: unknown) => error)).toMatchObject({ code: "CONFLICT" });
  });

  test("REV-05: a user's robots go with the user, and one of the same name that is made later is another", async () => {
    await store.createUser(user("alice"), change);
    await store.createRobot(robot("ci", { owner: { id: first, name: "alice", isAdmin: false } }), change);
    await store.createRobot(robot("ours", { id: third }), change);

    await store.removeUser("alice", change);

    expect(await store.findPrincipal(second, 200)).toBeUndefined();
    expect((await store.listRobots()).map(({ name }) => name)).toEqual(["ours"]);
    await store.createUser(user("alice", fourth), change);
    expect((await store.listRobots()).map(({ name }) => name)).toEqual(["ours"]);
    await store.createUser(user("ci", fifth), change);
  });

  test("REV-05: the robots of somebody whom the htpasswd file no longer has go, too", async () => {
    await store.externalPrincipal("htpasswd", "hugo", first, 1);
    await store.createRobot(robot("ci", { owner: { id: first, name: "hugo", isAdmin: false } }), change);
    expect((await store.findPrincipal(second, 200))?.owner?.id).toBe(first);

    await store.keepExternalPrincipals("htpasswd", ["carol"], 2);

    expect(await store.findPrincipal(second, 200)).toBeUndefined();
    expect(await store.listRobots()).toEqual([]);
    await store.createRobot(robot("ci", { id: third }), change);
    expect((await store.findRobot("ci"))?.id).toBe(third);
  });

  test("REV-05: one name of a directory can be taken out, with its robots; the others of the source are listed, and stay", async () => {
    await store.externalPrincipal("ldap", "hugo", first, 1);
    await store.externalPrincipal("ldap", "eve", third, 1);
    await store.externalPrincipal("htpasswd", "hugo", fourth, 1);
    await store.createRobot(robot("ci", { owner: { id: first, name: "hugo", isAdmin: false } }), change);
    expect(await store.listExternalNames("ldap")).toEqual(["eve", "hugo"]);

    expect(await store.removeExternalPrincipal("ldap", "hugo", change)).toBe(true);
    expect(await store.removeExternalPrincipal("ldap", "hugo", change)).toBe(false);

    expect(await store.listExternalNames("ldap")).toEqual(["eve"]);
    expect(await store.findPrincipal(first, 200)).toBeUndefined();
    expect(await store.listRobots()).toEqual([]);
    expect(await store.findExternalPrincipal("htpasswd", "hugo")).toBe(fourth);
    expect(await store.externalPrincipal("ldap", "hugo", fifth, 300)).toBe(fifth);
  });

  test("a robot that is removed and made again is another", async () => {
    await store.createRobot(robot("ci"), change);

    expect(await store.removeRobot("ci", change)).toBe(true);
    expect(await store.removeRobot("ci", change)).toBe(false);
    expect(await store.findPrincipal(second, 200)).toBeUndefined();
    await store.createRobot(robot("ci", { id: third }), change);

    expect((await store.findRobot("ci"))?.id).toBe(third);
    expect(await store.findPrincipal(second, 200)).toBeUndefined();
  });

  test("who comes from elsewhere is found by the id as long as the name is there, and by the name without being made", async () => {
    expect(await store.findExternalPrincipal("ldap", "hugo")).toBeUndefined();
    await store.externalPrincipal("htpasswd", "hugo", first, 1);

    expect(await store.findExternalPrincipal("ldap", "hugo")).toBeUndefined();
    expect(await store.findExternalPrincipal("htpasswd", "hugo")).toBe(first);
    expect(await store.findPrincipal(first, 200)).toMatchObject({ name: "hugo", source: "htpasswd", kind: "user" });
    await store.keepExternalPrincipals("htpasswd", [], 2);
    expect(await store.findPrincipal(first, 200)).toBeUndefined();
    expect(await store.findExternalPrincipal("htpasswd", "hugo")).toBeUndefined();
  });
}
