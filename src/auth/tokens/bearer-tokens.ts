import type { Caller } from "../../core/caller.ts";
import type { AccessTokens, TokenContent } from "./access-tokens.ts";
import type { TokenHolders } from "./token-holders.ts";
import { limitsOf } from "./token-scope.ts";

/** Takes tokens of the token service as what they stand for: their holder, with at most what was asked for. */
export class BearerTokens {
  readonly #tokens: AccessTokens;
  readonly #holders: TokenHolders;

  constructor(tokens: AccessTokens, holders: TokenHolders) {
    this.#tokens = tokens;
    this.#holders = holders;
  }

  /**
   * Who sends a token; why it does not count, where it does not. First its signature, then whether its holder is there still and
   * what it was had with still counts: that is asked at each use, so a revocation holds at once.
   */
  async callerOf(token: string): Promise<Caller | string> {
    const verified = this.#tokens.verify(token);
    const content: TokenContent | string = verified instanceof Promise ? await verified : verified;
    if (typeof content === "string") return content;
    const holder = await this.#holders.callerOf(content.holder);
    if (typeof holder === "string") return holder;
    const { principal, credential } = holder;
    // The id of what it was had with: that is what the operator would revoke.
    const from = credential.id === undefined ? {} : { id: credential.id };
    return { principal, credential: { kind: "token", ...from, limits: limitsOf(content.access, credential.limits) } };
  }
}
