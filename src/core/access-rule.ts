import type { Group } from "./group.ts";
import type { PrincipalId } from "./principal.ts";
import type { RepositoryPattern } from "./repository-pattern.ts";
import type { Ulid } from "./ulid.ts";

/**
 * What a rule can be about. `overwrite` is the right to make an existing tag point at something else; `admin` is the right to
 * everything in these repositories, and to their rules.
 */
export const accessActions = ["pull", "push", "overwrite", "delete", "admin"] as const;
export type AccessAction = (typeof accessActions)[number];

export function isAccessAction(text: string): text is AccessAction {
  return (accessActions as readonly string[]).includes(text);
}

/**
 * Whom a rule is about: everybody who is logged in; who is not (`anonymous`, who may only ever pull); a group; or one
 * principal, whatever becomes of the name.
 */
export type RuleSubject =
  | { readonly kind: "everyone" }
  | { readonly kind: "anonymous" }
  | ({ readonly kind: "group" } & Group)
  | { readonly kind: "principal"; readonly id: PrincipalId; readonly name: string };

/** One sentence of who may do what. A repository for which nothing is said is closed; of two rules, the one that denies counts. */
export interface AccessRule {
  readonly id: Ulid;
  readonly effect: "allow" | "deny";
  readonly subject: RuleSubject;
  readonly repositories: RepositoryPattern;
  readonly actions: readonly AccessAction[];
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}
