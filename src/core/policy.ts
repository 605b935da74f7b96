import type { AccessAction, AccessRule, RuleSubject } from "./access-rule.ts";
import { anonymousCaller, type Caller, type Credential, type CredentialLimits } from "./caller.ts";
import type { Group } from "./group.ts";
import type { Principal, PrincipalId } from "./principal.ts";
import type { RepositoryName } from "./repository-name.ts";
import { matchesRepository } from "./repository-pattern.ts";

/**
 * What is asked for. `none` is open to everybody; `login` needs any principal; `keys` is about the asker's own access keys;
 * `catalog` is about the list of repositories, `see` about one of them in it; `administer` is about the registry itself; the others
 * are about a repository.
 */
export type Action = "none" | "login" | "keys" | "catalog" | "see" | "administer" | AccessAction;

/** `limited`: the principal may, but not with this credential. */
export type Verdict = "allowed" | "login-needed" | "denied" | "limited";

/** A verdict, and why. `rule` is undefined where no rule decided: an admin may all, and what nobody allowed is denied. */
export interface Decision {
  readonly verdict: Verdict;
  readonly rule: AccessRule | undefined;
}

/** What decisions are made from. */
export interface Policy {
  readonly rules: readonly AccessRule[];
  readonly groupsOf: (principal: PrincipalId) => readonly Group[];
}

/** `decide` over the policy that holds at the moment. */
export type Decide = (caller: Caller, action: Action, repository?: RepositoryName) => Decision;

/**
 * With what people prove who they are themselves. A key, a token or a certificate was given to a machine, ends, and can be taken
 * back: if it could make keys, those would outlive it, and open more than it does.
 */
const personal: readonly Credential["kind"][] = ["password", "session"];

const allowed: Decision = { verdict: "allowed", rule: undefined };
const loginNeeded: Decision = { verdict: "login-needed", rule: undefined };
const denied: Decision = { verdict: "denied", rule: undefined };

/**
 * The one place that decides access. It sees who asks, with what, what for and the repository's name, and never what
 * exists: so a refusal cannot tell anybody what is there.
 */
export function decide(policy: Policy, caller: Caller, action: Action, repository?: RepositoryName): Decision {
  if (action === "none") return allowed;
  const { principal, credential } = caller;
  const decision =
    principal === undefined
      ? decideForAnonymous(policy, credential.kind === "token", action, repository)
      : decideForPrincipal(policy, principal, action, repository);
  if (decision.verdict !== "allowed" || isEnough(credential, action, repository)) return decision;
  return { verdict: "limited", rule: decision.rule };
}

/** Whether a rule lets somebody pull something who is not logged in. */
export function isOpenToAnonymous(decideNow: Decide): boolean {
  return decideNow(anonymousCaller, "catalog").verdict === "allowed";
}

/** Where a login could help, it is asked for: whether it would is nothing a stranger is told. */
function decideForAnonymous(
  { rules }: Policy,
  hasToken: boolean,
  action: Action,
  repository: RepositoryName | undefined,
): Decision {
  if (action === "login") return hasToken ? allowed : loginNeeded;
  if (action === "catalog") return rules.some(isOpening) ? allowed : loginNeeded;
  if ((action !== "pull" && action !== "see") || repository === undefined) return loginNeeded;
  const decision = byRules(rules, ({ kind }) => kind === "anonymous", "pull", repository);
  return decision.verdict === "allowed" ? decision : { verdict: "login-needed", rule: decision.rule };
}

function isOpening({ subject, effect, actions }: AccessRule): boolean {
  return subject.kind === "anonymous" && effect === "allow" && permits(actions, "pull");
}

function decideForPrincipal(
  policy: Policy,
  principal: Principal,
  action: Action,
  repository: RepositoryName | undefined,
): Decision {
  const own = decideAlone(policy, principal, action, repository);
  if (own.verdict !== "allowed" || principal.owner === undefined) return own;
  const owners = decideAlone(policy, principal.owner, action, repository);
  return owners.verdict === "allowed" ? own : owners;
}

/** Who is logged in may at least what nobody in particular may, unless a rule denies it. */
function decideAlone(
  { rules, groupsOf }: Policy,
  { id, isAdmin }: Pick<Principal, "id" | "isAdmin">,
  action: Action,
  repository: RepositoryName | undefined,
): Decision {
  if (isAdmin || action === "none" || action === "login" || action === "keys" || action === "catalog") return allowed;
  if (repository === undefined || action === "administer") return denied;
  const asked = action === "see" ? "pull" : action;
  const groups = groupsOf(id);
  const own = byRules(rules, (subject) => isAboutMember(subject, id, groups), asked, repository);
  if (own.rule !== undefined || asked !== "pull") return own;
  return byRules(rules, ({ kind }) => kind === "anonymous", asked, repository);
}

/** Whether a rule of this subject is about this principal, who is in these groups, beyond what it says of `anonymous`. */
export function isAboutMember(subject: RuleSubject, id: PrincipalId, groups: readonly Group[]): boolean {
  if (subject.kind === "principal") return subject.id === id;
  if (subject.kind === "group") return groups.some((each) => isSameGroup(each, subject));
  return subject.kind === "everyone";
}

function byRules(
  rules: readonly AccessRule[],
  isAbout: (subject: RuleSubject) => boolean,
  action: AccessAction,
  repository: RepositoryName,
): Decision {
  let decision = denied;
  for (const rule of rules) {
    if (!isAbout(rule.subject) || !matchesRepository(rule.repositories, repository)) continue;
    if (rule.effect === "deny") {
      if (rule.actions.includes(action)) return { verdict: "denied", rule };
    } else if (decision.rule === undefined && permits(rule.actions, action)) decision = { verdict: "allowed", rule };
  }
  return decision;
}

function isEnough({ kind, limits }: Credential, action: Action, repository: RepositoryName | undefined): boolean {
  return action === "keys" ? personal.includes(kind) : isWithin(limits, action, repository);
}

function isWithin(
  limits: CredentialLimits | undefined,
  action: Exclude<Action, "keys">,
  repository: RepositoryName | undefined,
): boolean {
  if (limits === undefined || action === "none" || action === "login") return true;
  return isWithinThese(limits, action, repository) && isWithin(limits.within, action, repository);
}

function isWithinThese(
  limits: CredentialLimits,
  action: Exclude<Action, "none" | "login" | "keys">,
  repository: RepositoryName | undefined,
): boolean {
  if (action === "catalog") return limits.catalog !== "none";
  if (action === "see" && limits.catalog === "all") return true;
  if (repository === undefined || action === "administer") return false;
  const asked = action === "see" ? "pull" : action;
  return limits.grants.some(
    ({ repositories, actions }) => permits(actions, asked) && matchesRepository(repositories, repository),
  );
}

function permits(actions: readonly AccessAction[], action: AccessAction): boolean {
  return actions.includes(action) || actions.includes("admin");
}

function isSameGroup(one: Group, other: Group): boolean {
  return one.name === other.name && one.source === other.source;
}
