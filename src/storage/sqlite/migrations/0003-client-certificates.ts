import type { Migration } from "./migrate.ts";

/** Which client certificates were issued, and which of them hold no more. A row is never removed. */
export const clientCertificates: Migration = {
  number: 3,
  sql: `
    CREATE TABLE client_certificates (
      fingerprint TEXT PRIMARY KEY,
      serial TEXT NOT NULL UNIQUE,
      user_id TEXT NOT NULL,
      user_name TEXT NOT NULL,
      issued_by TEXT NOT NULL,
      issued_at INTEGER NOT NULL,
      ends_at INTEGER NOT NULL,
      revoked_by TEXT,
      revoked_at INTEGER
    ) STRICT, WITHOUT ROWID;
  `,
};
