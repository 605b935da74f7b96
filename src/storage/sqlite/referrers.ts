import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import type { RepositoryName } from "../../core/repository-name.ts";
import type { Database } from "./database.ts";
import { findRepositoryId, toPage } from "./repositories.ts";

interface ReferrerRow {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly artifactType: string | null;
  readonly annotations: string | null;
}

export function listReferrers(
  db: Database,
  repository: RepositoryName,
  subject: Digest,
  artifactType: string | undefined,
  page: PageRequest,
): Page<Descriptor> {
  const repositoryId = findRepositoryId(db, repository);
  if (repositoryId === undefined) return { entries: [], more: false };
  const last = page.last ?? "";
  const limit = page.limit + 1;
  const rows =
    artifactType === undefined
      ? db.query<ReferrerRow, [number, string, string, number]>(allReferrers).all(repositoryId, subject, last, limit)
      : db
          .query<ReferrerRow, [number, string, string, number, string]>(referrersOfType)
          .all(repositoryId, subject, last, limit, artifactType);
  return toPage(rows.map(toDescriptor), page);
}

const allReferrers = `
  SELECT digest, media_type AS mediaType, size_bytes AS sizeBytes, artifact_type AS artifactType, annotations
  FROM manifests
  WHERE repository_id = ?1 AND subject = ?2 AND digest > ?3
  ORDER BY digest LIMIT ?4`;

const referrersOfType = `
  SELECT digest, media_type AS mediaType, size_bytes AS sizeBytes, artifact_type AS artifactType, annotations
  FROM manifests
  WHERE repository_id = ?1 AND subject = ?2 AND digest > ?3 AND artifact_type = ?5
  ORDER BY digest LIMIT ?4`;

function toDescriptor(row: ReferrerRow): Descriptor {
  return {
    mediaType: row.mediaType,
    digest: row.digest,
    sizeBytes: row.sizeBytes,
    ...(row.artifactType === null ? {} : { artifactType: row.artifactType }),
    ...(row.annotations === null ? {} : { annotations: JSON.parse(row.annotations) as Record<string, string> }),
  };
}
