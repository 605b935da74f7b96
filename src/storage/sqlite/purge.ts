import type { Digest } from "../../core/digest.ts";
import type { PrincipalId } from "../../core/principal.ts";
import type { RepositoryName } from "../../core/repository-name.ts";
import type { Database } from "./database.ts";
import { releaseBlob } from "./memberships.ts";
import { findRepositoryId } from "./repositories.ts";
import { dropTrashed, moveToTrash } from "./trash.ts";

// What is written with it is gone with the same change.
const nobody = { by: "" as PrincipalId, at: 0, wentWith: null };

/** See the port. What another repository has, or has in its trash, stays. */
export function purgeRepository(db: Database, name: RepositoryName): readonly string[] {
  db.query("DELETE FROM uploads WHERE repository = ?1").run(name);
  const repositoryId = findRepositoryId(db, name);
  if (repositoryId === undefined) return [];
  for (const manifest of db.query<{ id: number; digest: Digest }, [number]>(manifestsOf).all(repositoryId))
    moveToTrash(db, repositoryId, manifest, nobody);
  for (const { id } of db.query<{ id: number }, [number]>(trashOf).all(repositoryId))
    dropTrashed(db, repositoryId, id, 0);
  const blobs = db.query<{ id: number; fileKey: string | null }, [number]>(blobsOf).all(repositoryId);
  db.query("DELETE FROM repository_blobs WHERE repository_id = ?1").run(repositoryId);
  db.query("DELETE FROM trashed_blobs WHERE repository_id = ?1").run(repositoryId);
  const keys = blobs.flatMap(({ id, fileKey }) => (releaseBlob(db, id).isGone && fileKey !== null ? [fileKey] : []));
  db.query("DELETE FROM tag_history WHERE repository_id = ?1").run(repositoryId);
  db.query("DELETE FROM repositories WHERE id = ?1").run(repositoryId);
  return keys;
}

const manifestsOf = "SELECT id, digest FROM manifests WHERE repository_id = ?1";
const trashOf = "SELECT id FROM trashed_manifests WHERE repository_id = ?1";
const blobsOf = `
  SELECT b.id AS id, b.file_key AS fileKey FROM repository_blobs m JOIN blobs b ON b.id = m.blob_id
  WHERE m.repository_id = ?1
  UNION ALL SELECT b.id, b.file_key FROM trashed_blobs t JOIN blobs b ON b.id = t.blob_id WHERE t.repository_id = ?1`;
