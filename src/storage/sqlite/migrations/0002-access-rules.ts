import type { Migration } from "./migrate.ts";

/** Who may do what. Until somebody says otherwise it is as it was without rules. */
export const accessRules: Migration = {
  number: 2,
  sql: `
    CREATE TABLE access_rules (
      -- A ULID: in the order in which they were made.
      id TEXT PRIMARY KEY,
      effect TEXT NOT NULL CHECK (effect IN ('allow', 'deny')),
      -- Of a principal; NULL: everyone who is logged in.
      subject_id TEXT REFERENCES principals (id),
      repositories TEXT NOT NULL,
      -- JSON: an array of actions.
      actions TEXT NOT NULL,
      created_by TEXT NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX rules_of_principal ON access_rules (subject_id);
    INSERT INTO access_rules VALUES (
      '00000000000000000000000001', 'allow', NULL, '**', '["pull","push","overwrite"]',
      '00000000000000000000000000', unixepoch() * 1000
    );
  `,
};
