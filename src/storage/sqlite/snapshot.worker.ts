import { Database } from "bun:sqlite";
import { closeSync, constants, fsyncSync, openSync } from "node:fs";
import type { SnapshotOutcome, SnapshotRequest } from "./snapshot-messages.ts";

/* The thread of one snapshot. It is one reading: whoever writes goes on, and only the log's move into the file waits. */

addEventListener("message", ({ data }: MessageEvent<SnapshotRequest>) => globalThis.postMessage(make(data), []), {
  once: true,
});

function make({ file, into }: SnapshotRequest): SnapshotOutcome {
  try {
    // SQLite takes an empty file for a new one; this has the mode of the database.
    closeSync(openSync(into, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600));
    // Without WAL, too: so is one that was restored and has not been served since.
    const db = new Database(file, { readwrite: true, create: false, strict: true });
    try {
      db.run("PRAGMA busy_timeout = 5000");
      db.query("VACUUM INTO ?1").run(into);
    } finally {
      db.close();
    }
    // SQLite does not sync what it makes so.
    sync(into);
    return { failure: undefined };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

function sync(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
