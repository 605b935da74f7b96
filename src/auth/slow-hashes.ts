import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";

import { cutForBcrypt } from "./htpasswd-hash.ts";
import type { HtpasswdHash } from "./htpasswd-entries.ts";
import type { HashAnswer, HashQuestion } from "./password.worker.ts";

/** What a password is compared with. */
export type StoredHash = HtpasswdHash | { readonly scheme: "argon2id"; readonly text: string };

/** Too many logins wait already; nobody's password was looked at. */
export class TooManyLoginsError extends Error {
  readonly retryAfterSeconds = 2;

  constructor() {
    super("too many logins are waiting");
    this.name = "TooManyLoginsError";
  }
}

export interface SlowHashBounds {
  readonly running: number;
  readonly waiting: number;
}

/**
 * Runs slow password hashes where they hold up no request, and in bounded number: as many at once as there are cores, 64 waiting.
 * bcrypt and argon2id run on the runtime's own threads, the others on one worker that is started when it is first needed.
 */
export class SlowHashes {
  readonly #bounds: SlowHashBounds;
  readonly #waiting: (() => void)[] = [];
  readonly #answers = new Map<number, { resolve: (matches: boolean) => void; reject: (error: Error) => void }>();
  #running = 0;
  #started = 0;
  #worker: Worker | undefined;

  constructor(bounds: SlowHashBounds = { running: availableParallelism(), waiting: 64 }) {
    this.#bounds = bounds;
  }

  /** How many have been run since the start. */
  get started(): number {
    return this.#started;
  }

  /** Whether the password is the one of the hash. Throws `TooManyLoginsError` when too many wait. */
  async matches(password: string, hash: StoredHash): Promise<boolean> {
    await this.#turn();
    this.#started++;
    try {
      if (hash.scheme === "argon2id") return await Bun.password.verify(password, hash.text, "argon2id");
      if (hash.scheme === "bcrypt") return await Bun.password.verify(cutForBcrypt(password), hash.text, "bcrypt");
      return await this.#ask(password, hash);
    } finally {
      this.#passOn();
    }
  }

  /** Ends the worker; what it was computing fails. */
  async stop(): Promise<void> {
    await this.#worker?.terminate();
    this.#fail(new Error("the registry is stopping"));
  }

  async #turn(): Promise<void> {
    if (this.#running < this.#bounds.running) {
      this.#running++;
      return;
    }
    if (this.#waiting.length >= this.#bounds.waiting) throw new TooManyLoginsError();
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Whoever waited longest gets the place itself: were it free for a moment, somebody else could take it too. */
  #passOn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    else next();
  }

  #ask(password: string, hash: HashQuestion["hash"]): Promise<boolean> {
    const worker = (this.#worker ??= this.#start());
    const number = this.#started;
    return new Promise((resolve, reject) => {
      this.#answers.set(number, { resolve, reject });
      worker.postMessage({ number, password, hash } satisfies HashQuestion, []);
    });
  }

  #start(): Worker {
    const worker = new Worker(new URL("./password.worker.ts", import.meta.url));
    worker.on("message", ({ number, matches }: HashAnswer) => {
      this.#answers.get(number)?.resolve(matches);
      this.#answers.delete(number);
    });
    worker.on("error", (cause) => this.#fail(new Error("the thread for password hashes failed", { cause })));
    // It must not keep a process alive that has nothing else to do.
    worker.unref();
    return worker;
  }

  /** The next question starts another thread. */
  #fail(error: Error): void {
    this.#worker = undefined;
    for (const answer of this.#answers.values()) answer.reject(error);
    this.#answers.clear();
  }
}
