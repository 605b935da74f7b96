import { SQLiteError } from "bun:sqlite";
import { RegistryError } from "../../core/error.ts";
import { type Database, isStorageFailure } from "./database.ts";
import { type Call, type Outcome, toRefusal, unavailable } from "./messages.ts";
import type { Operations } from "./operations.ts";

/** Runs one operation and puts whatever it throws into its outcome. */
export function runCall(db: Database, operations: Operations, call: Call): Outcome {
  try {
    return answer(db, operations, call);
  } catch (error) {
    return toOutcome(call, error);
  }
}

/** As SQLite has it by itself: 4 MiB of log. */
const checkpointFrames = 1000;

/**
 * Makes changes in groups: one transaction, one sync of the disk, for all that came in together. Within it each change
 * stands alone, so that one that is refused takes nothing else with it. Nothing is answered before the commit is through.
 *
 * It also moves the log into the database file, which SQLite would do without telling of a disk that fails meanwhile. After
 * a commit or a move that failed so, the kernel may have dropped pages and report success the next time: nothing is written
 * any more, and the process has to start again, for what is on the disk decides.
 */
export class GroupWriter {
  readonly #db: Database;
  readonly #operations: Operations;
  #brokenBy: string | undefined;

  constructor(db: Database, operations: Operations) {
    this.#db = db;
    this.#operations = operations;
    db.run("PRAGMA wal_autocheckpoint = 0");
  }

  /** Why nothing is written any more: the disk failed, or nobody knows what the connection holds. */
  get brokenBy(): string | undefined {
    return this.#brokenBy;
  }

  /** One outcome for each call. If the commit fails, all of them have failed, and the group is not tried again. */
  run(calls: readonly Call[]): readonly Outcome[] {
    if (this.#brokenBy !== undefined) return failAll(calls, this.#brokenBy);
    try {
      this.#db.query("BEGIN IMMEDIATE").run();
      const outcomes = calls.map((call) => this.#change(call));
      this.#db.query("COMMIT").run();
      this.#checkpoint();
      return outcomes;
    } catch (error) {
      if (isFailureOfDisk(error)) this.#brokenBy = `the database's disk failed: ${messageOf(error)}`;
      else this.#rollBack();
      return failAll(calls, messageOf(error));
    }
  }

  #change(call: Call): Outcome {
    const db = this.#db;
    db.query("SAVEPOINT change").run();
    const outcome = this.#attempt(call);
    // A full disk can end the whole transaction; what came behind it would be committed one by one.
    if (!db.inTransaction) throw new Error(`SQLite ended the transaction: ${describe(outcome)}`);
    if (outcome.kind !== "answer") db.query("ROLLBACK TO change").run();
    db.query("RELEASE change").run();
    return outcome;
  }

  #attempt(call: Call): Outcome {
    try {
      return answer(this.#db, this.#operations, call);
    } catch (error) {
      // It has ended the transaction. A damaged page, on the other hand, concerns whoever needs it.
      if (isInputOutputError(error)) throw error;
      return toOutcome(call, error);
    }
  }

  /** Everything is in the log and durable by now. A reader that holds the move up is none of its failures. */
  #checkpoint(): void {
    const frames = this.#db.query<{ log: number }, []>("PRAGMA wal_checkpoint(NOOP)").get()?.log ?? 0;
    if (frames >= checkpointFrames) this.#db.query("PRAGMA wal_checkpoint(PASSIVE)").get();
  }

  #rollBack(): void {
    try {
      if (this.#db.inTransaction) this.#db.query("ROLLBACK").run();
    } catch (error) {
      this.#brokenBy = `a transaction could not be rolled back: ${messageOf(error)}`;
    }
  }
}

function answer(db: Database, operations: Operations, call: Call): Outcome {
  const operation = operations[call.operation];
  if (operation === undefined) throw new Error(`there is no operation ${call.operation}`);
  return { id: call.id, kind: "answer", value: operation(db, ...(call.args as never[])) };
}

function isInputOutputError(error: unknown): boolean {
  return error instanceof SQLiteError && (error.errno & 0xff) === 10;
}

/** IOERR, CORRUPT, NOTADB (sqlite.org/rescode.html); a full disk is none, for it tells the truth the next time. */
function isFailureOfDisk(error: unknown): boolean {
  return error instanceof SQLiteError && [10, 11, 26].includes(error.errno & 0xff);
}

function toOutcome(call: Call, error: unknown): Outcome {
  if (error instanceof RegistryError) return { id: call.id, kind: "refusal", refusal: toRefusal(error) };
  if (isStorageFailure(error)) {
    return { id: call.id, kind: "refusal", refusal: toRefusal(unavailable(`${call.operation}: ${error.message}`)) };
  }
  return { id: call.id, kind: "fault", message: `${call.operation}: ${messageOf(error)}` };
}

function failAll(calls: readonly Call[], cause: string): readonly Outcome[] {
  return calls.map(({ id }) => ({ id, kind: "refusal", refusal: toRefusal(unavailable(cause)) }));
}

function describe(outcome: Outcome): string {
  if (outcome.kind === "refusal") return outcome.refusal.cause ?? outcome.refusal.message;
  return outcome.kind === "fault" ? outcome.message : "after a change that seemed to succeed";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
