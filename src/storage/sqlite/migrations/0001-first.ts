import type { Migration } from "./migrate.ts";

/**
 * The first format.
 *
 * - Names and digests are compared by their bytes (SQLite's BINARY, the default), as lists are ordered.
 * - `*_by` is the ULID of a principal, without a foreign key: some principals live in a process only.
 * - A blob's few facts and its bytes are different tables: counting references must not rewrite 64 KiB.
 * - Times are milliseconds since 1970.
 */
export const first: Migration = {
  number: 1,
  sql: `
    CREATE TABLE meta (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      format INTEGER NOT NULL,
      program_version TEXT NOT NULL
    ) STRICT;
    INSERT INTO meta VALUES (1, 0, '');

    -- What would otherwise be counted over all rows.
    CREATE TABLE totals (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      blobs INTEGER NOT NULL,
      stored_bytes INTEGER NOT NULL
    ) STRICT;
    INSERT INTO totals VALUES (1, 0, 0);

    CREATE TABLE repositories (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      created_at INTEGER NOT NULL,
      manifest_count INTEGER NOT NULL DEFAULT 0,
      tag_count INTEGER NOT NULL DEFAULT 0,
      -- The sum of the sizes of its blobs and manifests.
      content_bytes INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX repositories_with_manifests ON repositories (name) WHERE manifest_count > 0;

    CREATE TABLE blobs (
      id INTEGER PRIMARY KEY,
      digest TEXT NOT NULL UNIQUE,
      size_bytes INTEGER NOT NULL,
      -- Where the bytes are; NULL: in blob_contents.
      file_key TEXT UNIQUE,
      created_at INTEGER NOT NULL,
      -- How many manifests, of all repositories, name it.
      reference_count INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX unreferenced_blobs ON blobs (size_bytes) WHERE reference_count = 0;

    CREATE TABLE blob_contents (
      blob_id INTEGER PRIMARY KEY REFERENCES blobs (id),
      bytes BLOB NOT NULL
    ) STRICT;

    CREATE TABLE repository_blobs (
      repository_id INTEGER NOT NULL REFERENCES repositories (id),
      blob_id INTEGER NOT NULL REFERENCES blobs (id),
      added_by TEXT NOT NULL,
      added_at INTEGER NOT NULL,
      PRIMARY KEY (repository_id, blob_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX repositories_of_blob ON repository_blobs (blob_id);

    -- Each document once, however many repositories have it; it stays when they delete it.
    CREATE TABLE manifest_contents (
      id INTEGER PRIMARY KEY,
      digest TEXT NOT NULL UNIQUE,
      size_bytes INTEGER NOT NULL,
      bytes BLOB NOT NULL
    ) STRICT;

    CREATE TABLE manifests (
      id INTEGER PRIMARY KEY,
      repository_id INTEGER NOT NULL REFERENCES repositories (id),
      digest TEXT NOT NULL,
      content_id INTEGER NOT NULL REFERENCES manifest_contents (id),
      size_bytes INTEGER NOT NULL,
      media_type TEXT NOT NULL,
      subject TEXT,
      artifact_type TEXT,
      -- JSON, as the referrers list shows them.
      annotations TEXT,
      pushed_by TEXT NOT NULL,
      pushed_at INTEGER NOT NULL,
      UNIQUE (repository_id, digest)
    ) STRICT;
    CREATE INDEX manifests_of_content ON manifests (content_id);
    CREATE INDEX referrers ON manifests (repository_id, subject, digest) WHERE subject IS NOT NULL;
    CREATE INDEX referrers_by_type ON manifests (repository_id, subject, artifact_type, digest)
      WHERE subject IS NOT NULL AND artifact_type IS NOT NULL;

    CREATE TABLE manifest_references (
      manifest_id INTEGER NOT NULL REFERENCES manifests (id),
      kind TEXT NOT NULL CHECK (kind IN ('blob', 'manifest')),
      digest TEXT NOT NULL,
      PRIMARY KEY (manifest_id, kind, digest)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX references_to ON manifest_references (digest, kind);

    CREATE TABLE tags (
      repository_id INTEGER NOT NULL REFERENCES repositories (id),
      name TEXT NOT NULL,
      manifest_id INTEGER NOT NULL REFERENCES manifests (id),
      PRIMARY KEY (repository_id, name)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX tags_of_manifest ON tags (manifest_id);

    -- Only ever appended to.
    CREATE TABLE tag_history (
      id INTEGER PRIMARY KEY,
      repository_id INTEGER NOT NULL REFERENCES repositories (id),
      tag TEXT NOT NULL,
      digest TEXT,
      previous TEXT,
      changed_by TEXT NOT NULL,
      changed_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX history_of_repository ON tag_history (repository_id);
    CREATE INDEX history_of_tag ON tag_history (repository_id, tag);

    -- What was deleted, with what its return would need: a manifest's bytes stay in manifest_contents.
    CREATE TABLE deletions (
      id INTEGER PRIMARY KEY,
      repository_id INTEGER NOT NULL REFERENCES repositories (id),
      kind TEXT NOT NULL CHECK (kind IN ('blob', 'manifest', 'tag')),
      digest TEXT NOT NULL,
      media_type TEXT,
      -- JSON: the tag, or all tags that pointed at the manifest.
      tags TEXT NOT NULL DEFAULT '[]',
      deleted_by TEXT NOT NULL,
      deleted_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX deletions_of_repository ON deletions (repository_id);
    CREATE INDEX deletions_of_digest ON deletions (digest);

    -- By name: an upload does not bring a repository into being, the blob that it ends in does.
    CREATE TABLE uploads (
      id TEXT PRIMARY KEY,
      repository TEXT NOT NULL,
      started_by TEXT NOT NULL,
      started_at INTEGER NOT NULL,
      touched_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX uploads_by_touch ON uploads (touched_at);
    CREATE INDEX uploads_by_principal ON uploads (started_by);
    CREATE INDEX uploads_of_repository ON uploads (repository);

    CREATE TABLE principals (
      id TEXT PRIMARY KEY,
      source TEXT NOT NULL CHECK (source IN ('dozo', 'htpasswd')),
      name TEXT NOT NULL,
      is_admin INTEGER NOT NULL,
      password_hash TEXT,
      credential_version INTEGER NOT NULL,
      created_by TEXT,
      created_at INTEGER NOT NULL,
      password_set_by TEXT,
      password_set_at INTEGER,
      removed_by TEXT,
      removed_at INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX present_principals ON principals (source, name) WHERE removed_at IS NULL;
  `,
};
