import type { Migration } from "./migrate.ts";

/**
 * When stored bytes were last found to be what they should be (0: never since they were written by an earlier version), and since
 * when they are known not to be: such a row answers as if it were not there.
 */
export const verification: Migration = {
  number: 9,
  sql: `
    ALTER TABLE blobs ADD COLUMN verified_at INTEGER NOT NULL DEFAULT 0;
    UPDATE blobs SET verified_at = created_at;
    CREATE INDEX blobs_by_verification ON blobs (verified_at);
    ALTER TABLE blobs ADD COLUMN damaged_at INTEGER;
    CREATE INDEX damaged_blobs ON blobs (id) WHERE damaged_at IS NOT NULL;

    ALTER TABLE manifest_contents ADD COLUMN verified_at INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX manifest_contents_by_verification ON manifest_contents (verified_at);
    ALTER TABLE manifest_contents ADD COLUMN damaged_at INTEGER;
    CREATE INDEX damaged_manifest_contents ON manifest_contents (id) WHERE damaged_at IS NOT NULL;

    -- Whether a process serves, and when one last began after another that had not ended in good order.
    CREATE TABLE service (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      is_running INTEGER NOT NULL,
      unclean_at INTEGER
    ) STRICT;
    INSERT INTO service VALUES (1, 0, NULL);
  `,
};
