import type { Digest } from "../../core/digest.ts";
import type { Change } from "../../core/metadata-store.ts";
import type { Tag } from "../../core/reference.ts";
import type { Database } from "./database.ts";

/** Something that goes, with what its return would need. */
export interface Deletion {
  readonly kind: "blob" | "manifest" | "tag";
  readonly digest: Digest;
  readonly mediaType?: string;
  /** The tag, or all tags that point at the manifest. */
  readonly tags?: readonly Tag[];
  readonly change: Change;
}

/** Notes who deleted what, and when. */
export function recordDeletion(db: Database, repositoryId: number, deletion: Deletion): void {
  const { kind, digest, mediaType, tags, change } = deletion;
  db.query(
    `INSERT INTO deletions (repository_id, kind, digest, media_type, tags, deleted_by, deleted_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`,
  ).run(repositoryId, kind, digest, mediaType ?? null, JSON.stringify(tags ?? []), change.by, change.at);
}
