import type { Digest } from "../../core/digest.ts";
import type { Database } from "./database.ts";

/** Says that something names a manifest now; none is there is no error. */
export function adopt(db: Database, repositoryId: number, digest: Digest): void {
  db.query(
    "UPDATE manifests SET orphaned_at = NULL WHERE repository_id = ?1 AND digest = ?2 AND orphaned_at IS NOT NULL",
  ).run(repositoryId, digest);
}

/** Notes that a manifest has lost what named it, unless something else does. */
export function orphan(db: Database, repositoryId: number, digest: Digest, at: number): void {
  db.query(
    `UPDATE manifests SET orphaned_at = ?3
     WHERE repository_id = ?1 AND digest = ?2 AND orphaned_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM tags t WHERE t.manifest_id = manifests.id)
       AND NOT EXISTS (SELECT 1 FROM manifest_references r
         WHERE r.digest = ?2 AND r.kind = 'manifest' AND r.repository_id = ?1)
       AND NOT EXISTS (SELECT 1 FROM manifests s WHERE s.repository_id = ?1 AND s.digest = manifests.subject)`,
  ).run(repositoryId, digest, at);
}

/** The same for those that are about a manifest which is gone. */
export function orphanReferrers(db: Database, repositoryId: number, subject: Digest, at: number): void {
  db.query(
    `UPDATE manifests SET orphaned_at = ?3
     WHERE repository_id = ?1 AND subject = ?2 AND orphaned_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM manifests s WHERE s.repository_id = ?1 AND s.digest = ?2)
       AND NOT EXISTS (SELECT 1 FROM tags t WHERE t.manifest_id = manifests.id)
       AND NOT EXISTS (SELECT 1 FROM manifest_references r
         WHERE r.digest = manifests.digest AND r.kind = 'manifest' AND r.repository_id = ?1)`,
  ).run(repositoryId, subject, at);
}

/** What needs an orphan all the same: it was named again, or something in the trash would need it on its return. */
export function neededBy(db: Database, repositoryId: number, manifestId: number): "live" | "trash" | undefined {
  const row = db
    .query<{ isLive: number; isTrashed: number }, [number, number]>(
      `SELECT
         EXISTS (SELECT 1 FROM tags t WHERE t.manifest_id = m.id)
         OR EXISTS (SELECT 1 FROM manifest_references r
           WHERE r.digest = m.digest AND r.kind = 'manifest' AND r.repository_id = ?1)
         OR EXISTS (SELECT 1 FROM manifests s WHERE s.repository_id = ?1 AND s.digest = m.subject) AS isLive,
         EXISTS (SELECT 1 FROM trashed_references r
           WHERE r.digest = m.digest AND r.kind = 'manifest' AND r.repository_id = ?1) AS isTrashed
       FROM manifests m WHERE m.id = ?2`,
    )
    .get(repositoryId, manifestId);
  if (row?.isLive === 1) return "live";
  return row?.isTrashed === 1 ? "trash" : undefined;
}
