import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";

import { LRUCache } from "lru-cache";

import type { Clock } from "../core/clock.ts";
import type { Principal, PrincipalId } from "../core/principal.ts";

export interface SessionsOptions {
  readonly clock: Clock;
  /** Changes whenever a user of this name changes (password, removal): what was logged in before that is out. */
  readonly versionOf: (name: string) => string;
  /** How many there may be, of all and of one principal; the oldest gives way. */
  readonly most?: number;
  readonly mostOfOne?: number;
}

/** A browser in which somebody is logged in. */
export interface Session {
  readonly principal: Principal;
  /** What a form of this session has to bring, so that no other page can have written it. */
  readonly formToken: string;
}

interface KeptSession {
  readonly principal: Principal;
  readonly version: string;
  readonly begunAt: number;
  usedAt: number;
}

const idleMs = 30 * 60_000;
const lifetimeMs = 12 * 60 * 60_000;
/** 256 bits, in base64url. */
const idForm = /^[A-Za-z0-9_-]{43}$/;

/**
 * Who is logged in at which browser, in memory: a restart logs everybody out. An id is 256 random bits, of which only the SHA-256
 * is kept, so that what leaks of this process's memory logs nobody in. A session ends after 30 minutes without a request, after
 * 12 hours, with the user's password or removal, and when it is told to; then its id means nothing, whoever has a copy.
 */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #formKey = randomBytes(32);
  readonly #kept: LRUCache<string, KeptSession>;
  readonly #mostOfOne: number;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#kept = new LRUCache({ max: options.most ?? 10_000 });
    this.#mostOfOne = options.mostOfOne ?? 20;
  }

  /** Answers the new session's id. To be called as soon as it is known who this is, before anything else is waited for. */
  begin(principal: Principal): string {
    const { clock, versionOf } = this.#options;
    this.#makeRoomFor(principal.id);
    const id = randomBytes(32).toString("base64url");
    const now = clock.now();
    this.#kept.set(keyOf(id), { principal, version: versionOf(principal.name), begunAt: now, usedAt: now });
    return id;
  }

  /** The session, if it goes on; that counts as a use of it. */
  find(id: string): Session | undefined {
    if (!idForm.test(id)) return undefined;
    const key = keyOf(id);
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    const now = this.#options.clock.now();
    if (!this.#goesOn(kept, now)) {
      this.#kept.delete(key);
      return undefined;
    }
    kept.usedAt = now;
    return { principal: kept.principal, formToken: this.formTokenOf(id) };
  }

  /** Logs out; of no effect where there is no such session. */
  end(id: string): void {
    this.#kept.delete(keyOf(id));
  }

  /** What stands in the forms of a browser that holds this secret in a cookie. */
  formTokenOf(secret: string): string {
    return createHmac("sha256", this.#formKey).update(secret).digest("base64url");
  }

  /** Whether a form that came with this secret in a cookie is one that the registry made for it. */
  isFormOf(secret: string, token: string): boolean {
    return timingSafeEqual(sha256(token), sha256(this.formTokenOf(secret)));
  }

  #goesOn({ principal, version, begunAt, usedAt }: KeptSession, now: number): boolean {
    const isInTime = now >= begunAt && now < begunAt + lifetimeMs && now < usedAt + idleMs;
    return isInTime && this.#options.versionOf(principal.name) === version;
  }

  #makeRoomFor(principal: PrincipalId): void {
    // In the order of use, the last first.
    const own = [...this.#kept.entries()].filter(([, kept]) => kept.principal.id === principal);
    for (const [key] of own.slice(this.#mostOfOne - 1)) this.#kept.delete(key);
  }
}

function keyOf(id: string): string {
  return sha256(id).toString("base64url");
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
