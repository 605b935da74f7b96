import type { Clock } from "../core/clock.ts";

/** A backup that ended without a word is waited for so long. */
const holdMs = 60_000;
const mostHolds = 16;

/**
 * Keeps the files of blobs from being unlinked while somebody copies them: whoever unlinks asks `isHeld` first, behind the commit
 * that took the rows away, and leaves the files for later while it is true. A hold lasts a minute and is renewed by its
 * owner; so one whose owner was killed ends by itself.
 */
export class UnlinkHolds {
  readonly #clock: Clock;
  readonly #until = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isHeld(): boolean {
    return this.#current().length > 0;
  }

  /** Begins or renews the hold of this name; answers false where there are too many others. */
  hold(name: string): boolean {
    const others = this.#current().filter((each) => each !== name);
    if (others.length >= mostHolds) return false;
    this.#until.set(name, this.#clock.now() + holdMs);
    return true;
  }

  /** One that is not there is no error. */
  release(name: string): void {
    this.#until.delete(name);
  }

  #current(): readonly string[] {
    const now = this.#clock.now();
    for (const [name, until] of this.#until) if (until <= now) this.#until.delete(name);
    return [...this.#until.keys()];
  }
}
