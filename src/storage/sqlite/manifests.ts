import type { Digest } from "../../core/digest.ts";
import { checkNamedContent, checkRepositoryBytes, checkTag } from "../../core/manifest-preconditions.ts";
import type { ManifestDelete, ManifestPut, ManifestRecord, NamedContent } from "../../core/metadata-store.ts";
import type { Reference } from "../../core/reference.ts";
import type { RepositoryName } from "../../core/repository-name.ts";
import { findSoundBlob } from "./blobs.ts";
import type { Database } from "./database.ts";
import { adopt } from "./orphans.ts";
import { addToRepository, ensureRepository, findRepositoryId } from "./repositories.ts";
import { findTag, setTag } from "./tags.ts";
import { trashManifest } from "./trash.ts";

interface ManifestRow {
  readonly id: number;
  readonly sizeBytes: number;
}

type FoundRow = Omit<ManifestRecord, "orphanedAt"> & { readonly orphanedAt: number | null };

export function findManifest(
  db: Database,
  repository: RepositoryName,
  reference: Reference,
): ManifestRecord | undefined {
  const row =
    reference.kind === "digest"
      ? db.query<FoundRow, [string, string]>(manifestByDigest).get(repository, reference.digest)
      : db.query<FoundRow, [string, string]>(manifestByTag).get(repository, reference.tag);
  return row === null ? undefined : { ...row, orphanedAt: row.orphanedAt ?? undefined };
}

const manifestByDigest = `
  SELECT m.digest AS digest, m.media_type AS mediaType, c.bytes AS bytes, m.orphaned_at AS orphanedAt
  FROM repositories r
  JOIN manifests m ON m.repository_id = r.id
  JOIN manifest_contents c ON c.id = m.content_id
  WHERE r.name = ?1 AND m.digest = ?2 AND c.damaged_at IS NULL`;

const manifestByTag = `
  SELECT m.digest AS digest, m.media_type AS mediaType, c.bytes AS bytes, m.orphaned_at AS orphanedAt
  FROM repositories r
  JOIN tags t ON t.repository_id = r.id
  JOIN manifests m ON m.id = t.manifest_id
  JOIN manifest_contents c ON c.id = m.content_id
  WHERE r.name = ?1 AND t.name = ?2 AND c.damaged_at IS NULL`;

export function putManifest(db: Database, put: ManifestPut): void {
  const repositoryId = ensureRepository(db, put.repository, put.at);
  const known = findRow(db, repositoryId, put.digest);
  checkPreconditions(db, repositoryId, put, known !== undefined);
  const id = known?.id ?? insertManifest(db, repositoryId, put);
  healContent(db, put);
  // Who pushes it again wants it, with a tag or without.
  if (known !== undefined) adopt(db, repositoryId, put.digest);
  for (const tag of put.tags) setTag(db, repositoryId, tag, { id, digest: put.digest }, put);
}

export function deleteManifest(db: Database, change: ManifestDelete): boolean {
  const repositoryId = findRepositoryId(db, change.repository);
  const row = repositoryId === undefined ? undefined : findRow(db, repositoryId, change.digest);
  if (repositoryId === undefined || row === undefined) return false;
  trashManifest(db, repositoryId, row.id, change);
  return true;
}

/** Says that an orphaned manifest was needed at `at`; false when the repository does not have it. */
export function touchManifest(db: Database, repository: RepositoryName, digest: Digest, at: number): boolean {
  const repositoryId = findRepositoryId(db, repository);
  const row = repositoryId === undefined ? undefined : findRow(db, repositoryId, digest);
  if (row === undefined) return false;
  db.query("UPDATE manifests SET orphaned_at = max(orphaned_at, ?2) WHERE id = ?1 AND orphaned_at IS NOT NULL").run(
    row.id,
    at,
  );
  return true;
}

function findRow(db: Database, repositoryId: number, digest: Digest): ManifestRow | undefined {
  const row = db
    .query<ManifestRow, [number, string]>(
      "SELECT id, size_bytes AS sizeBytes FROM manifests WHERE repository_id = ?1 AND digest = ?2",
    )
    .get(repositoryId, digest);
  return row ?? undefined;
}

