import type { AccessAction, AccessRule } from "./access-rule.ts";
import type { Principal } from "./principal.ts";
import type { RepositoryName } from "./repository-name.ts";
import { matchesRepository } from "./repository-pattern.ts";

/**
 * What a route asks for. `none` is open to everybody; `login` needs any principal; the others are about a
 * repository, except `catalog`, which is about the list of them.
 */
export type Action = "none" | "login" | "catalog" | AccessAction;

export type Verdict = "allowed" | "login-needed" | "denied";

/** A verdict, and why. `rule` is undefined where no rule decided: an admin may all, and what nobody allowed is denied. */
export interface Decision {
  readonly verdict: Verdict;
  readonly rule: AccessRule | undefined;
}

/** `decide` over the rules that hold at the moment. */
export type Decide = (principal: Principal | undefined, action: Action, repository?: RepositoryName) => Decision;

const allowed: Decision = { verdict: "allowed", rule: undefined };
const loginNeeded: Decision = { verdict: "login-needed", rule: undefined };
const denied: Decision = { verdict: "denied", rule: undefined };

/**
 * The one place that decides access. It sees who asks, what for and the repository's name, and never what
 * exists: so a refusal cannot tell anybody what is there.
 */
export function decide(
  rules: readonly AccessRule[],
  principal: Principal | undefined,
  action: Action,
  repository?: RepositoryName,
): Decision {
  if (action === "none") return allowed;
  if (principal === undefined) return loginNeeded;
  if (action === "login" || action === "catalog" || principal.isAdmin) return allowed;
  if (repository === undefined) return denied;
  let decision = denied;
  for (const rule of rules) {
    if (!isAbout(rule, principal, action, repository)) continue;
    if (rule.effect === "deny") return { verdict: "denied", rule };
    if (decision.rule === undefined) decision = { verdict: "allowed", rule };
  }
  return decision;
}

function isAbout(rule: AccessRule, principal: Principal, action: AccessAction, repository: RepositoryName): boolean {
  const { subject, actions, repositories } = rule;
  if (subject.kind === "principal" && subject.id !== principal.id) return false;
  return actions.includes(action) && matchesRepository(repositories, repository);
}
