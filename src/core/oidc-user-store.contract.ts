import { beforeEach, expect, test } from "bun:test";
import type { AccountStore } from "./account-store.ts";
import { RegistryError } from "./error.ts";
import type { OidcArrival, OidcUserStore } from "./oidc-user-store.ts";
import type { PrincipalId } from "./principal.ts";

const change = { by: "00000000000000000000000000" as PrincipalId, at: 500 };

function arrival(number: number, more: Partial<OidcArrival> = {}): OidcArrival {
  const fresh = `01ARZ3NDEKTSV4RRFF${String(number).padStart(8, "0")}` as PrincipalId;
  return { issuer: "https://login.test", subject: `subject ${number}`, name: `user${number}`, fresh, at: 100, ...more };
}

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
  } catch (error) {
    return error instanceof RegistryError ? error.code : "another error";
  }
  return undefined;
}

/** What every store of the provider's users promises. `make` answers a new one with the accounts that it belongs to; who makes it also ends it. */
export function describeOidcUserStore(
  make: () => Promise<{ readonly oidcUsers: OidcUserStore; readonly accounts: AccountStore }>,
): void {
  let store: OidcUserStore;
  let accounts: AccountStore;

  beforeEach(async () => {
    ({ oidcUsers: store, accounts } = await make());
  });

  test("somebody is the same principal each time, by issuer and subject and not by the name", async () => {
    const first = await store.receiveOidcUser(arrival(1));
    const again = await store.receiveOidcUser({ ...arrival(2), subject: "subject 1", name: "other", at: 200 });

    const { issuer, subject, name, fresh } = arrival(1);
    expect(first).toEqual({ id: fresh, issuer, subject, name, createdAt: 100, isRemoved: false });
    expect(again).toEqual(first);
    expect(await store.listOidcUsers()).toEqual([first]);
    expect(await store.findOidcUser(issuer, subject)).toEqual(first);
    expect(await store.findOidcUser(issuer, "subject 2")).toBeUndefined();
    expect(await accounts.findPrincipal(first.id, 200)).toMatchObject({ name, source: "oidc", isAdmin: false });
  });

  test("the same subject at another issuer is somebody else", async () => {
    const first = await store.receiveOidcUser(arrival(1));
    const other = await store.receiveOidcUser({ ...arrival(2), subject: "subject 1", issuer: "https://other.test" });

    expect(other.id).not.toBe(first.id);
  });

  test("a name that somebody has is not given to another", async () => {
    await store.receiveOidcUser(arrival(1));

    expect(await codeOf(store.receiveOidcUser(arrival(2, { name: "user1" })))).toBe("CONFLICT");
    expect(await store.listOidcUsers()).toHaveLength(1);
  });

  test("REV-04: who was removed stays so, whatever login comes, until the removal is taken back", async () => {
    const { id } = await store.receiveOidcUser(arrival(1));

    expect(await accounts.removeExternalPrincipal("ldap", "user1", change)).toBe(false);
    expect(await accounts.removeExternalPrincipal("oidc", "user1", change)).toBe(true);
    expect(await accounts.findPrincipal(id, 600)).toBeUndefined();
    expect(await store.receiveOidcUser(arrival(3, { subject: "subject 1" }))).toMatchObject({ id, isRemoved: true });
    expect(await store.listOidcUsers()).toMatchObject([{ id, isRemoved: true }]);
    expect(await accounts.removeExternalPrincipal("oidc", "user1", change)).toBe(false);

    expect(await store.readmitOidcUser("user1", change)).toBe(true);
    expect(await store.receiveOidcUser(arrival(1))).toMatchObject({ id, isRemoved: false });
    expect(await store.readmitOidcUser("user1", change)).toBe(false);
  });

  test("the name of somebody who was removed can be another's, and then they cannot come back under it", async () => {
    await store.receiveOidcUser(arrival(1));
    await accounts.removeExternalPrincipal("oidc", "user1", change);
    const other = await store.receiveOidcUser(arrival(2, { name: "user1" }));

    expect(other).toMatchObject({ id: arrival(2).fresh, isRemoved: false });
    expect(await codeOf(store.readmitOidcUser("user1", change))).toBe("CONFLICT");
    expect((await store.listOidcUsers()).filter(({ isRemoved }) => !isRemoved)).toEqual([other]);
  });

  test("nobody can be removed or taken back who never came", async () => {
    expect(await accounts.removeExternalPrincipal("oidc", "nobody", change)).toBe(false);
    expect(await store.readmitOidcUser("nobody", change)).toBe(false);
  });

  test("users are in the order of their names", async () => {
    for (const [number, name] of [
      [1, "b"],
      [2, "B"],
      [3, "a"],
    ] as const)
      await store.receiveOidcUser(arrival(number, { name }));

    expect((await store.listOidcUsers()).map(({ name }) => name)).toEqual(["B", "a", "b"]);
  });
}
