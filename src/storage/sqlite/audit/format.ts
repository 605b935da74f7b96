import { type Database, openWriter } from "../database.ts";
import { migrate, type Migration } from "../migrations/migrate.ts";

const first: Migration = {
  number: 1,
  sql: `
    CREATE TABLE meta (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      format INTEGER NOT NULL,
      program_version TEXT NOT NULL
    ) STRICT;
    INSERT INTO meta VALUES (1, 0, '');

    -- Lies in the order in which it is dropped, so that whole pages become free.
    CREATE TABLE events (
      id INTEGER NOT NULL,
      at INTEGER NOT NULL,
      last_at INTEGER NOT NULL,
      count INTEGER NOT NULL,
      -- The lowest is dropped first where there is no room for all.
      rank INTEGER NOT NULL,
      kind TEXT NOT NULL,
      is_detail INTEGER NOT NULL,
      action TEXT NOT NULL,
      outcome TEXT NOT NULL,
      principal_id TEXT,
      name TEXT,
      credential_kind TEXT NOT NULL,
      credential_id TEXT,
      -- JSON: an array.
      addresses TEXT NOT NULL,
      has_more_addresses INTEGER NOT NULL,
      repository TEXT,
      tag TEXT,
      digest TEXT,
      object TEXT,
      reason TEXT,
      PRIMARY KEY (rank, id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX events_by_id ON events (id);
    CREATE INDEX events_by_last ON events (last_at);
    CREATE INDEX events_by_name ON events (name, id) WHERE name IS NOT NULL;
    CREATE INDEX events_by_repository ON events (repository, id) WHERE repository IS NOT NULL;

    -- Kept for longer than the pulls themselves: one row an image.
    CREATE TABLE last_pulls (
      repository TEXT NOT NULL,
      digest TEXT NOT NULL,
      at INTEGER NOT NULL,
      PRIMARY KEY (repository, digest)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX last_pulls_by_time ON last_pulls (at);

    CREATE TABLE record (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      -- From then on no pull is missing.
      complete_since INTEGER NOT NULL
    ) STRICT;
    INSERT INTO record VALUES (1, unixepoch() * 1000);

    CREATE TABLE notes (
      name TEXT PRIMARY KEY,
      text TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
  `,
};

/** Every step to the format of the record's database that this program writes. One that was released is never changed. */
const auditMigrations: readonly Migration[] = [first];

/** The one connection of the record's database: what is dropped makes the file smaller, too. */
export function openAuditConnection(file: string): Database {
  const db = openWriter(file);
  try {
    // Holds for a database without tables, or behind a VACUUM.
    const isIncremental = db.query<{ auto_vacuum: number }, []>("PRAGMA auto_vacuum").get()?.auto_vacuum === 2;
    if (!isIncremental) {
      db.run("PRAGMA auto_vacuum = INCREMENTAL");
      db.run("VACUUM");
    }
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

/** Makes the database, or brings it to the newest format. Throws `NewerFormatError` for one that a newer dozo wrote. */
export function prepareAuditDatabase(file: string, programVersion: string): void {
  const db = openAuditConnection(file);
  try {
    migrate(db, auditMigrations, programVersion);
  } finally {
    db.close();
  }
}
