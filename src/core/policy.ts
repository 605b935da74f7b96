import type { Principal } from "./principal.ts";
import type { RepositoryName } from "./repository-name.ts";

/**
 * What a route asks for. `none` is open to everybody; `login` needs any principal; the others are about a
 * repository, except `catalog`, which is about the list of them.
 */
export type Action = "none" | "login" | "catalog" | "pull" | "push" | "delete";

export type Verdict = "allowed" | "login-needed" | "denied";

/**
 * The one place that decides access. It sees who asks, what for and the repository's name, and never what
 * exists: so a refusal cannot tell anybody what is there.
 */
export function decide(principal: Principal | undefined, action: Action, _repository?: RepositoryName): Verdict {
  if (action === "none") return "allowed";
  if (principal === undefined) return "login-needed";
  if (action === "delete") return principal.isAdmin ? "allowed" : "denied";
  return "allowed";
}
