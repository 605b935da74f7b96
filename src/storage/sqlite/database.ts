import { Database, SQLiteError } from "bun:sqlite";
import { chmodSync, closeSync, constants, fstatSync, openSync } from "node:fs";

export type { Database } from "bun:sqlite";

/** The one connection that changes things, and that moves the log into the database file ("checkpoint"). */
export function openWriter(file: string): Database {
  makeRegularFile(file);
  // The log and its index get the mode of the file; it is made narrow again should somebody have widened it.
  chmodSync(file, 0o600);
  const db = new Database(file, { readwrite: true, create: false, strict: true });
  try {
    // The patience first: after a kill, the connection of another thread may be recovering the log at this moment, which
    // locks the database even for a statement that only wants to know the version.
    setUp(db);
    checkSqliteVersion(versionOf(db));
    db.run("PRAGMA journal_mode = WAL");
    // Checkpoints come every 4 MiB of log, as SQLite has it: rarer ones gave no more commits and a p99 five times as long.
    // What a long reading lets the log grow to is cut off again.
    db.run("PRAGMA wal_autocheckpoint = 1000");
    db.run("PRAGMA journal_size_limit = 67108864");
    checkSettings(db);
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

/** Throws for a link (its target may be anybody's), a pipe (which would never answer) or anything else that is no file. */
function makeRegularFile(file: string): void {
  const { O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;
  let isFile = false;
  try {
    const descriptor = openSync(file, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
    isFile = fstatSync(descriptor).isFile();
    closeSync(descriptor);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "ELOOP" && code !== "ENXIO" && code !== "EISDIR") throw error;
  }
  if (!isFile) throw new Error(`${file} is not a regular file; move the database itself there, or move this away`);
}

/** A connection that reads. It is opened for writing, because the log's index is shared memory, but refuses every change. */
export function openReader(file: string): Database {
  const db = new Database(file, { readwrite: true, create: false, strict: true });
  try {
    setUp(db);
    db.run("PRAGMA wal_autocheckpoint = 0");
    db.run("PRAGMA query_only = ON");
    checkSettings(db);
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

function setUp(db: Database): void {
  db.run("PRAGMA busy_timeout = 5000");
  db.run("PRAGMA synchronous = FULL");
  db.run("PRAGMA foreign_keys = ON");
  db.run("PRAGMA mmap_size = 0");
  db.run("PRAGMA temp_store = MEMORY");
  db.run("PRAGMA cache_size = -8192");
}

function versionOf(db: Database): string {
  return db.query<{ version: string }, []>("SELECT sqlite_version() AS version").get()?.version ?? "";
}

/**
 * Throws for a SQLite whose log can corrupt the database when one connection writes while another checkpoints
 * (3.7.0 to 3.51.2, mended in 3.51.3 and in 3.50.7; sqlite.org/wal.html, "the WAL-reset bug"), and for any older one.
 */
export function checkSqliteVersion(version: string): void {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  const ordinal = major * 1_000_000 + minor * 1_000 + patch;
  if (ordinal >= 3_051_003 || version === "3.50.7") return;
  throw new Error(
    `SQLite ${version} can corrupt a database (the WAL-reset bug); dozo needs 3.51.3 or later. Run dozo with the Bun that it is pinned to: npm install`,
  );
}

const expectedSettings: readonly (readonly [name: string, value: string | number, why: string])[] = [
  ["journal_mode", "wal", "the file system may be a network one: put the data folder on a local disk"],
  ["synchronous", 2, "without FULL a power cut can take back what was acknowledged"],
  ["foreign_keys", 1, "rows could refer to nothing"],
  ["busy_timeout", 5000, "a lock held for a moment would fail requests"],
];

/** Reads the settings that durability rests on back from the connection; throws when one of them does not hold. */
export function checkSettings(db: Database): void {
  for (const [name, expected, why] of expectedSettings) {
    const actual = Object.values(db.query<Record<string, unknown>, []>(`PRAGMA ${name}`).get() ?? {})[0];
    if (actual !== expected) {
      throw new Error(`the database's ${name} is ${String(actual)} instead of ${expected}: ${why}`);
    }
  }
  // Where SQLite was built without memory mapping there is no such row.
  const mapped = Object.values(db.query<Record<string, unknown>, []>("PRAGMA mmap_size").get() ?? {})[0] ?? 0;
  if (mapped !== 0) throw new Error("the database is mapped into memory; a failing disk would end the process");
}

/** Whether the disk or the machine failed, rather than a statement: the same change may succeed another time. */
export function isStorageFailure(error: unknown): error is Error {
  if (!(error instanceof SQLiteError)) return false;
  // The primary result code is the lowest byte (sqlite.org/rescode.html).
  return storageFailures.has(error.errno & 0xff);
}

const storageFailures = new Set([
  5, // BUSY
  7, // NOMEM
  8, // READONLY
  10, // IOERR
  11, // CORRUPT
  13, // FULL
  14, // CANTOPEN
  26, // NOTADB
]);
