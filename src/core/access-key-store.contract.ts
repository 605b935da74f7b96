import { beforeEach, expect, test } from "bun:test";
import { type AccessKeyStore, endedKeysKeptMs, type NewAccessKeyRecord } from "./access-key-store.ts";
import type { AccessKeyId } from "./access-key.ts";
import type { PrincipalId } from "./principal.ts";
import { parseRepositoryPattern } from "./repository-pattern.ts";

const maria = "01ARZ3NDEKTSV4RRFFQ69G5FAV" as PrincipalId;
const change = { by: maria, at: 100 };

function keyId(digit: string): AccessKeyId {
  return `01BX5ZZKBKACTAV9WEVGEMMVR${digit}` as AccessKeyId;
}

function key(digit: string): NewAccessKeyRecord {
  return { id: keyId(digit), digest: digit.repeat(64), principalId: maria, limits: undefined, expiresAt: 900 };
}

/** A store of access keys with one principal, and what removes that principal from it. */
export interface AccessKeyStoreUnderTest {
  readonly keys: AccessKeyStore;
  readonly removePrincipal: () => Promise<void>;
}

/** What every store of access keys promises. `make` answers an empty one with this principal; who makes it also ends it. */
export function describeAccessKeyStore(
  make: (principal: { readonly id: PrincipalId; readonly name: string }) => Promise<AccessKeyStoreUnderTest>,
): void {
  let keys: AccessKeyStore;
  let removePrincipal: () => Promise<void>;

  const ids = async (): Promise<readonly AccessKeyId[]> => (await keys.listKeys()).map(({ id }) => id);

  beforeEach(async () => {
    ({ keys, removePrincipal } = await make({ id: maria, name: "maria" }));
  });

  test("a key that was added is listed with its principal, never used yet", async () => {
    const limits = {
      grants: [{ repositories: parseRepositoryPattern("team/*"), actions: ["pull", "push"] }],
      catalog: "granted",
    } as const;
    await keys.addKey({ ...key("A"), limits, expiresAt: undefined }, change);

    expect(await keys.listKeys()).toEqual([
      {
        id: keyId("A"),
        digest: "A".repeat(64),
        principal: { id: maria, name: "maria", isAdmin: false, kind: "user", source: "dozo" },
        principalExpiresAt: undefined,
        limits,
        createdAt: 100,
        expiresAt: undefined,
        lastUsedAt: undefined,
      },
    ]);
  });

  test("keys are listed by their ids, and an id is there once", async () => {
    for (const digit of ["C", "A", "B"]) await keys.addKey(key(digit), change);

    const again = await keys.addKey({ ...key("A"), digest: "other" }, change).catch((error: unknown) => error);

    expect(again).toMatchObject({ code: "CONFLICT" });
    expect(await ids()).toEqual(["A", "B", "C"].map(keyId));
    expect((await keys.listKeys())[0]?.digest).toBe("A".repeat(64));
  });

  test("keys that were removed are gone, and cannot be removed again", async () => {
    for (const digit of ["A", "B", "C"]) await keys.addKey(key(digit), change);

    expect(await keys.removeKeys([keyId("A"), keyId("C"), keyId("D")], change)).toBe(2);
    expect(await keys.removeKeys([keyId("A")], change)).toBe(0);
    expect(await ids()).toEqual([keyId("B")]);
  });

  test("a use is the newest that was noted, and one of an unknown key is none", async () => {
    for (const digit of ["A", "B"]) await keys.addKey(key(digit), change);

    await keys.noteUses([
      { id: keyId("A"), at: 300 },
      { id: keyId("D"), at: 300 },
    ]);
    await keys.noteUses([{ id: keyId("A"), at: 200 }]);

    expect((await keys.listKeys()).map(({ lastUsedAt }) => lastUsedAt)).toEqual([300, undefined]);
  });

  test("a principal who was removed has no keys and gets none", async () => {
    await keys.addKey(key("A"), change);
    await removePrincipal();

    expect(await keys.listKeys()).toEqual([]);
    const refused = await keys.addKey(key("B"), change).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "CONFLICT" });
  });

  test("a key that ended is listed for a while and then forgotten", async () => {
    await keys.addKey(key("A"), change);
    await keys.addKey({ ...key("B"), expiresAt: undefined }, { ...change, at: 900 + endedKeysKeptMs });
    expect(await ids()).toEqual([keyId("A"), keyId("B")]);

    await keys.addKey({ ...key("C"), expiresAt: undefined }, { ...change, at: 901 + endedKeysKeptMs });

    expect(await ids()).toEqual([keyId("B"), keyId("C")]);
  });
}
