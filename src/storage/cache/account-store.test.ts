import { describe, expect, test } from "bun:test";
import { describeAccountStore } from "../../core/account-store.contract.ts";
import type { UserRecord } from "../../core/account-store.ts";
import type { PrincipalId } from "../../core/principal.ts";
import { MemoryAccountStore } from "../memory/account-store.ts";
import { cacheAccounts } from "./account-store.ts";

/** A store that counts its reads, and keeps its answers back until it is told. */
class HeldStore extends MemoryAccountStore {
  reads = 0;
  gate: Promise<void> = Promise.resolve();

  override async listUsers(): Promise<readonly UserRecord[]> {
    this.reads += 1;
    const users = await super.listUsers();
    await this.gate;
    return users;
  }
}

const id = "01ARZ3NDEKTSV4RRFFQ69G5FAV" as PrincipalId;
const alice = { id, name: "alice", isAdmin: false, passwordHash: "$argon2id$1" };
const change = { by: id, at: 1 };

describe("cacheAccounts", () => {
  describeAccountStore(async () => cacheAccounts(new MemoryAccountStore()));

  test("users are read once, also for names that nobody has", async () => {
    const store = new HeldStore();
    const cache = cacheAccounts(store);
    await cache.createUser(alice, change);

    for (const name of ["alice", "bob", "carol", "alice"]) await cache.findUser(name);
    await cache.listUsers();

    expect(store.reads).toBe(1);
  });

  test("a user who is removed while users are read is not remembered", async () => {
    const store = new HeldStore();
    const cache = cacheAccounts(store);
    await cache.createUser(alice, change);
    const { promise, resolve } = Promise.withResolvers<void>();
    store.gate = promise;
    const early = cache.findUser("alice");
    await cache.removeUser("alice", change);
    resolve();

    expect((await early)?.name).toBe("alice");
    expect(await cache.findUser("alice")).toBeUndefined();
  });
});
