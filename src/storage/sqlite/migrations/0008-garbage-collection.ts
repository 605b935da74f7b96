import type { Migration } from "./migrate.ts";

/**
 * What is needed to know what nobody needs: counts, leases, a trash, and the files that are to be unlinked.
 *
 * Nothing that was deleted before can be had back: the table `deletions` did not say what a manifest named. Its blobs are
 * kept for as long as the trash would have kept them.
 */
export const garbageCollection: Migration = {
  number: 8,
  sql: `
    -- The repository's id stands beside, so that a blob's references of one repository are counted without the others'.
    ALTER TABLE manifest_references ADD COLUMN repository_id INTEGER NOT NULL DEFAULT 0;
    UPDATE manifest_references SET repository_id = (SELECT m.repository_id FROM manifests m WHERE m.id = manifest_id);
    DROP INDEX references_to;
    CREATE INDEX references_to ON manifest_references (digest, kind, repository_id);

    -- Since when nothing names a manifest that was named before; NULL: something does, or nothing ever did.
    ALTER TABLE manifests ADD COLUMN orphaned_at INTEGER;
    UPDATE manifests SET orphaned_at = unixepoch() * 1000
      WHERE (repository_id, digest) IN (SELECT repository_id, previous FROM tag_history WHERE previous IS NOT NULL)
        AND NOT EXISTS (SELECT 1 FROM tags t WHERE t.manifest_id = manifests.id);
    CREATE INDEX orphaned_manifests ON manifests (orphaned_at) WHERE orphaned_at IS NOT NULL;

    -- What was deleted, with what its return needs.
    CREATE TABLE trashed_manifests (
      id INTEGER PRIMARY KEY,
      repository_id INTEGER NOT NULL REFERENCES repositories (id),
      digest TEXT NOT NULL,
      content_id INTEGER NOT NULL REFERENCES manifest_contents (id),
      size_bytes INTEGER NOT NULL,
      media_type TEXT NOT NULL,
      subject TEXT,
      artifact_type TEXT,
      annotations TEXT,
      pushed_by TEXT NOT NULL,
      pushed_at INTEGER NOT NULL,
      -- JSON: the tags that pointed at it.
      tags TEXT NOT NULL,
      -- The manifest that it went with, for it was about that one.
      went_with INTEGER REFERENCES trashed_manifests (id) ON DELETE SET NULL,
      deleted_by TEXT NOT NULL,
      deleted_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX trashed_manifests_by_time ON trashed_manifests (deleted_at);
    CREATE INDEX trashed_manifests_of_repository ON trashed_manifests (repository_id, digest);
    CREATE INDEX trashed_manifests_of_content ON trashed_manifests (content_id, size_bytes);
    CREATE INDEX trashed_followers ON trashed_manifests (went_with) WHERE went_with IS NOT NULL;

    CREATE TABLE trashed_references (
      trashed_id INTEGER NOT NULL REFERENCES trashed_manifests (id),
      kind TEXT NOT NULL CHECK (kind IN ('blob', 'manifest')),
      digest TEXT NOT NULL,
      repository_id INTEGER NOT NULL,
      PRIMARY KEY (trashed_id, kind, digest)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX trashed_references_to ON trashed_references (digest, kind, repository_id);

    -- Memberships that were deleted.
    CREATE TABLE trashed_blobs (
      repository_id INTEGER NOT NULL REFERENCES repositories (id),
      blob_id INTEGER NOT NULL REFERENCES blobs (id),
      deleted_by TEXT NOT NULL,
      deleted_at INTEGER NOT NULL,
      PRIMARY KEY (repository_id, blob_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX trashed_blobs_by_time ON trashed_blobs (deleted_at);
    CREATE INDEX trashed_blobs_of_blob ON trashed_blobs (blob_id);
    INSERT INTO trashed_blobs
      SELECT d.repository_id, b.id, max(d.deleted_by), unixepoch() * 1000
      FROM deletions d JOIN blobs b ON b.digest = d.digest
      WHERE d.kind = 'blob' AND NOT EXISTS (
        SELECT 1 FROM repository_blobs m WHERE m.repository_id = d.repository_id AND m.blob_id = b.id)
      GROUP BY d.repository_id, b.id;
    DROP TABLE deletions;

    -- How many manifests of the repository name the blob, those in its trash included; and until when who was told of it
    -- may count on it, where none does.
    ALTER TABLE repository_blobs ADD COLUMN reference_count INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE repository_blobs ADD COLUMN leased_until INTEGER NOT NULL DEFAULT 0;
    UPDATE repository_blobs SET
      leased_until = unixepoch() * 1000 + 14 * 86400000,
      reference_count = (
        SELECT count(*) FROM blobs b JOIN manifest_references r
          ON r.digest = b.digest AND r.kind = 'blob' AND r.repository_id = repository_blobs.repository_id
        WHERE b.id = repository_blobs.blob_id);
    CREATE INDEX unneeded_memberships ON repository_blobs (leased_until) WHERE reference_count = 0;

    -- How many repositories have the blob, in their trash included.
    ALTER TABLE blobs ADD COLUMN membership_count INTEGER NOT NULL DEFAULT 0;
    UPDATE blobs SET membership_count = (SELECT count(*) FROM repository_blobs m WHERE m.blob_id = blobs.id)
      + (SELECT count(*) FROM trashed_blobs t WHERE t.blob_id = blobs.id);

    UPDATE totals SET stored_bytes = stored_bytes - (
      SELECT coalesce(sum(size_bytes), 0) FROM manifest_contents WHERE id NOT IN (SELECT content_id FROM manifests));
    DELETE FROM manifest_contents WHERE id NOT IN (SELECT content_id FROM manifests);

    -- Files whose blobs are gone. What stands here after a crash is unlinked later: no key is ever used again.
    CREATE TABLE unlinks (
      file_key TEXT PRIMARY KEY,
      size_bytes INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE INDEX empty_repositories ON repositories (id) WHERE manifest_count = 0 AND content_bytes = 0;
  `,
};
