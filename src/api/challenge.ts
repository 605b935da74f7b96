import { RegistryError } from "../core/error.ts";
import type { ChallengeSetting } from "../core/challenge-setting.ts";
import { type Action, type Decide, isOpenToAnonymous } from "../core/policy.ts";
import { isRepositoryName } from "../core/repository-name.ts";
import { tokenService } from "../auth/tokens/access-tokens.ts";
import { catalogAccess, scopeText } from "../auth/tokens/token-scope.ts";

/** A token that does not count, or not for this: its client may fetch another (RFC 6750 section 3.1; the status is Docker's). */
export class TokenFaultError extends RegistryError {
  readonly fault: "invalid_token" | "insufficient_scope";

  constructor(fault: TokenFaultError["fault"], message: string) {
    super("UNAUTHORIZED", message);
    this.fault = fault;
  }
}

/** What is known of a request that was refused for want of credentials, or of better ones. */
export interface ChallengeFacts {
  /** The scheme, host and port that the client asked. */
  readonly origin: string | undefined;
  /** Whether the endpoint is one of the registry's: the others are met by browsers, which know Basic alone. */
  readonly isForClients: boolean;
  /** What a token would have to be for. */
  readonly scope: string | undefined;
}

/** RFC 7617. */
const basicChallenge = 'Basic realm="dozo", charset="UTF-8"';

/**
 * The one challenge of a 401. One only: clients take the first that they understand, or always Bearer. `auto` is Basic while
 * nothing is open to those who are not logged in, for then a private CA in Docker's own folder is enough for every Docker there is;
 * and Bearer when something is, since clients that are not logged in get no further with Basic.
 */
export function challengeOf(
  { challenge, decide }: { readonly challenge: ChallengeSetting; readonly decide: Decide },
  refusal: RegistryError,
  { origin, isForClients, scope }: ChallengeFacts,
): string {
  // Who came with a token knows what to do with a challenge for another.
  const fault = refusal instanceof TokenFaultError ? refusal.fault : undefined;
  const isBearer = fault !== undefined || challenge === "bearer" || (challenge === "auto" && isOpenToAnonymous(decide));
  if (!isForClients || !isBearer || origin === undefined) return basicChallenge;
  const parameters = { realm: `${origin}/token`, service: tokenService, scope, error: fault };
  const written = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return `Bearer ${written.map(([name, value]) => `${name}="${value}"`).join(",")}`;
}

/**
 * The scope with which a token would be good for a request (Docker's token specification, "Resource Scope Grammar"); undefined
 * where every token is.
 */
export function scopeFor(action: Action | "token", name: string, query: URLSearchParams): string | undefined {
  if (action === "catalog") return scopeText([catalogAccess]);
  if ((action !== "pull" && action !== "push" && action !== "delete") || !isRepositoryName(name)) return undefined;
  const own = `repository:${name}:${action === "push" ? "pull,push" : action}`;
  const source = query.get("from");
  // A mount takes a blob out of another repository.
  if (action !== "push" || source === null || !isRepositoryName(source) || source === name) return own;
  return `${own} repository:${source}:pull`;
}