function checkPreconditions(db: Database, repositoryId: number, put: ManifestPut, isKnown: boolean): void {
  const { preconditions } = put;
  for (const tag of put.tags) checkTag(tag, findTag(db, repositoryId, tag), put.digest, preconditions);
  for (const named of put.blobs) {
    const stored = findSoundBlob(db, repositoryId, named.digest)?.sizeBytes;
    checkNamedContent(named, stored, preconditions.blobsMustExist);
  }
  for (const named of put.manifests) {
    const stored = findRow(db, repositoryId, named.digest)?.sizeBytes;
    checkNamedContent(named, stored, preconditions.manifestsMustExist);
  }
  if (isKnown || preconditions.maxRepositoryBytes === undefined) return;
  const present = db
    .query<{ bytes: number }, [number]>("SELECT content_bytes AS bytes FROM repositories WHERE id = ?1")
    .get(repositoryId);
  checkRepositoryBytes((present?.bytes ?? 0) + put.bytes.byteLength, preconditions);
}

function insertManifest(db: Database, repositoryId: number, put: ManifestPut): number {
  const annotations = put.referrer?.annotations;
  const { lastInsertRowid } = db
    .query(
      `INSERT INTO manifests (repository_id, digest, content_id, size_bytes, media_type, subject, artifact_type,
         annotations, pushed_by, pushed_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)`,
    )
    .run(
      repositoryId,
      put.digest,
      ensureContent(db, put),
      put.bytes.byteLength,
      put.mediaType,
      put.subject ?? null,
      put.referrer?.artifactType ?? null,
      annotations === undefined ? null : JSON.stringify(annotations),
      put.by,
      put.at,
    );
  const id = Number(lastInsertRowid);
  addReferences(db, id, repositoryId, put);
  addToRepository(db, repositoryId, { manifests: 1, bytes: put.bytes.byteLength });
  return id;
}

/** Puts the bytes that were pushed in the place of damaged ones. */
function healContent(db: Database, { digest, bytes, at }: ManifestPut): void {
  db.query(
    `UPDATE manifest_contents SET bytes = ?2, verified_at = ?3, damaged_at = NULL
     WHERE digest = ?1 AND damaged_at IS NOT NULL`,
  ).run(digest, bytes, at);
}

/** The row of the bytes; they may be there from another repository, or from the trash. */
function ensureContent(db: Database, put: ManifestPut): number {
  const known = db
    .query<{ id: number }, [string]>("SELECT id FROM manifest_contents WHERE digest = ?1")
    .get(put.digest);
  if (known !== null) return known.id;
  const sizeBytes = put.bytes.byteLength;
  const { lastInsertRowid } = db
    .query("INSERT INTO manifest_contents (digest, size_bytes, bytes, verified_at) VALUES (?1, ?2, ?3, ?4)")
    .run(put.digest, sizeBytes, put.bytes, put.at);
  db.query("UPDATE totals SET stored_bytes = stored_bytes + ?1").run(sizeBytes);
  return Number(lastInsertRowid);
}

function addReferences(db: Database, manifestId: number, repositoryId: number, put: ManifestPut): void {
  const insert = db.query(
    "INSERT INTO manifest_references (manifest_id, kind, digest, repository_id) VALUES (?1, ?2, ?3, ?4)",
  );
  // A manifest may name the same layer many times over; it is one reference.
  for (const { digest } of eachOnce(put.blobs)) {
    insert.run(manifestId, "blob", digest, repositoryId);
    countReference(db, repositoryId, digest);
  }
  for (const { digest } of eachOnce(put.manifests)) {
    insert.run(manifestId, "manifest", digest, repositoryId);
    adopt(db, repositoryId, digest);
  }
}

function countReference(db: Database, repositoryId: number, digest: Digest): void {
  const blob = db
    .query<{ id: number }, [string]>(
      "UPDATE blobs SET reference_count = reference_count + 1 WHERE digest = ?1 RETURNING id",
    )
    .get(digest);
  if (blob === null) return;
  db.query(
    "UPDATE repository_blobs SET reference_count = reference_count + 1 WHERE repository_id = ?1 AND blob_id = ?2",
  ).run(repositoryId, blob.id);
}

function eachOnce(named: readonly NamedContent[]): readonly NamedContent[] {
  return [...new Map(named.map((each) => [each.digest, each])).values()];
}
