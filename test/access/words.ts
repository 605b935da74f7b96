/** What may be done to a repository, in the words of the rules. */
export type Deed = "pull" | "push" | "overwrite" | "delete" | "admin";

/** A rule as an operator writes it; the registry reads it, and so does the oracle, each with its own eyes. */
export interface RuleWords {
  readonly effect: "allow" | "deny";
  /** `everyone` who is logged in, `anonymous`, `group:NAME` (`ldap:NAME`, `oidc:NAME`), or somebody's name. */
  readonly who: string;
  readonly actions: readonly Deed[];
  readonly repositories: string;
}

/** Somebody who has an account. */
export interface PersonWords {
  readonly name: string;
  readonly isAdmin: boolean;
  /** In the operator's htpasswd file, and not one of dozo's own. */
  readonly isInHtpasswd?: true;
  /** As the rules write them: `group:dev`. */
  readonly groups?: readonly string[];
}

/** A program that has an access key. */
export interface RobotWords {
  readonly name: string;
  /** Whose it is; the registry's own where nobody is named. */
  readonly owner?: string;
  readonly groups?: readonly string[];
}

/** A registry in words: who there is, and what is ruled. */
export interface Words {
  readonly people: readonly PersonWords[];
  readonly robots: readonly RobotWords[];
  readonly rules: readonly RuleWords[];
}

const everything: readonly Deed[] = ["pull", "push", "overwrite", "delete"];

/** The names of the repositories all have the same length where two of them are compared byte by byte. */
export const repositories: readonly { readonly name: string; readonly exists: boolean }[] = [
  { name: "a/app", exists: true },
  { name: "a/two", exists: true },
  { name: "a/non", exists: false },
  { name: "b/app", exists: true },
  { name: "b/non", exists: false },
  // Beside the patterns: `a/*` is about none of these.
  { name: "a/b/c", exists: true },
  { name: "ab/ap", exists: true },
  { name: "a", exists: true },
  { name: "a.b/x", exists: true },
  { name: "a-b/x", exists: true },
  { name: "all/a", exists: true },
  { name: "all/n", exists: false },
  { name: "all/x", exists: true },
  { name: "z/app", exists: true },
  { name: "z/non", exists: false },
];

export const people: readonly PersonWords[] = [
  { name: "root", isAdmin: true },
  { name: "alice", isAdmin: false },
  { name: "bob", isAdmin: false },
  { name: "carol", isAdmin: false },
  { name: "rita", isAdmin: false },
  { name: "erin", isAdmin: false },
  { name: "pam", isAdmin: false },
  { name: "dan", isAdmin: false },
  { name: "peter", isAdmin: false },
  { name: "nora", isAdmin: false },
  { name: "gil", isAdmin: false, groups: ["ldap:dev", "ldap:readers"] },
  { name: "ada", isAdmin: false, groups: ["oidc:dev"] },
  // Nobody names her: all that she may she may through a group.
  { name: "greta", isAdmin: false, groups: ["group:dev"] },
  // Was in a group, and is not any more.
  { name: "leo", isAdmin: false },
  { name: "hugo", isAdmin: false, isInHtpasswd: true },
  { name: "gone", isAdmin: false },
  { name: "again", isAdmin: false },
];

/** The rules give most of them more than their owners have. */
const robots: readonly RobotWords[] = [
  { name: "ci" },
  { name: "alices-bot", owner: "alice" },
  { name: "carols-bot", owner: "carol" },
  { name: "roots-bot", owner: "root" },
  { name: "gretas-bot", owner: "greta" },
  { name: "leos-bot", owner: "leo" },
  { name: "dev-bot", groups: ["group:dev"] },
];

const rules: readonly RuleWords[] = [
  { effect: "allow", who: "everyone", actions: ["pull"], repositories: "all/*" },
  { effect: "deny", who: "everyone", actions: ["pull", "push", "overwrite", "delete"], repositories: "all/x" },
  { effect: "allow", who: "alice", actions: everything, repositories: "a/*" },
  { effect: "allow", who: "bob", actions: everything, repositories: "b/*" },
  // Makes tags and moves none.
  { effect: "allow", who: "carol", actions: ["pull", "push"], repositories: "a/*" },
  { effect: "allow", who: "rita", actions: ["pull"], repositories: "a/*" },
  // Two rules that contradict each other, in both orders.
  { effect: "allow", who: "erin", actions: ["admin"], repositories: "**" },
  { effect: "deny", who: "erin", actions: ["push", "overwrite", "delete"], repositories: "a/*" },
  { effect: "deny", who: "erin", actions: ["pull"], repositories: "b/**" },
  { effect: "deny", who: "peter", actions: ["pull"], repositories: "a/two" },
  { effect: "allow", who: "peter", actions: ["pull"], repositories: "a*/**" },
  { effect: "allow", who: "peter", actions: ["push", "overwrite"], repositories: "a.b/*" },
  // Writes what she may not read.
  { effect: "allow", who: "pam", actions: ["push", "overwrite"], repositories: "**" },
  { effect: "allow", who: "dan", actions: ["delete"], repositories: "*/app" },
  { effect: "allow", who: "hugo", actions: ["pull", "push"], repositories: "a/**" },
  // Groups of one name from two sources are two groups.
  { effect: "allow", who: "ldap:dev", actions: ["pull", "push", "overwrite"], repositories: "a/*" },
  { effect: "deny", who: "ldap:readers", actions: ["push"], repositories: "a/two" },
  { effect: "allow", who: "oidc:dev", actions: ["pull", "delete"], repositories: "b/*" },
  { effect: "allow", who: "group:dev", actions: everything, repositories: "z/**" },
  { effect: "allow", who: "rita", actions: ["admin"], repositories: "all/n" },
  { effect: "allow", who: "nora", actions: ["pull"], repositories: "aside" },
  { effect: "allow", who: "ci", actions: ["pull", "push"], repositories: "a/*" },
  { effect: "allow", who: "alices-bot", actions: everything, repositories: "**" },
  { effect: "deny", who: "alices-bot", actions: ["delete"], repositories: "a/app" },
  { effect: "allow", who: "carols-bot", actions: ["admin"], repositories: "**" },
  { effect: "allow", who: "roots-bot", actions: ["pull"], repositories: "b/*" },
  { effect: "allow", who: "gretas-bot", actions: everything, repositories: "**" },
  { effect: "allow", who: "leos-bot", actions: everything, repositories: "z/**" },
  { effect: "allow", who: "gone", actions: everything, repositories: "**" },
  { effect: "allow", who: "again", actions: everything, repositories: "**" },
];

/** Nothing is open to those who are not logged in. */
export const closed: Words = { people, robots, rules };

/** A public mirror beside it, of which one repository is taken out again. */
export const open: Words = {
  people,
  robots,
  rules: [
    ...rules,
    { effect: "allow", who: "anonymous", actions: ["pull"], repositories: "z/*" },
    { effect: "allow", who: "anonymous", actions: ["pull"], repositories: "a/*" },
    { effect: "deny", who: "anonymous", actions: ["pull"], repositories: "a/two" },
    { effect: "deny", who: "bob", actions: ["pull"], repositories: "a/app" },
  ],
};
