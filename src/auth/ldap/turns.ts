import { DirectoryUnavailableError } from "./directory-error.ts";

/** Lets a bounded number at once do something, and a bounded number wait for that, the first who came first. */
export class Turns {
  readonly #bounds: { readonly atOnce: number; readonly waiting: number };
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(bounds: { readonly atOnce: number; readonly waiting: number }) {
    this.#bounds = bounds;
  }

  /** Rejects with a `DirectoryUnavailableError` when too many wait already. */
  async take<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    if (this.#running < this.#bounds.atOnce) this.#running++;
    else if (this.#waiting.length >= this.#bounds.waiting)
      throw new DirectoryUnavailableError("too many logins wait for it already");
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      // Whoever waited longest gets the place itself: were it free for a moment, somebody else could take it too.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
