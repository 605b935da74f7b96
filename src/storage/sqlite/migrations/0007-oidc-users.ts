import type { Migration } from "./migrate.ts";

/** Who the company's provider says a principal of the source `oidc` is. A row is never removed. */
export const oidcUsers: Migration = {
  number: 7,
  sql: `
    CREATE TABLE oidc_users (
      issuer TEXT NOT NULL,
      subject TEXT NOT NULL,
      principal_id TEXT NOT NULL UNIQUE REFERENCES principals (id),
      PRIMARY KEY (issuer, subject)
    ) STRICT, WITHOUT ROWID;
  `,
};
