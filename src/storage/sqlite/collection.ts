import type {
  CollectionTerms,
  OrphanedManifest,
  StorageUse,
  StoredContent,
  TrashedContent,
  UnneededBlob,
} from "../../core/collection-store.ts";
import type { Digest } from "../../core/digest.ts";
import { leaseMs } from "../../core/lease.ts";
import type { PrincipalId } from "../../core/principal.ts";
import { findMemberBlob } from "./blobs.ts";
import type { Database } from "./database.ts";
import { releaseBlob, removeMember } from "./memberships.ts";
import { neededBy, orphanReferrers } from "./orphans.ts";
import { findRepositoryId } from "./repositories.ts";
import { dropTrashed, moveToTrash } from "./trash.ts";

export function listExpired(db: Database, until: number, limit: number): readonly TrashedContent[] {
  const manifests = db
    .query<TrashedContent, [number, number]>(
      `SELECT 'manifest' AS kind, r.name AS repository, t.digest AS digest, t.size_bytes AS sizeBytes,
         t.deleted_at AS deletedAt
       FROM trashed_manifests t JOIN repositories r ON r.id = t.repository_id
       WHERE t.deleted_at <= ?1 ORDER BY t.deleted_at LIMIT ?2`,
    )
    .all(until, limit);
  const blobs = db
    .query<TrashedContent, [number, number]>(
      `SELECT 'blob' AS kind, r.name AS repository, b.digest AS digest, b.size_bytes AS sizeBytes,
         t.deleted_at AS deletedAt
       FROM trashed_blobs t JOIN repositories r ON r.id = t.repository_id JOIN blobs b ON b.id = t.blob_id
       WHERE t.deleted_at <= ?1 ORDER BY t.deleted_at LIMIT ?2`,
    )
    .all(until, limit);
  return [...manifests, ...blobs].toSorted((one, other) => one.deletedAt - other.deletedAt).slice(0, limit);
}

export function expireTrash(db: Database, terms: CollectionTerms, limit: number): number {
  const manifests = db
    .query<{ id: number; repositoryId: number }, [number, number]>(
      `SELECT id, repository_id AS repositoryId FROM trashed_manifests
       WHERE deleted_at <= ?1 ORDER BY deleted_at LIMIT ?2`,
    )
    .all(terms.trashedUntil, limit);
  for (const { id, repositoryId } of manifests) dropTrashed(db, repositoryId, id, terms.at);
  const blobs = db
    .query<{ repositoryId: number; blobId: number }, [number, number]>(
      `SELECT repository_id AS repositoryId, blob_id AS blobId FROM trashed_blobs
       WHERE deleted_at <= ?1 ORDER BY deleted_at LIMIT ?2`,
    )
    .all(terms.trashedUntil, limit - manifests.length);
  for (const { repositoryId, blobId } of blobs) {
    db.query("DELETE FROM trashed_blobs WHERE repository_id = ?1 AND blob_id = ?2").run(repositoryId, blobId);
    releaseBlob(db, blobId);
  }
  return manifests.length + blobs.length;
}

export function listOrphans(db: Database, until: number, limit: number): readonly OrphanedManifest[] {
  return db
    .query<OrphanedManifest, [number, number]>(
      `SELECT r.name AS repository, m.digest AS digest, m.size_bytes AS sizeBytes, m.orphaned_at AS orphanedAt
       FROM manifests m JOIN repositories r ON r.id = m.repository_id
       WHERE m.orphaned_at <= ?1 ORDER BY m.orphaned_at LIMIT ?2`,
    )
    .all(until, limit);
}

export function removeOrphans(db: Database, manifests: readonly StoredContent[], terms: CollectionTerms): number {
  return manifests.filter((manifest) => removeOrphan(db, manifest, terms)).length;
}

