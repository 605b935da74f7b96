import type { Database } from "./database.ts";
import { type Call, type FromThread, fromRefusal, type Outcome, type ToThread, unavailable } from "./messages.ts";
import type { Operations } from "./operations.ts";

interface PendingCall {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

type WithoutDatabase<Parameters extends unknown[]> = Parameters extends [Database, ...infer Rest] ? Rest : never;

/**
 * The serving side of a thread of the database. A call ends when the thread has answered, and fails with `UNAVAILABLE` when
 * the thread ends without an answer: nothing waits for ever.
 */
export class DatabaseThread<Known extends Operations> {
  readonly #worker: Worker;
  readonly #pending = new Map<number, PendingCall>();
  readonly #started = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  #outbox: Call[] = [];
  #lastId = 0;
  readonly #onFault: (reason: string) => void;
  /** Why nothing can be asked any more. */
  #endedBy: string | undefined;

  /** Takes over a worker whose file calls `serveDatabase`; `onFault` hears of an end that nobody asked for. */
  constructor(worker: Worker, file: string, onFault: (reason: string) => void) {
    this.#worker = worker;
    this.#onFault = onFault;
    worker.addEventListener("message", (event: MessageEvent<FromThread>) => this.#receive(event.data));
    worker.addEventListener("error", (event) => this.#end(`a thread of the database failed: ${event.message}`));
    worker.addEventListener("close", () => this.#end("a thread of the database ended"));
    this.#post({ kind: "open", file });
  }

  /** Resolves when the thread has the database open; rejects with the reason when it cannot. */
  get started(): Promise<void> {
    return this.#started.promise;
  }

  /** Asks for an operation. Calls of one turn of the event loop travel in one message, in their order. */
  call<Name extends keyof Known & string>(
    operation: Name,
    ...args: WithoutDatabase<Parameters<Known[Name]>>
  ): Promise<ReturnType<Known[Name]>> {
    if (this.#endedBy !== undefined) return Promise.reject(unavailable(this.#endedBy));
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const id = ++this.#lastId;
    this.#pending.set(id, { resolve, reject });
    if (this.#outbox.length === 0) setImmediate(() => this.#flush());
    this.#outbox.push({ id, operation, args });
    return promise as Promise<ReturnType<Known[Name]>>;
  }

  /**
   * Ends the thread when everything that was asked before has been answered; afterwards every call fails. One that is broken
   * keeps its file open until the process ends: to close it would be to sync it once more.
   */
  close(): Promise<void> {
    if (this.#endedBy === undefined) {
      this.#endedBy = "the database is closed";
      this.#flush();
      this.#post({ kind: "close" });
    }
    return this.#closed.promise;
  }

  #flush(): void {
    const calls = this.#outbox;
    this.#outbox = [];
    if (calls.length > 0) this.#post({ kind: "calls", calls });
  }

  #post(message: ToThread): void {
    this.#worker.postMessage(message, []);
  }

  #receive(message: FromThread): void {
    switch (message.kind) {
      case "opened":
        this.#started.resolve();
        break;
      case "failed":
        this.#started.reject(new Error(message.message));
        break;
      case "outcomes":
        for (const outcome of message.outcomes) this.#settle(outcome);
        break;
      case "broken":
        this.#end(message.reason);
        break;
      case "closed":
        this.#end("the database is closed");
        this.#worker.terminate();
    }
  }

  #settle(outcome: Outcome): void {
    const call = this.#pending.get(outcome.id);
    this.#pending.delete(outcome.id);
    if (outcome.kind === "answer") call?.resolve(outcome.value);
    else if (outcome.kind === "refusal") call?.reject(fromRefusal(outcome.refusal));
    else call?.reject(new Error(outcome.message));
  }

  #end(reason: string): void {
    if (this.#endedBy === undefined) this.#onFault(reason);
    this.#endedBy ??= reason;
    this.#started.reject(new Error(reason));
    for (const call of this.#pending.values()) call.reject(unavailable(reason));
    this.#pending.clear();
    this.#closed.resolve();
  }
}
