import type { Caller } from "../../core/caller.ts";
import type { ClientCertificate } from "../../core/client-certificate.ts";
import type { Decide } from "../../core/policy.ts";
import type { AccessTokens, MintedToken } from "./access-tokens.ts";
import type { TokenHolders } from "./token-holders.ts";
import { parseScopes, repositoryAccess, scopeText, type TokenAccess, TokenRequestError } from "./token-scope.ts";

export interface TokenServiceOptions {
  readonly tokens: AccessTokens;
  readonly holders: TokenHolders;
  readonly decide: Decide;
}

/** What a client asks for: scopes as they stand in its parameters. */
export interface TokenRequest {
  readonly scopes: readonly string[];
  /** With which the connection was opened. */
  readonly certificate: ClientCertificate | undefined;
}

/** What it gets; `scope` in the same words as it asked, without what it may not. */
export interface IssuedToken extends MintedToken {
  readonly scope: string;
}

/** Hands out tokens: to somebody, for what was asked and is allowed at that moment to them with what they showed. */
export class TokenService {
  readonly #options: TokenServiceOptions;

  constructor(options: TokenServiceOptions) {
    this.#options = options;
  }

  /** Throws a `TokenRequestError` for what cannot be asked, or not with this credential. */
  async issue(caller: Caller, { scopes, certificate }: TokenRequest): Promise<IssuedToken> {
    const { tokens, holders } = this.#options;
    const asked = parseScopes(scopes);
    const holder = holders.holderOf(caller, certificate);
    if (holder === undefined)
      throw new TokenRequestError(`a ${caller.credential.kind} gets no token: show a password or an access key`);
    const access = asked.map((entry) => this.#allowed(caller, entry)).filter((entry) => entry !== undefined);
    return { ...(await tokens.mint({ holder, access })), scope: scopeText(access) };
  }

  #allowed(caller: Caller, entry: TokenAccess): TokenAccess | undefined {
    const { decide } = this.#options;
    if (entry.type === "registry") return decide(caller, "catalog").verdict === "allowed" ? entry : undefined;
    const { name } = entry;
    const actions = new Set(entry.actions.filter((action) => decide(caller, action, name).verdict === "allowed"));
    // Nobody asks for it by itself.
    if (!actions.has("push")) actions.delete("overwrite");
    return actions.size === 0 ? undefined : repositoryAccess(name, actions);
  }
}