function removeOrphan(db: Database, { repository, digest }: StoredContent, terms: CollectionTerms): boolean {
  const repositoryId = findRepositoryId(db, repository);
  if (repositoryId === undefined) return false;
  const row = db
    .query<{ id: number }, [number, string, number]>(
      "SELECT id FROM manifests WHERE repository_id = ?1 AND digest = ?2 AND orphaned_at <= ?3",
    )
    .get(repositoryId, digest, terms.orphanedUntil);
  if (row === null) return false;
  const needed = neededBy(db, repositoryId, row.id);
  if (needed !== undefined) {
    // What the trash needs is looked at again when that is over.
    const orphanedAt = needed === "live" ? null : terms.at;
    db.query("UPDATE manifests SET orphaned_at = ?2 WHERE id = ?1").run(row.id, orphanedAt);
    return false;
  }
  const move = { by: nobody, at: terms.at, wentWith: null, childrenOrphanedAt: soon(terms) };
  const trashedId = moveToTrash(db, repositoryId, { id: row.id, digest }, move);
  dropTrashed(db, repositoryId, trashedId, terms.at);
  if (terms.keepsReferrers !== true) orphanReferrers(db, repositoryId, digest, soon(terms));
  return true;
}

/** Who stands in a row that is gone with the same change. */
const nobody = "" as PrincipalId;

/** What hung on a manifest goes when a lease on it would be over: somebody may just have been told of it. */
function soon(terms: CollectionTerms): number {
  return Math.min(terms.at, terms.orphanedUntil + leaseMs);
}

export function listUnneeded(db: Database, at: number, limit: number): readonly UnneededBlob[] {
  return db
    .query<UnneededBlob, [number, number]>(
      `SELECT r.name AS repository, b.digest AS digest, b.size_bytes AS sizeBytes, m.leased_until AS leasedUntil
       FROM repository_blobs m JOIN blobs b ON b.id = m.blob_id JOIN repositories r ON r.id = m.repository_id
       WHERE m.reference_count = 0 AND m.leased_until <= ?1 ORDER BY m.leased_until LIMIT ?2`,
    )
    .all(at, limit);
}

export function claimBlobs(
  db: Database,
  blobs: readonly StoredContent[],
  at: number,
): { readonly blobs: number; readonly bytes: number } {
  const claimed = blobs.map((blob) => claimBlob(db, blob, at)).filter((bytes) => bytes !== undefined);
  return { blobs: claimed.length, bytes: claimed.reduce((sum, bytes) => sum + bytes, 0) };
}

/** The bytes that its end frees; undefined where it is needed after all. */
function claimBlob(db: Database, { repository, digest }: StoredContent, at: number): number | undefined {
  const repositoryId = findRepositoryId(db, repository);
  const blob = repositoryId === undefined ? undefined : findMemberBlob(db, repositoryId, digest);
  if (repositoryId === undefined || blob === undefined) return undefined;
  const isUnneeded = db
    .query<{ id: number }, [number, number, number]>(
      `SELECT blob_id AS id FROM repository_blobs
       WHERE repository_id = ?1 AND blob_id = ?2 AND reference_count = 0 AND leased_until <= ?3`,
    )
    .get(repositoryId, blob.id, at);
  if (isUnneeded === null) return undefined;
  // The count says what to look at; what is taken away is decided by the references themselves.
  const references = countReferences(db, repositoryId, digest);
  if (references > 0) {
    db.query("UPDATE repository_blobs SET reference_count = ?3 WHERE repository_id = ?1 AND blob_id = ?2").run(
      repositoryId,
      blob.id,
      references,
    );
    return undefined;
  }
  removeMember(db, repositoryId, blob);
  return releaseBlob(db, blob.id).bytes;
}

function countReferences(db: Database, repositoryId: number, digest: Digest): number {
  const row = db
    .query<{ count: number }, [number, string]>(
      `SELECT
         (SELECT count(*) FROM manifest_references r
          WHERE r.digest = ?2 AND r.kind = 'blob' AND r.repository_id = ?1)
         + (SELECT count(*) FROM trashed_references t
          WHERE t.digest = ?2 AND t.kind = 'blob' AND t.repository_id = ?1) AS count`,
    )
    .get(repositoryId, digest);
  return row?.count ?? 1;
}

