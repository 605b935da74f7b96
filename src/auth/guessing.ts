import { createHash } from "node:crypto";

import { LRUCache } from "lru-cache";

/** Who tries what from where. */
export interface LoginTry {
  readonly name: string;
  readonly network: string;
  /** The same for the same name and password alone; tells nothing of them. */
  readonly key: string;
}

/** What came of a try: `unknown` where nobody has looked at the password. */
export type LoginOutcome = "right" | "wrong" | "unknown";

/** A try that may go on; `end` has to be called. */
export interface AdmittedTry {
  readonly kind: "admitted";
  end(outcome: LoginOutcome): void;
}

/** A try that has come too early. The reason is for the operator. */
export interface RefusedTry {
  readonly kind: "refused";
  readonly reason: string;
  readonly retryAfterSeconds: number;
}

export interface GuessingOptions {
  /** Milliseconds that only ever grow; for tests. */
  readonly now?: () => number;
  /** How many names in networks, and how many networks, are counted; those that tried longest ago are forgotten first. */
  readonly maxCounters?: number;
}

interface Counter {
  /** Wrong passwords, and tries that are not over. */
  readonly count: number;
  readonly at: number;
}

interface CountedTry {
  readonly pair: string;
  /** When the name was tried before this. */
  readonly lastAt: number;
  readonly network: string;
  readonly key: string;
}

const freeTries = 10;
const firstPauseMs = 10_000;
const longestPauseMs = 15 * 60 * 1000;
const forgottenAfterMs = 60 * 60 * 1000;

const networkTries = 60;
const networkPauseMs = 5000;

const provenForMs = 24 * 60 * 60 * 1000;
const maxProven = 10_000;
const defaultMaxCounters = 100_000;

/**
 * Slows down who guesses passwords, without ever locking a user out: what is counted is wrong passwords for a name in a network,
 * and wrong passwords in a network, never for a name everywhere. Names that nobody has are counted like others.
 *
 * - A name in a network has ten tries; then a pause comes after each, of ten seconds, twice that, and so on to 15 minutes. The right
 *   password ends it, and an hour without a try.
 * - A network has 60 wrong passwords, for whatever names, and gets one more every five seconds. A right one gives none back: a
 *   guesser with a login could fill it up for ever.
 * - A password that was right in the last 24 hours is never held back: where somebody guesses, machines that know it go on.
 *
 * All of it is in this process's memory and bounded; a restart forgets it.
 */
export class Guessing {
  readonly #now: () => number;
  readonly #names: LRUCache<string, Counter>;
  readonly #networks: LRUCache<string, Counter>;
  readonly #provenAt = new LRUCache<string, number>({ max: maxProven });

  constructor({ now, maxCounters = defaultMaxCounters }: GuessingOptions = {}) {
    this.#now = now ?? (() => performance.now());
    this.#names = new LRUCache({ max: maxCounters });
    this.#networks = new LRUCache({ max: maxCounters });
  }

  /**
   * Whether the password may be looked at now. For the name, tries that are not over count as wrong, so that many at once are no way
   * around; for the network they do not: a hundred people who log in at nine are no guessers.
   */
  begin({ name, network, key }: LoginTry): AdmittedTry | RefusedTry {
    const now = this.#now();
    const pair = pairOf(name, network);
    const isProven = this.#isProven(key, now);
    const waitMs = isProven ? 0 : this.#nameWaitMs(pair, now);
    if (waitMs > 0) return refusal(`too many wrong passwords for this name from ${network}`, waitMs);
    const networkWaitMs = isProven ? 0 : this.#networkWaitMs(network, now);
    if (networkWaitMs > 0)
      return refusal(
        `too many wrong passwords from ${network} (if that is a proxy, name it in trustedProxies)`,
        networkWaitMs,
      );
    const lastAt = this.#names.get(pair)?.at ?? now;
    this.#names.set(pair, { count: this.#nameCount(pair, now) + 1, at: now });
    return { kind: "admitted", end: (outcome) => this.#end({ pair, lastAt, network, key }, outcome) };
  }

  #end({ pair, lastAt, network, key }: CountedTry, outcome: LoginOutcome): void {
    const now = this.#now();
    const count = this.#nameCount(pair, now);
    if (outcome === "right") {
      this.#names.delete(pair);
      this.#provenAt.set(key, now);
    } else if (outcome === "unknown") {
      this.#names.set(pair, { count: Math.max(0, count - 1), at: lastAt });
    } else {
      // The pause begins when the answer is known.
      this.#names.set(pair, { count: Math.max(1, count), at: now });
      this.#networks.set(network, { count: this.#networkCount(network, now) + 1, at: now });
      this.#provenAt.delete(key);
    }
  }

  #nameCount(pair: string, now: number): number {
    const counter = this.#names.get(pair);
    return counter === undefined || now - counter.at >= forgottenAfterMs ? 0 : counter.count;
  }

  #nameWaitMs(pair: string, now: number): number {
    const count = this.#nameCount(pair, now);
    if (count < freeTries) return 0;
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (count - freeTries));
    return Math.max(0, (this.#names.get(pair)?.at ?? now) + pauseMs - now);
  }

  /** Of which one every five seconds is forgotten. */
  #networkCount(network: string, now: number): number {
    const counter = this.#networks.get(network);
    return counter === undefined ? 0 : Math.max(0, counter.count - (now - counter.at) / networkPauseMs);
  }

  #networkWaitMs(network: string, now: number): number {
    return Math.max(0, this.#networkCount(network, now) + 1 - networkTries) * networkPauseMs;
  }

  #isProven(key: string, now: number): boolean {
    const at = this.#provenAt.get(key);
    return at !== undefined && now - at < provenForMs;
  }
}

function refusal(reason: string, waitMs: number): RefusedTry {
  return { kind: "refused", reason, retryAfterSeconds: Math.ceil(waitMs / 1000) };
}

/** Of one length, however long the name is. Some sources of users make no difference between `Alice` and `alice`. */
function pairOf(name: string, network: string): string {
  const folded = name.normalize("NFKC").toLowerCase();
  return createHash("sha256").update(`${network}\0${folded}`).digest("base64");
}
