import type { Digest } from "../../core/digest.ts";
import type { StoredImage } from "../../core/metadata-store.ts";
import type { Tag } from "../../core/reference.ts";
import type { Database } from "./database.ts";

interface ImageRow extends Pick<StoredImage, "position" | "repository" | "digest" | "pushedAt"> {
  readonly repositoryId: number;
}

interface MemberRow {
  readonly id: number;
  readonly digest: Digest;
}

export function listImages(db: Database, behind: number, limit: number): readonly StoredImage[] {
  return db
    .query<ImageRow, [number, number]>(
      `SELECT image.id AS position, repositories.name AS repository, repository_id AS repositoryId, digest,
         pushed_at AS pushedAt
       FROM manifests AS image JOIN repositories ON repositories.id = repository_id
       WHERE image.id > ?1 AND subject IS NULL AND NOT EXISTS (
         SELECT 1 FROM manifest_references AS named JOIN manifests AS parent ON parent.id = named.manifest_id
         WHERE named.digest = image.digest AND named.kind = 'manifest' AND parent.repository_id = image.repository_id
       )
       ORDER BY image.id LIMIT ?2`,
    )
    .all(behind, limit)
    .map(({ repositoryId, ...image }) => {
      const members = new Map<number, Digest>([[image.position, image.digest]]);
      // What is added on the way is walked too.
      for (const id of members.keys())
        for (const child of childrenOf(db, id, repositoryId)) members.set(child.id, child.digest);
      return { ...image, tags: tagsOf(db, image.position), members: [...members.values()] };
    });
}

function childrenOf(db: Database, manifestId: number, repositoryId: number): readonly MemberRow[] {
  return db
    .query<MemberRow, [number, number]>(
      `SELECT child.id, child.digest FROM manifest_references AS named
       JOIN manifests AS child ON child.repository_id = ?2 AND child.digest = named.digest
       WHERE named.manifest_id = ?1 AND named.kind = 'manifest'`,
    )
    .all(manifestId, repositoryId);
}

function tagsOf(db: Database, manifestId: number): readonly Tag[] {
  return db
    .query<{ name: Tag }, [number]>("SELECT name FROM tags WHERE manifest_id = ?1 ORDER BY name")
    .all(manifestId)
    .map(({ name }) => name);
}
