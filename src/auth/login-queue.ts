import { availableParallelism } from "node:os";

import { LRUCache } from "lru-cache";

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

interface Waiting {
  readonly network: string;
  readonly isKnown: boolean;
  readonly begin: () => void;
  readonly refuse: () => void;
}

/** One core is left to those who are served meanwhile, where there is more than one; logins are rare. */
const usualRunning = Math.min(4, Math.max(1, availableParallelism() - 1));
const maxNetworks = 100_000;
const maxKnownNetworks = 10_000;
const knownForMs = 30 * 24 * 60 * 60 * 1000;
const halfLifeMs = 10 * 60 * 1000;

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
  /** How many turns each network has asked for that were no success; half as much counts ten minutes later. */
  readonly #loads = new LRUCache<string, { readonly load: number; readonly at: number }>({ max: maxNetworks });
  readonly #knownSince = new LRUCache<string, number>({ max: maxKnownNetworks });
  #waiting: Waiting[] = [];
  #busy = 0;
  #lastWasKnown = false;

  constructor({ running = usualRunning, waiting = 256, kept = 64, now }: LoginQueueOptions = {}) {
    this.#running = running;
    this.#waitingPlaces = waiting;
    this.#kept = Math.min(kept, waiting);
    this.#now = now ?? (() => performance.now());
  }

  /** Waits for the turn. Rejects with `TooManyLoginsError` when too many wait who come before this network. */
  async enter(network: string): Promise<Turn> {
    try {
      if (this.#busy < this.#running) this.#busy++;
      else await this.#wait(network);
    } finally {
      // Of a turn that is refused, too: many guessers are not to stay new because few of them get in.
      this.#setLoad(network, this.#loadOf(network) + 1);
    }
    return { end: ({ isSuccess }) => this.#end(network, isSuccess) };
  }

  #wait(network: string): Promise<void> {
    const isKnown = this.#isKnown(network);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const mine = { network, isKnown, begin: resolve, refuse: () => reject(new TooManyLoginsError()) };
    this.#waiting.push(mine);
    if (this.#waiting.length > this.#waitingPlaces) {
      const leaving = this.#whoGoes(isKnown);
      this.#waiting = this.#waiting.filter((each) => each !== leaving);
      leaving?.refuse();
    }
    return promise;
  }

  /** The kind that has more than its places, or else the newcomer's own, loses the last of it. */
  #whoGoes(isKnown: boolean): Waiting | undefined {
    const ordered = this.#ordered();
    const mine = ordered.filter((each) => each.isKnown === isKnown);
    const places = isKnown ? this.#kept : this.#waitingPlaces - this.#kept;
    return mine.length > places ? mine.at(-1) : ordered.findLast((each) => each.isKnown !== isKnown);
  }

  /** Gives the place itself to the next: were it free for a moment, somebody else could take it too. */
  #end(network: string, isSuccess: boolean): void {
    if (isSuccess) {
      this.#knownSince.set(network, this.#now());
      this.#setLoad(network, Math.max(0, this.#loadOf(network) - 1));
    }
    const next = this.#takeNext();
    if (next === undefined) this.#busy--;
    else next.begin();
  }

  #takeNext(): Waiting | undefined {
    const ordered = this.#ordered();
    const next = ordered.find(({ isKnown }) => isKnown !== this.#lastWasKnown) ?? ordered[0];
    this.#waiting = this.#waiting.filter((each) => each !== next);
    this.#lastWasKnown = next?.isKnown ?? false;
    return next;
  }

  /**
   * Those that wait, the next one first: by the turns that each one's network has asked for before in vain, with those that wait
   * before it; then by how many of its network wait, so that networks that are all new to a flood are sorted out as soon as they
   * ask again. Of equals who came first.
   */
  #ordered(): Waiting[] {
    const waitingOf = new Map<string, number>();
    const ranked = this.#waiting.map((each) => {
      const before = waitingOf.get(each.network) ?? 0;
      waitingOf.set(each.network, before + 1);
      return { each, rank: this.#loadOf(each.network) + before };
    });
    const besides = (one: Waiting): number => waitingOf.get(one.network) ?? 0;
    return ranked.toSorted((a, b) => a.rank - b.rank || besides(a.each) - besides(b.each)).map(({ each }) => each);
  }

  #isKnown(network: string): boolean {
    const since = this.#knownSince.get(network);
    return since !== undefined && this.#now() - since < knownForMs;
  }

  #loadOf(network: string): number {
    const entry = this.#loads.get(network);
    return entry === undefined ? 0 : entry.load * 2 ** ((entry.at - this.#now()) / halfLifeMs);
  }

  #setLoad(network: string, load: number): void {
    this.#loads.set(network, { load, at: this.#now() });
  }
}
