import { beforeEach, expect, test } from "bun:test";
import type { AccessRule } from "./access-rule.ts";
import type { AccessRuleStore } from "./access-rule-store.ts";
import type { PrincipalId } from "./principal.ts";
import { parseRepositoryPattern } from "./repository-pattern.ts";
import type { Ulid } from "./ulid.ts";

const alice = "01ARZ3NDEKTSV4RRFFQ69G5FAV" as PrincipalId;
const change = { by: alice, at: 100 };

/** What every store of access rules promises. `make` answers a new one with a principal `alice`; who makes it also ends it. */
export function describeAccessRuleStore(
  make: (principal: { readonly id: PrincipalId; readonly name: string }) => Promise<AccessRuleStore>,
): void {
  let store: AccessRuleStore;

  const ruleForAlice: Omit<AccessRule, "createdAt"> = {
    id: "01BX5ZZKBKACTAV9WEVGEMMVRZ" as Ulid,
    effect: "deny",
    subject: { kind: "principal", id: alice, name: "alice" },
    repositories: parseRepositoryPattern("team/**"),
    actions: ["pull", "delete"],
  };

  beforeEach(async () => {
    store = await make({ id: alice, name: "alice" });
  });

  test("a new one lets everyone pull, push and overwrite everywhere", async () => {
    expect(await store.listRules()).toEqual([
      expect.objectContaining({
        effect: "allow",
        subject: { kind: "everyone" },
        repositories: parseRepositoryPattern("**"),
        actions: ["pull", "push", "overwrite"],
      }),
    ]);
  });

  test("a rule that was added is listed behind the others, as it was given", async () => {
    await store.addRule(ruleForAlice, change);

    const rules = await store.listRules();

    expect(rules).toHaveLength(2);
    expect(rules[1]).toEqual({ ...ruleForAlice, createdAt: 100 });
  });

  test("a rule that was removed is gone, and cannot be removed again", async () => {
    const [first] = await store.listRules();
    if (first === undefined) throw new Error("there is no first rule");

    expect(await store.removeRule(first.id, change)).toBe(true);
    expect(await store.listRules()).toEqual([]);
    expect(await store.removeRule(first.id, change)).toBe(false);
  });
}
