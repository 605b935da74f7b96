import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

import type { Clock } from "../../core/clock.ts";
import type { LoginAttempt } from "./provider-client.ts";

/** A login that has gone to the provider: what has to come back, and what is to be done then. */
export interface KeptAttempt extends LoginAttempt {
  /** The path where the person wanted to be. */
  readonly next: string;
  /** The session that the browser had, which ends with this login. */
  readonly session: string | undefined;
}

const holdsMs = 10 * 60_000;
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Keeps logins that have gone to the provider in the browser itself, sealed (AES-256-GCM) with a key of this process: so nobody can
 * fill this process's memory with logins that never come back, and nobody else can have begun one that does.
 */
export class SealedAttempts {
  readonly #clock: Clock;
  readonly #key = randomBytes(32);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  seal(attempt: KeptAttempt): string {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce);
    const text = JSON.stringify({ ...attempt, endsAt: this.#clock.now() + holdsMs });
    const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64url");
  }

  /** Undefined for what this process has not sealed, and what it sealed more than ten minutes ago. */
  open(text: string): KeptAttempt | undefined {
    const bytes = Buffer.from(text, "base64url");
    if (bytes.length <= nonceBytes + tagBytes) return undefined;
    try {
      const decipher = createDecipheriv("aes-256-gcm", this.#key, bytes.subarray(0, nonceBytes));
      decipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
      const opened = Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()]);
      const { endsAt, ...attempt } = JSON.parse(opened.toString("utf8")) as KeptAttempt & { readonly endsAt: number };
      return this.#clock.now() < endsAt ? attempt : undefined;
    } catch {
      return undefined;
    }
  }
}