export function listUnlinks(db: Database, limit: number): readonly string[] {
  return db
    .query<{ fileKey: string }, [number]>("SELECT file_key AS fileKey FROM unlinks ORDER BY file_key LIMIT ?1")
    .all(limit)
    .map(({ fileKey }) => fileKey);
}

export function removeUnlinks(db: Database, keys: readonly string[]): void {
  const remove = db.query("DELETE FROM unlinks WHERE file_key = ?1");
  for (const key of keys) remove.run(key);
}

export function removeEmptyRepositories(db: Database, until: number, limit: number): number {
  const empty = db
    .query<{ id: number }, [number, number]>(
      `SELECT r.id AS id FROM repositories r
       WHERE r.manifest_count = 0 AND r.content_bytes = 0 AND r.created_at <= ?1
         AND NOT EXISTS (SELECT 1 FROM repository_blobs m WHERE m.repository_id = r.id)
         AND NOT EXISTS (SELECT 1 FROM trashed_manifests t WHERE t.repository_id = r.id)
         AND NOT EXISTS (SELECT 1 FROM trashed_blobs t WHERE t.repository_id = r.id)
         AND coalesce((SELECT h.changed_at FROM tag_history h WHERE h.repository_id = r.id ORDER BY h.id DESC LIMIT 1),
           0) <= ?1
       LIMIT ?2`,
    )
    .all(until, limit);
  for (const { id } of empty) {
    db.query("DELETE FROM tag_history WHERE repository_id = ?1").run(id);
    db.query("DELETE FROM repositories WHERE id = ?1").run(id);
  }
  return empty.length;
}

type UseRow = Omit<StorageUse, "liveBytes"> & { readonly storedBytes: number };

/** Reads what is not live alone: what is stored besides is. */
export function storageUse(db: Database, at: number): StorageUse {
  const row = db.query<UseRow, [number]>(storageUseOf).get(at);
  if (row === null) throw new Error("the database's table totals is empty");
  const { storedBytes, ...use } = row;
  return { ...use, liveBytes: storedBytes - use.trashBytes - use.leasedBytes - use.unneededBytes };
}

const storageUseOf = `
  WITH unnamed AS (
    SELECT b.size_bytes AS bytes,
      EXISTS (SELECT 1 FROM trashed_references t WHERE t.digest = b.digest AND t.kind = 'blob')
      OR EXISTS (SELECT 1 FROM trashed_blobs t WHERE t.blob_id = b.id) AS is_trashed,
      EXISTS (SELECT 1 FROM repository_blobs m WHERE m.blob_id = b.id AND m.leased_until > ?1) AS is_leased
    FROM blobs b WHERE b.reference_count = 0
  ), documents AS (
    SELECT DISTINCT t.content_id, t.size_bytes AS bytes FROM trashed_manifests t
    WHERE NOT EXISTS (SELECT 1 FROM manifests m WHERE m.content_id = t.content_id)
  )
  SELECT
    (SELECT stored_bytes FROM totals) AS storedBytes,
    (SELECT coalesce(sum(bytes), 0) FROM unnamed WHERE is_trashed)
      + (SELECT coalesce(sum(bytes), 0) FROM documents) AS trashBytes,
    (SELECT coalesce(sum(bytes), 0) FROM unnamed WHERE NOT is_trashed AND is_leased) AS leasedBytes,
    (SELECT coalesce(sum(bytes), 0) FROM unnamed WHERE NOT is_trashed AND NOT is_leased) AS unneededBytes,
    (SELECT coalesce(sum(size_bytes), 0) FROM unlinks) AS unlinkBytes,
    (SELECT count(*) FROM trashed_manifests) AS trashedManifests,
    (SELECT count(*) FROM manifests WHERE orphaned_at IS NOT NULL) AS orphanedManifests,
    (SELECT count(*) FROM unlinks) AS unlinks`;
