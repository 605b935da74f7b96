import { beforeEach, expect, test } from "bun:test";
import type { AccountStore, UserRecord } from "./account-store.ts";
import type { PrincipalId } from "./principal.ts";

const first = "01ARZ3NDEKTSV4RRFFQ69G5FAV" as PrincipalId;
const second = "01BX5ZZKBKACTAV9WEVGEMMVRZ" as PrincipalId;
const change = { by: first, at: 100 };

function user(name: string, id = first): Omit<UserRecord, "credentialVersion" | "createdAt"> {
  return { id, name, isAdmin: false, passwordHash: "$argon2id$1" };
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
    expect(await store.externalPrincipal("htpasswd", "alice", "01CX5ZZKBKACTAV9WEVGEMMVRZ" as PrincipalId, 2)).toBe(
      second,
    );

    expect((await store.findUser("alice"))?.id).toBe(first);
    expect(await store.listUsers()).toHaveLength(1);
    expect(await store.findUser("bob")).toBeUndefined();
  });

  test("a name that an htpasswd file no longer has gets another id when it comes back, and the others keep theirs", async () => {
    const third = "01CX5ZZKBKACTAV9WEVGEMMVRZ" as PrincipalId;
    await store.createUser(user("alice", third), change);
    await store.externalPrincipal("htpasswd", "alice", first, 1);
    await store.externalPrincipal("htpasswd", 'b"o\\b', second, 1);

    await store.keepExternalPrincipals("htpasswd", ['b"o\\b', "carol"], 2);
    await store.keepExternalPrincipals("htpasswd", ["alice", 'b"o\\b'], 3);

    const fourth = "01DX5ZZKBKACTAV9WEVGEMMVRZ" as PrincipalId;
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
}
