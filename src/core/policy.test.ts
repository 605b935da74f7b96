import { describe, expect, test } from "bun:test";
import type { AccessAction, AccessRule, RuleSubject } from "./access-rule.ts";
import { type Action, decide, type Verdict } from "./policy.ts";
import type { Principal } from "./principal.ts";
import { parseRepositoryName } from "./repository-name.ts";
import { parseRepositoryPattern } from "./repository-pattern.ts";
import type { Ulid } from "./ulid.ts";

const user: Principal = { id: "01ARZ3NDEKTSV4RRFFQ69G5FAV" as Ulid, name: "user", isAdmin: false, source: "dozo" };
const other: Principal = { ...user, id: "01BX5ZZKBKACTAV9WEVGEMMVRZ" as Ulid };
const admin: Principal = { ...user, id: "01CX5ZZKBKACTAV9WEVGEMMVRZ" as Ulid, name: "admin", isAdmin: true };
const app = parseRepositoryName("team/app");
const everyone: RuleSubject = { kind: "everyone" };
const onlyUser: RuleSubject = { kind: "principal", id: user.id, name: user.name };

function rule(
  effect: AccessRule["effect"],
  subject: RuleSubject,
  repositories: string,
  ...actions: readonly AccessAction[]
): AccessRule {
  const id = "01DX5ZZKBKACTAV9WEVGEMMVRZ" as Ulid;
  return { id, effect, subject, repositories: parseRepositoryPattern(repositories), actions, createdAt: 0 };
}

const fresh = [rule("allow", everyone, "**", "pull", "push", "overwrite")];

describe("access", () => {
  test.each<[Action, Verdict, Verdict, Verdict]>([
    ["none", "allowed", "allowed", "allowed"],
    ["login", "login-needed", "allowed", "allowed"],
    ["catalog", "login-needed", "allowed", "allowed"],
    ["pull", "login-needed", "allowed", "allowed"],
    ["push", "login-needed", "allowed", "allowed"],
    ["overwrite", "login-needed", "allowed", "allowed"],
    ["delete", "login-needed", "denied", "allowed"],
  ])(
    "as it is at first, to %s: nobody in particular %s, a user %s, an admin %s",
    (action, nobody, forUser, forAdmin) => {
      expect(decide(fresh, undefined, action, app).verdict).toBe(nobody);
      expect(decide(fresh, user, action, app).verdict).toBe(forUser);
      expect(decide(fresh, admin, action, app).verdict).toBe(forAdmin);
    },
  );

  test("without rules only admins may do anything, and everybody who is known may log in", () => {
    expect(decide([], user, "login").verdict).toBe("allowed");
    expect(decide([], user, "pull", app).verdict).toBe("denied");
    expect(decide([], admin, "delete", app).verdict).toBe("allowed");
  });

  test("a rule about a principal is about nobody else, though the name be the same", () => {
    const rules = [rule("allow", onlyUser, "team/*", "pull")];

    expect(decide(rules, user, "pull", app)).toEqual({ verdict: "allowed", rule: rules[0] });
    expect(decide(rules, other, "pull", app).verdict).toBe("denied");
  });

  test("a rule is about its actions and its repositories only", () => {
    const rules = [rule("allow", everyone, "team/*", "pull")];

    expect(decide(rules, user, "push", app).verdict).toBe("denied");
    expect(decide(rules, user, "pull", parseRepositoryName("other")).verdict).toBe("denied");
  });

  test("a rule that denies counts before one that allows, in whatever order they were made, and not for admins", () => {
    const no = rule("deny", onlyUser, "team/**", "push");
    for (const rules of [
      [...fresh, no],
      [no, ...fresh],
    ]) {
      expect(decide(rules, user, "push", app)).toEqual({ verdict: "denied", rule: no });
      expect(decide(rules, user, "pull", app).verdict).toBe("allowed");
      expect(decide(rules, other, "push", app).verdict).toBe("allowed");
      expect(decide(rules, admin, "push", app).verdict).toBe("allowed");
    }
  });
});
