import type { Migration } from "./migrate.ts";

/** Access keys. What is revoked, or ended long ago, has no row. */
export const accessKeys: Migration = {
  number: 5,
  sql: `
    CREATE TABLE access_keys (
      -- A ULID: in the order in which they were made.
      id TEXT PRIMARY KEY,
      -- SHA-256 of the whole key, which stands nowhere.
      digest TEXT NOT NULL,
      principal_id TEXT NOT NULL REFERENCES principals (id),
      -- JSON: what it is good for at most; NULL for all that its principal may.
      limits TEXT,
      created_by TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      expires_at INTEGER,
      last_used_at INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX keys_of_principal ON access_keys (principal_id);
    CREATE INDEX keys_by_end ON access_keys (expires_at) WHERE expires_at IS NOT NULL;
  `,
};
