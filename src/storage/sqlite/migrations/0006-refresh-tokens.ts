import type { Migration } from "./migrate.ts";

/** The refresh tokens that clients keep: a row ends with what it was had with, or when nobody uses it any more. */
export const refreshTokens: Migration = {
  number: 6,
  sql: `
    CREATE TABLE refresh_tokens (
      hash TEXT PRIMARY KEY,
      holder TEXT NOT NULL,
      credential TEXT NOT NULL,
      used_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX refresh_tokens_of_credential ON refresh_tokens (credential, used_at);
    CREATE INDEX idle_refresh_tokens ON refresh_tokens (used_at);
  `,
};
