import type { Database } from "./database.ts";
import type { Call, FromThread, Outcome, ToThread } from "./messages.ts";

/** How a thread of the database does its work. */
export interface ThreadWork {
  open(file: string): Database;
  /** One outcome for each call. */
  run(db: Database, calls: readonly Call[]): readonly Outcome[];
  /** Why it can do nothing any more, if so; asked after each `run`. */
  brokenBy?(): string | undefined;
}

/**
 * Makes the current worker a thread of the database. What comes in while it works is one batch of the next turn:
 * the wait for the disk is what groups.
 */
export function serveDatabase(work: ThreadWork): void {
  let db: Database | undefined;
  let queue: Call[] = [];

  const runQueue = (): void => {
    const calls = queue;
    queue = [];
    if (db === undefined || calls.length === 0) return;
    post({ kind: "outcomes", outcomes: work.run(db, calls) });
    const reason = work.brokenBy?.();
    if (reason === undefined) return;
    // Not closed: that would sync once more. The end of the process lets go of it.
    db = undefined;
    post({ kind: "broken", reason });
  };

  globalThis.addEventListener("message", (event: MessageEvent<ToThread>) => {
    const message = event.data;
    switch (message.kind) {
      case "open":
        db = open(work, message.file);
        break;
      case "calls":
        if (queue.length === 0) setImmediate(runQueue);
        queue = queue.concat(message.calls);
        break;
      case "close":
        runQueue();
        db?.close();
        db = undefined;
        post({ kind: "closed" });
    }
  });
}

function open(work: ThreadWork, file: string): Database | undefined {
  try {
    const db = work.open(file);
    post({ kind: "opened" });
    return db;
  } catch (error) {
    post({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}

function post(message: FromThread): void {
  globalThis.postMessage(message, []);
}
