import { type ErrorCode, RegistryError } from "../../core/error.ts";

/** Where the store writes what an operator has to know. */
export interface StorageLog {
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** What one thread can ask another: for each kind of call what goes in and what comes out. */
export type CallTable = Record<string, { readonly input: unknown; readonly output: unknown }>;

/** One call as it travels. */
interface CallMessage {
  readonly call: number;
  readonly kind: string;
  readonly input: unknown;
}

/** An error as it travels: a `RegistryError` by its parts, anything else by its text. */
interface ErrorMessage {
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly offset: number | undefined;
  readonly cause: string | undefined;
}

/** The answer as it travels. */
export type AnswerMessage =
  | { readonly call: number; readonly output: unknown }
  | { readonly call: number; readonly error: ErrorMessage };

interface PendingCall {
  readonly kind: string;
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: Error) => void;
}

const crashesPerMinute = 5;

/**
 * Calls from this thread to a worker of its own. A worker that crashes fails the calls that were under way with
 * `UNAVAILABLE`, is logged, and is started again; one that crashes again and again ends the process.
 */
export class WorkerChannel<Calls extends CallTable> {
  readonly #script: URL;
  readonly #startData: () => unknown;
  readonly #log: StorageLog;
  readonly #afterCrash: () => void;
  readonly #pending = new Map<number, PendingCall>();
  readonly #crashedAt: number[] = [];
  readonly #whenSettled: (() => void)[] = [];
  #worker: Worker;
  #lastCall = 0;
  #closed = false;
  readonly #ended = Promise.withResolvers<void>();

  /** `startData` makes the first message of each new worker. */
  constructor(script: URL, startData: () => unknown, log: StorageLog, afterCrash: () => void = () => undefined) {
    this.#script = script;
    this.#startData = startData;
    this.#log = log;
    this.#afterCrash = afterCrash;
    this.#worker = this.#begin();
  }

  call<Kind extends keyof Calls & string>(
    kind: Kind,
    input: Calls[Kind]["input"],
    transfer: ArrayBuffer[] = [],
  ): Promise<Calls[Kind]["output"]> {
    if (this.#closed) return Promise.reject(new RegistryError("UNAVAILABLE", "the registry is stopping"));
    this.#lastCall += 1;
    const call = this.#lastCall;
    const { promise, resolve, reject } = Promise.withResolvers<Calls[Kind]["output"]>();
    this.#pending.set(call, { kind, resolve, reject });
    this.#worker.postMessage({ call, kind, input } satisfies CallMessage, transfer);
    return promise;
  }

  /** Resolves when no call is under way any more. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await new Promise<void>((resolve) => this.#whenSettled.push(resolve));
  }

  /** Ends the worker; what it should still do has to be done before. Resolves when the thread runs no more. */
  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#worker.terminate();
      this.#failPending(new Error("the thread was ended"));
    }
    return this.#ended.promise;
  }

  #begin(): Worker {
    const worker = new Worker(this.#script);
    worker.postMessage(this.#startData(), []);
    worker.addEventListener("message", (event: MessageEvent<AnswerMessage>) => this.#settle(event.data));
    let reason = "the thread ended";
    // A thread that failed still runs: only behind its end may anybody close what it had in use.
    worker.addEventListener("error", (event) => {
      reason = event.message;
      worker.terminate();
    });
    worker.addEventListener("close", () => (this.#closed ? this.#ended.resolve() : this.#crashed(reason)));
    return worker;
  }

  #settle(answer: AnswerMessage): void {
    const pending = this.#pending.get(answer.call);
    if (pending === undefined) return;
    this.#pending.delete(answer.call);
    if ("output" in answer) pending.resolve(answer.output);
    else pending.reject(errorFromMessage(answer.error));
    if (this.#pending.size === 0) for (const resolve of this.#whenSettled.splice(0)) resolve();
  }

  #crashed(reason: string): void {
    this.#log.error("a storage thread crashed; it is started again", { reason });
    const now = performance.now();
    this.#crashedAt.push(now);
    while ((this.#crashedAt[0] ?? now) < now - 60_000) this.#crashedAt.shift();
    if (this.#crashedAt.length > crashesPerMinute) throw new Error(`a storage thread crashes on and on: ${reason}`);
    this.#worker = this.#begin();
    this.#failPending(new Error(reason));
    this.#afterCrash();
  }

  #failPending(cause: Error): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(new RegistryError("UNAVAILABLE", undefined, { cause }));
    for (const resolve of this.#whenSettled.splice(0)) resolve();
  }
}

/** Answers the calls that arrive in a worker. An output's `bytes` are handed over, not copied. */
export function answerCall(call: number, outcome: Promise<unknown>): void {
  outcome.then(
    (output) => postMessage({ call, output } satisfies AnswerMessage, { transfer: bytesOf(output) }),
    (error: unknown) => postMessage({ call, error: messageFromError(error) } satisfies AnswerMessage),
  );
}

function bytesOf(output: unknown): ArrayBuffer[] {
  if (typeof output !== "object" || output === null || !("bytes" in output)) return [];
  const { bytes } = output;
  return bytes instanceof Uint8Array && bytes.buffer instanceof ArrayBuffer ? [bytes.buffer] : [];
}

function messageFromError(error: unknown): ErrorMessage {
  const cause = error instanceof Error && error.cause !== undefined ? textOf(error.cause) : undefined;
  if (error instanceof RegistryError) return { code: error.code, message: error.message, offset: error.offset, cause };
  return { code: undefined, message: textOf(error), offset: undefined, cause };
}

/** What an operator reads of anything that was thrown. */
export function textOf(thrown: unknown): string {
  if (thrown instanceof Error)
    return thrown.cause === undefined ? thrown.message : `${thrown.message}: ${textOf(thrown.cause)}`;
  return typeof thrown === "string" ? thrown : JSON.stringify(thrown);
}

function errorFromMessage({ code, message, offset, cause }: ErrorMessage): Error {
  if (code === undefined) return new Error(message, { cause });
  return new RegistryError(code, message, { ...(offset !== undefined && { offset }), cause });
}
