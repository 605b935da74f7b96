import { RegistryError } from "../../core/error.ts";
import { type Database, isStorageFailure } from "./database.ts";
import { type Call, type Outcome, toRefusal, unavailable } from "./messages.ts";
import type { Operations } from "./operations.ts";

/** Runs one operation and puts whatever it throws into its outcome. */
export function runCall(db: Database, operations: Operations, call: Call): Outcome {
  try {
    const operation = operations[call.operation];
    if (operation === undefined) throw new Error(`there is no operation ${call.operation}`);
    return { id: call.id, kind: "answer", value: operation(db, ...(call.args as never[])) };
  } catch (error) {
    return toOutcome(call, error);
  }
}

/**
 * Makes changes in groups: one transaction, one sync of the disk, for all that came in together. Within it each change
 * stands alone, so that one that is refused takes nothing else with it. Nothing is answered before the commit is through.
 */
export class GroupWriter {
  readonly #db: Database;
  readonly #operations: Operations;
  /** Why nothing is written any more: after a rollback that failed nobody knows what the connection holds. */
  #brokenBy: string | undefined;

  constructor(db: Database, operations: Operations) {
    this.#db = db;
    this.#operations = operations;
  }

  /** One outcome for each call. If the commit fails, all of them have failed, and the group is not tried again. */
  run(calls: readonly Call[]): readonly Outcome[] {
    if (this.#brokenBy !== undefined) return failAll(calls, this.#brokenBy);
    try {
      this.#db.query("BEGIN IMMEDIATE").run();
      const outcomes = calls.map((call) => this.#change(call));
      this.#db.query("COMMIT").run();
      return outcomes;
    } catch (error) {
      this.#rollBack();
      return failAll(calls, messageOf(error));
    }
  }

  #change(call: Call): Outcome {
    const db = this.#db;
    db.query("SAVEPOINT change").run();
    const outcome = runCall(db, this.#operations, call);
    // A full or failing disk can end the whole transaction; what came behind it would be committed one by one.
    if (!db.inTransaction) throw new Error(`SQLite ended the transaction: ${describe(outcome)}`);
    if (outcome.kind !== "answer") db.query("ROLLBACK TO change").run();
    db.query("RELEASE change").run();
    return outcome;
  }

  #rollBack(): void {
    try {
      if (this.#db.inTransaction) this.#db.query("ROLLBACK").run();
    } catch (error) {
      this.#brokenBy = `a transaction could not be rolled back; restart dozo: ${messageOf(error)}`;
    }
  }
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
