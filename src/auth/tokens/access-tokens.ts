import { createHash, randomBytes } from "node:crypto";
import { base64url, CompactSign, jwtVerify } from "jose";
import { LRUCache } from "lru-cache";
import type { Clock } from "../../core/clock.ts";
import type { SigningKeys } from "./signing-keys.ts";
import { readTokenAccess, type TokenAccess, TokenRequestError } from "./token-scope.ts";
import { readTokenHolder, type TokenHolder } from "./token-holder.ts";

/** What a token says: who got it by what, and what it opens at most. */
export interface TokenContent {
  readonly holder: TokenHolder;
  readonly access: readonly TokenAccess[];
}

interface Claims extends TokenContent {
  /** Seconds since 1970. */
  readonly issuedAt: number;
  readonly id: string;
}

/** A token as it is handed out (Docker's token specification, "Token Response Fields"). */
export interface MintedToken {
  readonly token: string;
  readonly lifeSeconds: number;
  readonly issuedAt: number;
}

/** The service that tokens are for, as challenges and clients name it, and their audience. */
export const tokenService = "dozo";

const lifeSeconds = 300;
/** Two clocks may differ by so much. */
const leewaySeconds = 60;
/** What a runtime takes as the headers of one request is 16 KiB, all of them together. */
const maxTokenLength = 12 * 1024;
const rememberedBytes = 16 * 1024 * 1024;
/** 64 bytes in base64url without padding: of the last digit two bits count, and the others have to be zero. */
const signatureForm = /^[A-Za-z0-9_-]{85}[AQgw]$/;
const payloadForm = /^[A-Za-z0-9_-]+$/;

/**
 * Tokens of five minutes: JWTs with the claims of Docker's token specification, signed with Ed25519 (RFC 8037). Only what this
 * class has written is taken for one: the header is compared with our keys' own, and the claims, written anew, have to be the
 * same text.
 */
export class AccessTokens {
  readonly #keys: SigningKeys;
  readonly #clock: Clock;
  /** Of tokens whose signature was right, by their SHA-256: the signature is not worked out for every request. */
  readonly #verified = new LRUCache<string, Claims>({ maxSize: rememberedBytes });

  constructor(keys: SigningKeys, clock: Clock) {
    this.#keys = keys;
    this.#clock = clock;
  }

  /** Throws a `TokenRequestError` for more access than fits into a header. */
  async mint(content: TokenContent): Promise<MintedToken> {
    const issuedAt = Math.floor(this.#clock.now() / 1000);
    const { header, privateKey } = this.#keys.current;
    const claims = { ...content, issuedAt, id: base64url.encode(randomBytes(12)) };
    const payload = new TextEncoder().encode(this.#write(claims));
    const token = await new CompactSign(payload).setProtectedHeader(header).sign(privateKey);
    if (token.length > maxTokenLength) throw new TokenRequestError("this is more than fits into one token");
    return { token, lifeSeconds, issuedAt: issuedAt * 1000 };
  }

  /** Whether this may be a token and no other bearer credential: it has the form of a JWS (RFC 7515 section 3.1). */
  static isToken(text: string): boolean {
    return text.startsWith("eyJ");
  }

  /** What a token says; why it does not count, where it does not. At once for one that was asked about before. */
  verify(token: string): TokenContent | string | Promise<TokenContent | string> {
    if (token.length > maxTokenLength) return "the token is too long";
    const [header = "", payload = "", signature = "", more] = token.split(".", 4);
    const key = this.#keys.find(header);
    if (key === undefined) return "the token's header is none of ours";
    if (more !== undefined || !payloadForm.test(payload) || !signatureForm.test(signature))
      return "the token is malformed";
    const digest = createHash("sha256").update(token).digest("base64");
    const remembered = this.#verified.get(digest);
    if (remembered !== undefined) return this.#inTime(remembered);
    return this.#verifySignature(token, key, digest);
  }

  async #verifySignature(token: string, key: CryptoKey, digest: string): Promise<TokenContent | string> {
    try {
      await jwtVerify(token, key, {
        algorithms: ["EdDSA"],
        typ: "JWT",
        issuer: this.#keys.issuer,
        audience: tokenService,
        requiredClaims: ["exp", "nbf", "iat", "jti"],
        clockTolerance: leewaySeconds,
        currentDate: new Date(this.#clock.now()),
      });
      const claims = this.#read(base64url.decode(token.split(".")[1] ?? ""));
      this.#verified.set(digest, claims, { size: token.length });
      return this.#inTime(claims);
    } catch (error) {
      return `the token does not count: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  #read(payload: Uint8Array): Claims {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload);
    const { iat, jti, access, holder } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const readHolder = readTokenHolder(holder);
    if (typeof iat !== "number" || typeof jti !== "string" || !Array.isArray(access) || readHolder === undefined)
      throw new Error("it has not the claims of ours");
    const readAccess = access.map(readTokenAccess).filter((entry) => entry !== undefined);
    const claims = { holder: readHolder, access: readAccess, issuedAt: iat, id: jti };
    if (this.#write(claims) !== text) throw new Error("its claims are not as we write them");
    return claims;
  }

  #inTime(claims: Claims): TokenContent | string {
    const ageSeconds = this.#clock.now() / 1000 - claims.issuedAt;
    if (ageSeconds > lifeSeconds + leewaySeconds) return "the token has ended";
    return ageSeconds >= -leewaySeconds ? claims : "the token is of the future";
  }

  /** The one text that these claims have. */
  #write({ holder, access, issuedAt, id }: Claims): string {
    return JSON.stringify({
      iss: this.#keys.issuer,
      sub: holder.kind === "nobody" ? "" : holder.name,
      aud: tokenService,
      exp: issuedAt + lifeSeconds,
      nbf: issuedAt,
      iat: issuedAt,
      jti: id,
      access,
      holder,
    });
  }
}
