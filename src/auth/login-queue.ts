import { availableParallelism } from "node:os";

import { LRUCache } from "lru-cache";

import { NetworkLoad, type WaitingLogin, WaitingLogins } from "./waiting-logins.ts";

/** Too many logins wait already; nobody's password was looked at. */
export class TooManyLoginsError extends Error {
  readonly retryAfterSeconds = 2;

  constructor() {
    super("too many logins are waiting");
    this.name = "TooManyLoginsError";
  }
}

export interface LoginQueueOptions {
  /** How many have their turn at once. */
  readonly running?: number;
  readonly waiting?: number;
  /** How many of the waiting places nobody else can take from networks that have logged in before. */
  readonly kept?: number;
  /** Milliseconds that only ever grow; for tests. */
  readonly now?: () => number;
}

/** The right to have one password looked at; `end` gives it back, and has to be called. */
export interface Turn {
  end(outcome: { readonly isSuccess: boolean }): void;
}

/** One core is left to those who are served meanwhile, where there is more than one; logins are rare. */
const usualRunning = Math.min(4, Math.max(1, availableParallelism() - 1));
const maxNetworks = 100_000;
const maxKnownNetworks = 10_000;
const knownForMs = 30 * 24 * 60 * 60 * 1000;

/**
 * Lets logins have their turn, few at once, so that many wrong passwords take neither the processor from those who are served nor
 * the turn from those whose password is right.
 *
 * Fair between networks: next is whoever's network has asked for the fewest turns lately that were no success, and a queue that
 * is full gives up who would be last. So neither does one network with many logins keep out another, nor do many that have failed
 * before keep out one that is new. Every other turn, and some of the places, are for networks that have logged in successfully in
 * the last 30 days (in this process's memory): for those also new networks in any number are no obstacle.
 */
export class LoginQueue {
  readonly #running: number;
  readonly #waitingPlaces: number;
  readonly #kept: number;
  readonly #now: () => number;
  readonly #loads = new LRUCache<string, NetworkLoad>({ max: maxNetworks });
  readonly #knownSince = new LRUCache<string, number>({ max: maxKnownNetworks });
  readonly #known = new WaitingLogins();
  readonly #new = new WaitingLogins();
  #busy = 0;
  #asked = 0;
  #lastWasKnown = false;

  constructor({ running = usualRunning, waiting = 256, kept = 64, now }: LoginQueueOptions = {}) {
    this.#running = running;
    this.#waitingPlaces = waiting;
    this.#kept = Math.min(kept, waiting);
    this.#now = now ?? (() => performance.now());
  }

  /** Waits for the turn. Rejects with `TooManyLoginsError` when too many wait who come before this network. */
  async enter(network: string): Promise<Turn> {
    const load = this.#loadOf(network);
    try {
      if (this.#busy < this.#running) this.#busy++;
      else await this.#wait(network, load);
    } finally {
      // Of a turn that is refused, too: many guessers are not to stay new because few of them get in.
      load.add(1, this.#now());
    }
    return { end: ({ isSuccess }) => this.#end(network, load, isSuccess) };
  }

  #wait(network: string, load: NetworkLoad): Promise<void> {
    const isKnown = this.#isKnown(network);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const mine = { number: this.#asked++, begin: resolve, refuse: () => reject(new TooManyLoginsError()) };
    (isKnown ? this.#known : this.#new).add(network, load, mine);
    if (this.#known.count + this.#new.count > this.#waitingPlaces)
      this.#whoGoes(isKnown).takeLast(this.#now())?.refuse();
    return promise;
  }

  /** The kind that has more than its places, or else the newcomer's own, loses the last of it. */
  #whoGoes(isKnown: boolean): WaitingLogins {
    const mine = isKnown ? this.#known : this.#new;
    const places = isKnown ? this.#kept : this.#waitingPlaces - this.#kept;
    if (mine.count > places) return mine;
    return isKnown ? this.#new : this.#known;
  }

  /** Gives the place itself to the next: were it free for a moment, somebody else could take it too. */
  #end(network: string, load: NetworkLoad, isSuccess: boolean): void {
    if (isSuccess) {
      this.#knownSince.set(network, this.#now());
      load.add(-1, this.#now());
    }
    const next = this.#takeNext();
    if (next === undefined) this.#busy--;
    else next.begin();
  }

  #takeNext(): WaitingLogin | undefined {
    const isKnown = this.#new.count === 0 || (this.#known.count > 0 && !this.#lastWasKnown);
    const next = (isKnown ? this.#known : this.#new).takeFirst(this.#now());
    this.#lastWasKnown = isKnown && next !== undefined;
    return next;
  }

  #isKnown(network: string): boolean {
    const since = this.#knownSince.get(network);
    return since !== undefined && this.#now() - since < knownForMs;
  }

  #loadOf(network: string): NetworkLoad {
    const known = this.#loads.get(network);
    if (known !== undefined) return known;
    const load = new NetworkLoad();
    this.#loads.set(network, load);
    return load;
  }
}
