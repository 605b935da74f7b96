import type { RepositoryName } from "../../core/repository-name.ts";
import type { Database } from "./database.ts";
import { removeReferences } from "./manifests.ts";
import { findRepositoryId } from "./repositories.ts";

/** See the port. Blobs and manifests that another repository has, or had and may want back, stay. */
export function purgeRepository(db: Database, name: RepositoryName): readonly string[] {
  db.query("DELETE FROM uploads WHERE repository = ?1").run(name);
  const repositoryId = findRepositoryId(db, name);
  if (repositoryId === undefined) return [];
  const blobs = digestsOf(db, blobsOfRepository, repositoryId);
  const manifests = digestsOf(db, manifestsOfRepository, repositoryId);
  removeRows(db, repositoryId);
  for (const digest of manifests) removeContent(db, digest);
  return blobs.flatMap((digest) => removeBlob(db, digest));
}

// Those that it has, and those that it had.
const blobsOfRepository = `
  SELECT b.digest AS digest FROM repository_blobs m JOIN blobs b ON b.id = m.blob_id WHERE m.repository_id = ?1
  UNION SELECT digest FROM deletions WHERE repository_id = ?1 AND kind = 'blob'`;

const manifestsOfRepository = `
  SELECT digest FROM manifests WHERE repository_id = ?1
  UNION SELECT digest FROM deletions WHERE repository_id = ?1 AND kind = 'manifest'`;

function digestsOf(db: Database, sql: string, repositoryId: number): readonly string[] {
  return db
    .query<{ digest: string }, [number]>(sql)
    .all(repositoryId)
    .map((row) => row.digest);
}

function removeRows(db: Database, repositoryId: number): void {
  db.query("DELETE FROM tags WHERE repository_id = ?1").run(repositoryId);
  for (const { id } of db
    .query<{ id: number }, [number]>("SELECT id FROM manifests WHERE repository_id = ?1")
    .all(repositoryId)) {
    removeReferences(db, id);
  }
  db.query("DELETE FROM manifests WHERE repository_id = ?1").run(repositoryId);
  db.query("DELETE FROM repository_blobs WHERE repository_id = ?1").run(repositoryId);
  db.query("DELETE FROM tag_history WHERE repository_id = ?1").run(repositoryId);
  db.query("DELETE FROM deletions WHERE repository_id = ?1").run(repositoryId);
  db.query("DELETE FROM repositories WHERE id = ?1").run(repositoryId);
}

function removeContent(db: Database, digest: string): void {
  const removed = db
    .query<{ sizeBytes: number }, [string]>(
      `DELETE FROM manifest_contents
       WHERE digest = ?1
         AND NOT EXISTS (SELECT 1 FROM manifests m WHERE m.content_id = manifest_contents.id)
         AND NOT EXISTS (SELECT 1 FROM deletions d WHERE d.digest = ?1 AND d.kind = 'manifest')
       RETURNING size_bytes AS sizeBytes`,
    )
    .get(digest);
  if (removed !== null) {
    db.query("UPDATE totals SET stored_bytes = stored_bytes - ?1").run(removed.sizeBytes);
  }
}

/** Removes the row and the bytes of a blob that nobody needs, and answers the key of its file. */
function removeBlob(db: Database, digest: string): readonly string[] {
  const blob = db
    .query<{ id: number; sizeBytes: number; fileKey: string | null }, [string]>(
      `SELECT id, size_bytes AS sizeBytes, file_key AS fileKey FROM blobs
       WHERE digest = ?1
         AND NOT EXISTS (SELECT 1 FROM repository_blobs m WHERE m.blob_id = blobs.id)
         AND NOT EXISTS (SELECT 1 FROM deletions d WHERE d.digest = ?1 AND d.kind = 'blob')`,
    )
    .get(digest);
  if (blob === null) return [];
  db.query("DELETE FROM blob_contents WHERE blob_id = ?1").run(blob.id);
  db.query("DELETE FROM blobs WHERE id = ?1").run(blob.id);
  db.query("UPDATE totals SET blobs = blobs - 1, stored_bytes = stored_bytes - ?1").run(blob.sizeBytes);
  return blob.fileKey === null ? [] : [blob.fileKey];
}
