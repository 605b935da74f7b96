import type { Digest } from "../../core/digest.ts";
import type { Database } from "./database.ts";

interface ImageRow {
  readonly repository: string;
  readonly digest: string;
  readonly tag: string | null;
}

/** At most `limit` of the images that need a blob or are a manifest: `team/app:1`, or with a digest where no tag leads there. */
export function imagesWith(db: Database, digest: Digest, limit: number): readonly string[] {
  return [itself, naming]
    .flatMap((query) => db.query<ImageRow, [string, number]>(query).all(digest, limit))
    .slice(0, limit)
    .map(({ repository, digest: manifest, tag }) =>
      tag === null ? `${repository}@${manifest}` : `${repository}:${tag}`,
    );
}

const itself = `
  SELECT r.name AS repository, m.digest AS digest, t.name AS tag
  FROM manifests m JOIN repositories r ON r.id = m.repository_id LEFT JOIN tags t ON t.manifest_id = m.id
  WHERE m.content_id = (SELECT id FROM manifest_contents WHERE digest = ?1) LIMIT ?2`;

const naming = `
  SELECT r.name AS repository, m.digest AS digest, t.name AS tag
  FROM manifest_references n JOIN manifests m ON m.id = n.manifest_id
  JOIN repositories r ON r.id = m.repository_id LEFT JOIN tags t ON t.manifest_id = m.id
  WHERE n.digest = ?1 LIMIT ?2`;
