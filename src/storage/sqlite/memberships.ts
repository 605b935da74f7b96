import type { Change } from "../../core/metadata-store.ts";
import { isLeased, leaseMs } from "../../core/lease.ts";
import type { Database } from "./database.ts";
import { addToRepository } from "./repositories.ts";

/** A blob's row: its id, and its size. */
export interface BlobRow {
  readonly id: number;
  readonly sizeBytes: number;
}

/** Makes a blob a member of a repository, and leases it to whoever is told so. */
export function addMember(db: Database, repositoryId: number, blob: BlobRow, change: Change): void {
  const known = db
    .query<{ leasedUntil: number }, [number, number]>(
      "SELECT leased_until AS leasedUntil FROM repository_blobs WHERE repository_id = ?1 AND blob_id = ?2",
    )
    .get(repositoryId, blob.id);
  if (known === null) insertMember(db, repositoryId, blob, change);
  else if (!isLeased(known.leasedUntil, change.at)) lease(db, repositoryId, blob.id, change.at + leaseMs);
}

/** Lets nobody take a membership away before `until`; false when there is none. */
export function lease(db: Database, repositoryId: number, blobId: number, until: number): boolean {
  const { changes } = db
    .query("UPDATE repository_blobs SET leased_until = max(leased_until, ?3) WHERE repository_id = ?1 AND blob_id = ?2")
    .run(repositoryId, blobId, until);
  return changes > 0;
}

/** Removes a membership's row, and nothing of what hangs on it. */
export function removeMember(db: Database, repositoryId: number, blob: BlobRow): void {
  db.query("DELETE FROM repository_blobs WHERE repository_id = ?1 AND blob_id = ?2").run(repositoryId, blob.id);
  addToRepository(db, repositoryId, { bytes: -blob.sizeBytes });
}

/**
 * Counts a blob's membership out, of a repository or of its trash. The blob that nobody has any more is removed, and its file
 * stands among the unlinks; answers whether it is gone, and the bytes that this frees.
 */
export function releaseBlob(db: Database, blobId: number): { readonly isGone: boolean; readonly bytes: number } {
  const blob = db
    .query<{ memberships: number; sizeBytes: number; fileKey: string | null }, [number]>(
      `UPDATE blobs SET membership_count = membership_count - 1 WHERE id = ?1
       RETURNING membership_count AS memberships, size_bytes AS sizeBytes, file_key AS fileKey`,
    )
    .get(blobId);
  if (blob === null || blob.memberships > 0) return { isGone: false, bytes: 0 };
  db.query("DELETE FROM blob_contents WHERE blob_id = ?1").run(blobId);
  // Were there a membership that was not counted, its foreign key would refuse this, and with it the whole change.
  db.query("DELETE FROM blobs WHERE id = ?1").run(blobId);
  db.query("UPDATE totals SET blobs = blobs - 1, stored_bytes = stored_bytes - ?1").run(blob.sizeBytes);
  if (blob.fileKey !== null)
    db.query("INSERT INTO unlinks (file_key, size_bytes) VALUES (?1, ?2)").run(blob.fileKey, blob.sizeBytes);
  return { isGone: true, bytes: blob.sizeBytes };
}

function insertMember(db: Database, repositoryId: number, blob: BlobRow, change: Change): void {
  db.query(
    // Manifests may have named it before it came (sparse images), or may have gone on naming it when it was deleted.
    `INSERT INTO repository_blobs (repository_id, blob_id, added_by, added_at, leased_until, reference_count)
     SELECT ?1, id, ?3, ?4, ?5,
       (SELECT count(*) FROM manifest_references r
        WHERE r.digest = blobs.digest AND r.kind = 'blob' AND r.repository_id = ?1) +
       (SELECT count(*) FROM trashed_references t
        WHERE t.digest = blobs.digest AND t.kind = 'blob' AND t.repository_id = ?1)
     FROM blobs WHERE id = ?2`,
  ).run(repositoryId, blob.id, change.by, change.at, change.at + leaseMs);
  const { changes } = db
    .query("DELETE FROM trashed_blobs WHERE repository_id = ?1 AND blob_id = ?2")
    .run(repositoryId, blob.id);
  if (changes === 0) db.query("UPDATE blobs SET membership_count = membership_count + 1 WHERE id = ?1").run(blob.id);
  addToRepository(db, repositoryId, { bytes: blob.sizeBytes });
}
