import type { Listener } from "../http/listener.ts";
import type { Log } from "../log.ts";

/** What has been started so far, so that it can be stopped whatever comes. */
export class Serving {
  readonly #log: Log;
  readonly #listeners: Listener[] = [];
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  readonly #endings: (() => unknown)[] = [];
  /** Whether clients may be sent here; false while the registry starts or stops. */
  isReady = false;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Is stopped before everything else: from then on nobody asks any more. */
  add(listener: Listener): void {
    this.#listeners.push(listener);
  }

  /** What else has to end, in the order in which it was said. */
  atEnd(...endings: readonly (() => unknown)[]): void {
    this.#endings.push(...endings);
  }

  /** Does some work again and again; a failure is logged, and does not end it. */
  every(periodMs: number, what: string, work: () => Promise<unknown>): void {
    const timer = setInterval(() => void attempt(this.#log, what, work), periodMs);
    timer.unref();
    this.#timers.push(timer);
  }

  /** Requests in flight get `graceMs` to end. */
  async stop(graceMs: number): Promise<void> {
    this.isReady = false;
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#listeners.map((listener) => listener.stop(graceMs)));
    for (const end of this.#endings) await end();
  }
}

/** Work that is done again later, and whose failure is a line in the log. */
export async function attempt(log: Log, what: string, work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.error(`${what} failed; it is tried again later`, { error });
  }
}
