import type { Caller } from "../../core/caller.ts";
import type { ClientCertificate } from "../../core/client-certificate.ts";
import type { Decide } from "../../core/policy.ts";
import type { AccessTokens, MintedToken } from "./access-tokens.ts";
import type { RefreshTokens } from "./refresh-tokens.ts";
import type { TokenHolders } from "./token-holders.ts";
import { parseScopes, repositoryAccess, scopeText, type TokenAccess, TokenRequestError } from "./token-scope.ts";

export interface TokenServiceOptions {
  readonly tokens: AccessTokens;
  readonly holders: TokenHolders;
  readonly refreshTokens: RefreshTokens;
  readonly decide: Decide;
}

/** What a client asks for: scopes as they stand in its parameters. */
export interface TokenRequest {
  readonly scopes: readonly string[];
  /** Whether the client wants something to come back with, in place of a password. */
  readonly isToLast: boolean;
  /** With which the connection was opened. */
  readonly certificate: ClientCertificate | undefined;
}

/** What it gets; `scope` in the same words as it asked, without what it may not. */
export interface IssuedToken extends MintedToken {
  readonly scope: string;
  /** Undefined where none was wanted, or none can be had. */
  readonly refreshToken: string | undefined;
}

/** Hands out tokens: to somebody, for what was asked and is allowed at that moment to them with what they showed. */
export class TokenService {
  readonly #options: TokenServiceOptions;

  constructor(options: TokenServiceOptions) {
    this.#options = options;
  }

  /** Throws a `TokenRequestError` for what cannot be asked, or not with this credential. */
  async issue(caller: Caller, { scopes, isToLast, certificate }: TokenRequest): Promise<IssuedToken> {
    const { tokens, holders, refreshTokens } = this.#options;
    const asked = parseScopes(scopes);
    const holder = holders.holderOf(caller, certificate);
    if (holder === undefined)
      throw new TokenRequestError(`a ${caller.credential.kind} gets no token: show a password or an access key`);
    const access = asked.map((entry) => this.#allowed(caller, entry)).filter((entry) => entry !== undefined);
    const minted = await tokens.mint({ holder, access });
    const refreshToken = isToLast ? await refreshTokens.make(holder) : undefined;
    return { ...minted, scope: scopeText(access), refreshToken };
  }

  /** Who comes with a refresh token; why it does not count, where it does not. */
  async redeem(refreshToken: string): Promise<Caller | string> {
    const { holders, refreshTokens } = this.#options;
    const found = await refreshTokens.find(refreshToken);
    if (found === undefined) return "there is no such refresh token";
    const caller = await holders.callerOf(found.holder);
    if (typeof caller === "string") await refreshTokens.remove(found);
    return caller;
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
