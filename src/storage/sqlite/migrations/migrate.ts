import type { Database } from "../database.ts";

/** One step forward; there is none back. `number` is the format that the database has behind it. */
export interface Migration {
  readonly number: number;
  readonly sql: string;
}

/** The data folder was written by a newer dozo than this one. */
export class NewerFormatError extends Error {
  constructor(folder: Format, program: Format) {
    super(
      `the data folder has format ${folder.number}, written by dozo ${folder.programVersion}; ` +
        `this is dozo ${program.programVersion}, which knows formats up to ${program.number}. ` +
        `Run dozo ${folder.programVersion} or later on it`,
    );
    this.name = "NewerFormatError";
  }
}

/** A format number, and the version of the program that goes with it. */
export interface Format {
  readonly number: number;
  readonly programVersion: string;
}

/**
 * Brings a database to the format of the last of `migrations`. Each step is one transaction with its number written in it:
 * killed at any point, the next start goes on where this one was. Throws `NewerFormatError`, and then has changed nothing.
 */
export function migrate(db: Database, migrations: readonly Migration[], programVersion: string): void {
  const newest = migrations.at(-1)?.number ?? 0;
  const found = readFormat(db);
  if (found.number > newest) throw new NewerFormatError(found, { number: newest, programVersion });
  for (const migration of migrations) {
    if (migration.number > found.number) step(db, migration, programVersion);
  }
  if (readFormat(db).programVersion !== programVersion) {
    db.query("UPDATE meta SET program_version = ?1").run(programVersion);
  }
}

/** The format that the database has; 0 for an empty one. */
export function readFormat(db: Database): Format {
  const isEmpty = db.query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta'").get() === null;
  if (isEmpty) return { number: 0, programVersion: "" };
  const row = db
    .query<{ number: number; programVersion: string }, []>(
      "SELECT format AS number, program_version AS programVersion FROM meta",
    )
    .get();
  if (row === null) throw new Error("the database does not say which format it has (its table meta is empty)");
  return row;
}

function step(db: Database, migration: Migration, programVersion: string): void {
  db.run("BEGIN IMMEDIATE");
  try {
    db.run(migration.sql);
    db.query("UPDATE meta SET format = ?1, program_version = ?2").run(migration.number, programVersion);
    db.run("COMMIT");
  } catch (error) {
    if (db.inTransaction) db.run("ROLLBACK");
    throw error;
  }
}
