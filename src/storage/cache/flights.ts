/** A read of the store behind that is under way. */
interface Flight {
  readonly scope: string;
  readonly answer: Promise<unknown>;
  /** A change that it may or may not have seen was made meanwhile. */
  isDoubtful: boolean;
}

/**
 * Reads under way, and changes under way, so that an answer from before a change is never remembered behind it. A key is
 * one answer; a scope is all keys that one change can concern (a repository).
 */
export class Flights {
  readonly #flights = new Map<string, Flight>();
  /** How many changes of a key, or of a scope, are under way; nothing stands here for those without one. */
  readonly #changing = new Map<string, number>();
  /** How many changes are under way that can concern anything. */
  #changesOfAll = 0;

  /**
   * Reads `key`, together with whoever is reading it already. `remember` is called with an answer that is still true.
   */
  read<Answer>(
    key: string,
    scope: string,
    read: () => Promise<Answer>,
    remember: (answer: Answer) => void,
  ): Promise<Answer> {
    const underWay = this.#flights.get(key);
    if (underWay !== undefined && !underWay.isDoubtful) return underWay.answer as Promise<Answer>;
    const answer = read();
    const flight: Flight = { scope, answer, isDoubtful: this.#isChanging(key, scope) };
    this.#flights.set(key, flight);
    return answer.then(
      (value) => {
        if (!flight.isDoubtful) remember(value);
        this.#land(key, flight);
        return value;
      },
      (error: unknown) => {
        this.#land(key, flight);
        throw error;
      },
    );
  }

  /** Makes a change of `target`, a key or a scope. `forget` is called before it, and again before its end is told. */
  async change<Answer>(targets: readonly string[], forget: () => void, change: () => Promise<Answer>): Promise<Answer> {
    for (const target of targets) this.#changing.set(target, (this.#changing.get(target) ?? 0) + 1);
    this.#doubt(targets);
    forget();
    try {
      return await change();
    } finally {
      for (const target of targets) this.#endChange(target);
      this.#doubt(targets);
      forget();
    }
  }

  /** The same for a change that can concern anything. */
  async changeAll<Answer>(forget: () => void, change: () => Promise<Answer>): Promise<Answer> {
    const doubtAll = (): void => {
      for (const flight of this.#flights.values()) flight.isDoubtful = true;
      forget();
    };
    this.#changesOfAll += 1;
    doubtAll();
    try {
      return await change();
    } finally {
      this.#changesOfAll -= 1;
      doubtAll();
    }
  }

  #isChanging(key: string, scope: string): boolean {
    return this.#changesOfAll > 0 || this.#changing.has(key) || this.#changing.has(scope);
  }

  #endChange(target: string): void {
    const others = (this.#changing.get(target) ?? 1) - 1;
    if (others === 0) this.#changing.delete(target);
    else this.#changing.set(target, others);
  }

  #doubt(targets: readonly string[]): void {
    const all = new Set(targets);
    for (const [key, flight] of this.#flights) {
      if (all.has(key) || all.has(flight.scope)) flight.isDoubtful = true;
    }
  }

  #land(key: string, flight: Flight): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}
