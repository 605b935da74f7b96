import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import type { RefreshTokenStore } from "../../core/refresh-token-store.ts";
import type { Log } from "../../log.ts";
import { readTokenHolder, type TokenHolder } from "./token-holder.ts";

export interface RefreshTokensOptions {
  readonly store: RefreshTokenStore;
  readonly clock: Clock;
  readonly log: Log;
  /** So that what nobody made here is refused without a look into the store. */
  readonly secret: Uint8Array;
}

/** A refresh token that is there. Whether what it was had with still counts is not said. */
interface FoundRefreshToken {
  readonly holder: TokenHolder;
  readonly hash: string;
}

const form = /^dozo-refresh_([A-Za-z0-9_-]{43})([A-Za-z0-9_-]{22})$/;
const minuteMs = 60_000;
const idleMs = 180 * 24 * 60 * minuteMs;
/** Whoever logs in from a program again and again pushes out their own oldest, and nobody else's. */
const mostOfOneCredential = 1000;

/**
 * Refresh tokens: what a client keeps in place of a password. One stays the same for as long as it is used, since clients cannot
 * keep another one for good, and ends with the password or key that it was had with (docs/decisions/0060-jose.md).
 */
export class RefreshTokens {
  readonly #options: RefreshTokensOptions;

  constructor(options: RefreshTokensOptions) {
    this.#options = options;
  }

  /** Makes one; undefined for a holder whose credential dozo could not know to be changed, or which the client shows anyway. */
  async make(holder: TokenHolder): Promise<string | undefined> {
    const isKnown = holder.kind === "key" || (holder.kind === "password" && holder.version !== "");
    if (!isKnown) return undefined;
    const { store, clock } = this.#options;
    const id = randomBytes(32).toString("base64url");
    const token = `dozo-refresh_${id}${this.#mark(id)}`;
    const record = { hash: hashOf(token), holder: JSON.stringify(holder), usedAt: clock.now() };
    await store.addRefreshToken({ ...record, credential: `${holder.kind} ${holder.id}` }, mostOfOneCredential);
    return token;
  }

  async find(token: string): Promise<FoundRefreshToken | undefined> {
    const [, id = "", mark = ""] = form.exec(token) ?? [];
    if (id === "" || !timingSafeEqual(Buffer.from(mark), Buffer.from(this.#mark(id)))) return undefined;
    const hash = hashOf(token);
    const record = await this.#options.store.findRefreshToken(hash);
    const holder = record === undefined ? undefined : readTokenHolder(JSON.parse(record.holder));
    if (record === undefined || holder === undefined) return undefined;
    this.#noteUse(hash, record.usedAt);
    return { holder, hash };
  }

  /** It is refused from now on, also if what it was had with should count again. */
  remove({ hash }: FoundRefreshToken): Promise<void> {
    return this.#options.store.removeRefreshToken(hash);
  }

  /** Removes those that nobody has used for half a year. */
  removeIdle(): Promise<number> {
    const { store, clock } = this.#options;
    return store.removeRefreshTokensIdleSince(clock.now() - idleMs);
  }

  /** Nobody waits for it. */
  #noteUse(hash: string, usedAt: number): void {
    const { store, clock, log } = this.#options;
    const now = clock.now();
    if (Math.abs(now - usedAt) < minuteMs) return;
    store.noteRefreshTokenUse(hash, now).catch((error: unknown) => {
      log.error("when a refresh token was used could not be written", { error });
    });
  }

  #mark(id: string): string {
    const mac = createHmac("sha256", this.#options.secret).update(`refresh ${id}`).digest();
    return mac.subarray(0, 16).toString("base64url");
  }
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
