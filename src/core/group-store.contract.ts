import { beforeEach, expect, test } from "bun:test";
import type { GroupStore } from "./group-store.ts";
import type { PrincipalId } from "./principal.ts";

const alice = "01ARZ3NDEKTSV4RRFFQ69G5FAV" as PrincipalId;

/** What every store of groups promises. `make` answers a new one with a principal `alice`; who makes it also ends it. */
export function describeGroupStore(
  make: (principal: { readonly id: PrincipalId; readonly name: string }) => Promise<GroupStore>,
): void {
  let store: GroupStore;

  beforeEach(async () => {
    store = await make({ id: alice, name: "alice" });
  });

  test("in a new one nobody is in a group", async () => {
    expect(await store.listMemberships()).toEqual([]);
  });

  test("a source's groups of a principal are replaced, and another source's stay", async () => {
    await store.replaceGroups(alice, "oidc", ["dev"]);
    await store.replaceGroups(alice, "ldap", ["dev", "ops", "dev"]);
    await store.replaceGroups(alice, "ldap", ["ops", "qa"]);

    const groups = (await store.listMemberships()).map(({ group }) => `${group.source}:${group.name}`);

    expect(groups.toSorted()).toEqual(["ldap:ops", "ldap:qa", "oidc:dev"]);
  });
}
