import type { Digest } from "../../core/digest.ts";
import { leaseMs } from "../../core/lease.ts";
import type { Change, ManifestDelete } from "../../core/metadata-store.ts";
import type { Tag } from "../../core/reference.ts";
import type { Database } from "./database.ts";
import { orphan, orphanReferrers } from "./orphans.ts";
import { addToRepository } from "./repositories.ts";
import { removeTag } from "./tags.ts";

/** So many referrers go with a manifest at once; the others are orphaned, and go later. */
const mostFollowers = 1000;

interface ManifestRow {
  readonly id: number;
  readonly digest: Digest;
}

/** Moves a manifest, its tags and, unless they are kept, those that are about it and nothing else into the trash. */
export function trashManifest(db: Database, repositoryId: number, manifestId: number, change: ManifestDelete): void {
  const head = moveToTrash(db, repositoryId, { id: manifestId, digest: change.digest }, { ...change, wentWith: null });
  if (change.keepsReferrers === true) return;
  const gone: Digest[] = [change.digest];
  let room = mostFollowers;
  // What is added on the way is walked too: a referrer may have referrers.
  for (const subject of gone) {
    const followers = followersOf(db, repositoryId, subject, room);
    for (const follower of followers) {
      moveToTrash(db, repositoryId, follower, { ...change, wentWith: head });
      gone.push(follower.digest);
    }
    room -= followers.length;
    if (room <= 0) orphanReferrers(db, repositoryId, subject, change.at);
  }
}

/** Those about `subject` that nothing else names. */
function followersOf(db: Database, repositoryId: number, subject: Digest, limit: number): readonly ManifestRow[] {
  return db
    .query<ManifestRow, [number, string, number]>(
      `SELECT id, digest FROM manifests
       WHERE repository_id = ?1 AND subject = ?2
         AND NOT EXISTS (SELECT 1 FROM tags t WHERE t.manifest_id = manifests.id)
         AND NOT EXISTS (SELECT 1 FROM manifest_references r
           WHERE r.digest = manifests.digest AND r.kind = 'manifest' AND r.repository_id = ?1)
       LIMIT ?3`,
    )
    .all(repositoryId, subject, limit);
}

interface Move extends Change {
  readonly wentWith: number | null;
  /** When its children are orphaned, unless that is now. */
  readonly childrenOrphanedAt?: number;
}

/** Moves one manifest and what it names; its blobs are needed by the trash now. Answers the id that it has there. */
export function moveToTrash(db: Database, repositoryId: number, { id, digest }: ManifestRow, move: Move): number {
  const tags = tagsOf(db, id);
  for (const tag of tags) removeTag(db, repositoryId, tag, digest, move);
  const trashedId = insertTrashed(db, id, tags, move);
  const children = childrenOf(db, id);
  moveReferences(db, id, trashedId);
  const gone = db
    .query<{ sizeBytes: number }, [number]>("DELETE FROM manifests WHERE id = ?1 RETURNING size_bytes AS sizeBytes")
    .get(id);
  addToRepository(db, repositoryId, { manifests: -1, bytes: -(gone?.sizeBytes ?? 0) });
  for (const child of children) orphan(db, repositoryId, child, move.childrenOrphanedAt ?? move.at);
  return trashedId;
}

function tagsOf(db: Database, manifestId: number): readonly Tag[] {
  return db
    .query<{ name: Tag }, [number]>("SELECT name FROM tags WHERE manifest_id = ?1 ORDER BY name")
    .all(manifestId)
    .map((tag) => tag.name);
}

function insertTrashed(db: Database, manifestId: number, tags: readonly Tag[], move: Move): number {
  const { lastInsertRowid } = db
    .query(
      `INSERT INTO trashed_manifests (repository_id, digest, content_id, size_bytes, media_type, subject, artifact_type,
         annotations, pushed_by, pushed_at, tags, went_with, deleted_by, deleted_at)
       SELECT repository_id, digest, content_id, size_bytes, media_type, subject, artifact_type, annotations, pushed_by,
         pushed_at, ?2, ?3, ?4, ?5
       FROM manifests WHERE id = ?1`,
    )
    .run(manifestId, JSON.stringify(tags), move.wentWith, move.by, move.at);
  return Number(lastInsertRowid);
}

function childrenOf(db: Database, manifestId: number): readonly Digest[] {
  return db
    .query<{ digest: Digest }, [number]>(
      "SELECT digest FROM manifest_references WHERE manifest_id = ?1 AND kind = 'manifest'",
    )
    .all(manifestId)
    .map(({ digest }) => digest);
}

function moveReferences(db: Database, manifestId: number, trashedId: number): void {
  db.query(
    `INSERT INTO trashed_references (trashed_id, kind, digest, repository_id)
     SELECT ?2, kind, digest, repository_id FROM manifest_references WHERE manifest_id = ?1`,
  ).run(manifestId, trashedId);
  db.query(
    `UPDATE blobs SET reference_count = reference_count - 1
     WHERE digest IN (SELECT digest FROM manifest_references WHERE manifest_id = ?1 AND kind = 'blob')`,
  ).run(manifestId);
  db.query("DELETE FROM manifest_references WHERE manifest_id = ?1").run(manifestId);
}

/** Takes a manifest out of the trash for good; what it alone named is leased from now on, for somebody may know of it. */
export function dropTrashed(db: Database, repositoryId: number, trashedId: number, at: number): void {
  db.query(
    `UPDATE repository_blobs SET reference_count = reference_count - 1,
       leased_until = CASE reference_count WHEN 1 THEN max(leased_until, ?3) ELSE leased_until END
     WHERE repository_id = ?1 AND blob_id IN (
       SELECT b.id FROM trashed_references t JOIN blobs b ON b.digest = t.digest
       WHERE t.trashed_id = ?2 AND t.kind = 'blob')`,
  ).run(repositoryId, trashedId, at + leaseMs);
  db.query("DELETE FROM trashed_references WHERE trashed_id = ?1").run(trashedId);
  const gone = db
    .query<{ contentId: number }, [number]>(
      "DELETE FROM trashed_manifests WHERE id = ?1 RETURNING content_id AS contentId",
    )
    .get(trashedId);
  if (gone !== null) removeContent(db, gone.contentId);
}

/** Removes the bytes of a document that no repository has any more, nor its trash. */
function removeContent(db: Database, contentId: number): void {
  const removed = db
    .query<{ sizeBytes: number }, [number]>(
      `DELETE FROM manifest_contents
       WHERE id = ?1
         AND NOT EXISTS (SELECT 1 FROM manifests m WHERE m.content_id = ?1)
         AND NOT EXISTS (SELECT 1 FROM trashed_manifests t WHERE t.content_id = ?1)
       RETURNING size_bytes AS sizeBytes`,
    )
    .get(contentId);
  if (removed !== null) {
    db.query("UPDATE totals SET stored_bytes = stored_bytes - ?1").run(removed.sizeBytes);
  }
}
