import { describe, expect, test } from "bun:test";
import type { AccessAction, AccessRule, RuleSubject } from "./access-rule.ts";
import { anonymousCaller, type Caller, type Credential } from "./caller.ts";
import type { Group } from "./group.ts";
import { type Action, decide as decideBy, type Decision, type Verdict } from "./policy.ts";
import type { Principal } from "./principal.ts";
import { parseRepositoryName, type RepositoryName } from "./repository-name.ts";
import { parseRepositoryPattern } from "./repository-pattern.ts";
import type { Ulid } from "./ulid.ts";

const user: Principal = {
  id: "01ARZ3NDEKTSV4RRFFQ69G5FAV" as Ulid,
  name: "user",
  isAdmin: false,
  kind: "user",
  source: "dozo",
};
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

function decide(
  rules: readonly AccessRule[],
  principal: Principal | undefined,
  action: Action,
  repository?: RepositoryName,
  credential: Credential = { kind: "password" },
  groups: readonly Group[] = [],
): Decision {
  const caller: Caller = principal === undefined ? anonymousCaller : { principal, credential };
  return decideBy({ rules, groupsOf: (id) => (id === user.id ? groups : []) }, caller, action, repository);
}

const fresh = [rule("allow", everyone, "**", "pull", "push", "overwrite")];

describe("access", () => {
  test.each<[Action, Verdict, Verdict, Verdict]>([
    ["none", "allowed", "allowed", "allowed"],
    ["login", "login-needed", "allowed", "allowed"],
    ["keys", "login-needed", "allowed", "allowed"],
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

  test("access keys are made by people themselves, and not by what was given to a machine", () => {
    const kinds = ["password", "session", "key", "token", "certificate", "process"] as const;
    for (const principal of [user, admin])
      expect(kinds.map((kind) => decide(fresh, principal, "keys", undefined, { kind }).verdict)).toEqual([
        "allowed",
        "allowed",
        "limited",
        "limited",
        "limited",
        "limited",
      ]);
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

  test("a rule about a group is about who is in it, and not in one of the same name from elsewhere", () => {
    const rules = [rule("allow", { kind: "group", source: "ldap", name: "dev" }, "team/**", "push")];
    const may = (...groups: readonly Group[]): Verdict => decide(rules, user, "push", app, undefined, groups).verdict;

    expect(may({ source: "ldap", name: "dev" })).toBe("allowed");
    expect(may({ source: "dozo", name: "dev" })).toBe("denied");
    expect(may()).toBe("denied");
  });

  test("who is not logged in may pull where a rule says so, and never more, and is asked to log in otherwise", () => {
    const rules = [rule("allow", { kind: "anonymous" }, "team/*", "pull", "push", "admin")];

    expect(decide(rules, undefined, "pull", app).verdict).toBe("allowed");
    expect(decide(rules, undefined, "push", app).verdict).toBe("login-needed");
    expect(decide(rules, undefined, "delete", app).verdict).toBe("login-needed");
    expect(decide(rules, undefined, "pull", parseRepositoryName("other")).verdict).toBe("login-needed");
    expect(decide(rules, undefined, "login").verdict).toBe("login-needed");
    expect(decide(rules, undefined, "catalog").verdict).toBe("allowed");
    expect(decide(fresh, undefined, "catalog").verdict).toBe("login-needed");
  });

  test("nothing is open to who is not logged in where rules only deny them something", () => {
    const shut = rule("deny", { kind: "anonymous" }, "team/**", "pull");
    const vain = rule("allow", { kind: "anonymous" }, "**", "push");
    const open = rule("allow", { kind: "anonymous" }, "public/**", "pull");

    expect(decide([shut, vain], undefined, "catalog").verdict).toBe("login-needed");
    expect(decide([shut, vain, open], undefined, "catalog").verdict).toBe("allowed");
  });

  test("who is logged in may pull what anybody may, unless a rule denies it to them", () => {
    const open = rule("allow", { kind: "anonymous" }, "**", "pull", "push");
    const shut = rule("deny", { kind: "anonymous" }, "team/**", "pull");
    const no = rule("deny", onlyUser, "**", "pull");

    expect(decide([open], user, "pull", app)).toEqual({ verdict: "allowed", rule: open });
    expect(decide([open], user, "push", app).verdict).toBe("denied");
    expect(decide([open, shut], user, "pull", app).verdict).toBe("denied");
    expect(decide([open, shut, ...fresh], user, "pull", app).verdict).toBe("allowed");
    expect(decide([open, no], user, "pull", app)).toEqual({ verdict: "denied", rule: no });
    expect(decide([open, no], other, "pull", app).verdict).toBe("allowed");
  });

  test("admin of repositories is the right to everything in them, and to nothing of the registry", () => {
    const rules = [rule("allow", onlyUser, "team/**", "admin")];
    const no = rule("deny", onlyUser, "team/app", "delete");

    for (const action of ["pull", "push", "overwrite", "delete", "admin"] as const)
      expect(decide(rules, user, action, app).verdict).toBe("allowed");
    expect(decide([...rules, no], user, "delete", app).verdict).toBe("denied");
    expect(decide([...rules, no], user, "pull", app).verdict).toBe("allowed");
    expect(decide(rules, user, "administer", app).verdict).toBe("denied");
    expect(decide(rules, admin, "administer").verdict).toBe("allowed");
  });

  test("a robot may at most what its owner may", () => {
    const robot: Principal = { ...other, kind: "robot", owner: user };
    const no = rule("deny", onlyUser, "team/**", "pull");

    expect(decide(fresh, robot, "pull", app).verdict).toBe("allowed");
    expect(decide([...fresh, no], robot, "pull", app)).toEqual({ verdict: "denied", rule: no });
    expect(decide(fresh, { ...robot, owner: admin }, "delete", app).verdict).toBe("denied");
  });

  test("a credential's limits count for admins too, and say that it is the credential", () => {
    const limits = { grants: [{ repositories: parseRepositoryPattern("team/*"), actions: ["pull"] as const }] };
    const key: Credential = { kind: "key", limits: { ...limits, catalog: "granted" } };
    const token: Credential = { kind: "token", limits: { ...limits, catalog: "none" } };
    const browser: Credential = { kind: "token", limits: { grants: [], catalog: "all" } };
    const may = (credential: Credential, action: Action, name?: string): Verdict =>
      decide([], admin, action, name === undefined ? undefined : parseRepositoryName(name), credential).verdict;

    expect(may(key, "pull", "team/app")).toBe("allowed");
    expect(may(key, "push", "team/app")).toBe("limited");
    expect(may(key, "pull", "other")).toBe("limited");
    expect(may(key, "administer")).toBe("limited");
    expect([may(key, "catalog"), may(key, "see", "team/app"), may(key, "see", "other")]).toEqual([
      "allowed",
      "allowed",
      "limited",
    ]);
    expect([may(token, "catalog"), may(browser, "catalog"), may(browser, "see", "other")]).toEqual([
      "limited",
      "allowed",
      "allowed",
    ]);
    expect(may(browser, "pull", "other")).toBe("limited");
    expect(decide([], user, "pull", app, key).verdict).toBe("denied");
  });
});
