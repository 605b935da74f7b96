import { Worker } from "node:worker_threads";

import type { HashAnswer, HashQuestion } from "./password.worker.ts";
import type { StoredHash } from "./stored-hash.ts";

/**
 * Runs slow password hashes where they hold up no request: on threads of their own, each started when there is none that is idle.
 * So there are as many as hashes were ever asked for at once, which is the caller's to bound (`LoginQueue` leaves a core to those
 * who are served).
 */
export class SlowHashes {
  readonly #threads = new Set<HashThread>();
  readonly #idle: HashThread[] = [];
  #started = 0;
  #isStopped = false;

  /** How many have been run since the start. */
  get started(): number {
    return this.#started;
  }

  /** Whether the password is the one of the hash. Rejects for a hash that is malformed, and after `stop`. */
  async matches(password: string, hash: StoredHash): Promise<boolean> {
    if (this.#isStopped) throw new Error("the registry is stopping");
    this.#started++;
    const thread = this.#idle.pop() ?? this.#start();
    const matches = await thread.ask({ password, hash });
    this.#idle.push(thread);
    if (matches === undefined) throw new Error(`a hash of the scheme ${hash.scheme} could not be computed`);
    return matches;
  }

  /** Ends the threads; what they were computing fails. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#threads].map((thread) => thread.stop()));
  }

  #start(): HashThread {
    const thread = new HashThread(() => this.#threads.delete(thread));
    this.#threads.add(thread);
    return thread;
  }
}

/** One thread, for one question at a time. */
class HashThread {
  readonly #worker = new Worker(new URL("./password.worker.ts", import.meta.url));
  readonly #onEnd: () => void;
  #asked: PromiseWithResolvers<boolean | undefined> | undefined;

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
    this.#worker.on("message", ({ matches }: HashAnswer) => this.#asked?.resolve(matches));
    this.#worker.on("error", (cause) => this.#fail(new Error("the thread for password hashes failed", { cause })));
    // It must not keep a process alive that has nothing else to do.
    this.#worker.unref();
  }

  /** Undefined where it could not be computed. Rejects when the thread ends before it has answered. */
  ask(question: HashQuestion): Promise<boolean | undefined> {
    this.#asked = Promise.withResolvers();
    this.#worker.postMessage(question, []);
    return this.#asked.promise;
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
    this.#fail(new Error("the registry is stopping"));
  }

  #fail(error: Error): void {
    this.#onEnd();
    this.#asked?.reject(error);
  }
}
