import { createHmac, randomBytes } from "node:crypto";

import { LRUCache } from "lru-cache";

import type { Credential } from "../core/caller.ts";
import type { Principal } from "../core/principal.ts";
import type { BasicCredentials } from "./basic-credentials.ts";

/** The credential that a password was held against: valid as long as nothing of it has changed. */
export interface CredentialVersion {
  /** How often dozo's own user of this name had changed. */
  readonly changes: number;
  /** The line's hash, for a user of the htpasswd file. */
  readonly htpasswdHash: string | undefined;
}

export interface VerifiedCredential extends CredentialVersion {
  readonly name: string;
  readonly principal: Principal;
  readonly credential: Credential;
}

const rememberedForMs = 60_000;
const maxEntries = 10_000;

/**
 * Remembers for a minute which passwords were right, so that the slow hash is not paid on every request. What is kept is not the
 * password but HMAC-SHA256 under a key that this process has drawn: nobody can search for passwords in what leaks of it.
 */
export class VerifiedCredentials {
  readonly #key = randomBytes(32);
  readonly #entries = new LRUCache<string, VerifiedCredential & { readonly until: number }>({ max: maxEntries });

  /** The same for the same name and password, and for no others (a name has no colon, but may have anything else). */
  keyOf({ name, password }: BasicCredentials): string {
    return createHmac("sha256", this.#key).update(`${name.length}\0${name}\0${password}`).digest("base64");
  }

  /** What is remembered at `now`; whether the credential has changed since then is the caller's to see. */
  recall(key: string, now: number): VerifiedCredential | undefined {
    const entry = this.#entries.get(key);
    // A clock that was set back must not make it last.
    if (entry !== undefined && now < entry.until && now >= entry.until - rememberedForMs) return entry;
    if (entry !== undefined) this.#entries.delete(key);
    return undefined;
  }

  remember(key: string, credential: VerifiedCredential, now: number): void {
    this.#entries.set(key, { ...credential, until: now + rememberedForMs });
  }

  forget(key: string): void {
    this.#entries.delete(key);
  }

  /** Forgets all that do not hold any more. */
  keepOnly(holds: (credential: VerifiedCredential) => boolean): void {
    for (const [key, entry] of this.#entries.entries()) if (!holds(entry)) this.#entries.delete(key);
  }
}
