import type { Digest } from "../../core/digest.ts";
import { checkNamedContent, checkRepositoryBytes, checkTag } from "../../core/manifest-preconditions.ts";
import type { ContentDelete, ManifestPut, ManifestRecord } from "../../core/metadata-store.ts";
import type { Reference, Tag } from "../../core/reference.ts";
import type { RepositoryName } from "../../core/repository-name.ts";
import { findMemberBlob } from "./blobs.ts";
import type { Database } from "./database.ts";
import { recordDeletion } from "./deletions.ts";
import { addToRepository, ensureRepository, findRepositoryId } from "./repositories.ts";
import { findTag, removeTag, setTag } from "./tags.ts";

interface ManifestRow {
  readonly id: number;
  readonly sizeBytes: number;
  readonly mediaType: string;
}

export function findManifest(
  db: Database,
  repository: RepositoryName,
  reference: Reference,
): ManifestRecord | undefined {
  const record =
    reference.kind === "digest"
      ? db.query<ManifestRecord, [string, string]>(manifestByDigest).get(repository, reference.digest)
      : db.query<ManifestRecord, [string, string]>(manifestByTag).get(repository, reference.tag);
  return record ?? undefined;
}

const manifestByDigest = `
  SELECT m.digest AS digest, m.media_type AS mediaType, c.bytes AS bytes
  FROM repositories r
  JOIN manifests m ON m.repository_id = r.id
  JOIN manifest_contents c ON c.id = m.content_id
  WHERE r.name = ?1 AND m.digest = ?2`;

const manifestByTag = `
  SELECT m.digest AS digest, m.media_type AS mediaType, c.bytes AS bytes
  FROM repositories r
  JOIN tags t ON t.repository_id = r.id
  JOIN manifests m ON m.id = t.manifest_id
  JOIN manifest_contents c ON c.id = m.content_id
  WHERE r.name = ?1 AND t.name = ?2`;

export function putManifest(db: Database, put: ManifestPut): void {
  const repositoryId = ensureRepository(db, put.repository, put.at);
  const known = findRow(db, repositoryId, put.digest);
  checkPreconditions(db, repositoryId, put, known !== undefined);
  const id = known?.id ?? insertManifest(db, repositoryId, put);
  for (const tag of put.tags) setTag(db, repositoryId, tag, { id, digest: put.digest }, put);
}

export function deleteManifest(db: Database, change: ContentDelete): boolean {
  const { repository, digest } = change;
  const repositoryId = findRepositoryId(db, repository);
  const row = repositoryId === undefined ? undefined : findRow(db, repositoryId, digest);
  if (repositoryId === undefined || row === undefined) return false;
  const tags = db
    .query<{ name: Tag }, [number]>("SELECT name FROM tags WHERE manifest_id = ?1 ORDER BY name")
    .all(row.id)
    .map((tag) => tag.name);
  for (const tag of tags) removeTag(db, repositoryId, tag, digest, change);
  removeReferences(db, row.id);
  db.query("DELETE FROM manifests WHERE id = ?1").run(row.id);
  addToRepository(db, repositoryId, { manifests: -1, bytes: -row.sizeBytes });
  recordDeletion(db, repositoryId, { kind: "manifest", digest, mediaType: row.mediaType, tags, change });
  return true;
}

/** Forgets what a manifest names; the blobs' counts go down with it. */
export function removeReferences(db: Database, manifestId: number): void {
  db.query(
    `UPDATE blobs SET reference_count = reference_count - 1
     WHERE digest IN (SELECT digest FROM manifest_references WHERE manifest_id = ?1 AND kind = 'blob')`,
  ).run(manifestId);
  db.query("DELETE FROM manifest_references WHERE manifest_id = ?1").run(manifestId);
}

function findRow(db: Database, repositoryId: number, digest: Digest): ManifestRow | undefined {
  const row = db
    .query<ManifestRow, [number, string]>(
      `SELECT id, size_bytes AS sizeBytes, media_type AS mediaType FROM manifests
       WHERE repository_id = ?1 AND digest = ?2`,
    )
    .get(repositoryId, digest);
  return row ?? undefined;
}

function checkPreconditions(db: Database, repositoryId: number, put: ManifestPut, isKnown: boolean): void {
  const { preconditions } = put;
  for (const tag of put.tags) checkTag(tag, findTag(db, repositoryId, tag), put.digest, preconditions);
  for (const named of put.blobs) {
    const stored = findMemberBlob(db, repositoryId, named.digest)?.sizeBytes;
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
  addReferences(db, id, put);
  addToRepository(db, repositoryId, { manifests: 1, bytes: put.bytes.byteLength });
  return id;
}

/** The row of the bytes; they may be there from another repository, or from a manifest that was deleted. */
function ensureContent(db: Database, put: ManifestPut): number {
  const known = db
    .query<{ id: number }, [string]>("SELECT id FROM manifest_contents WHERE digest = ?1")
    .get(put.digest);
  if (known !== null) return known.id;
  const sizeBytes = put.bytes.byteLength;
  const { lastInsertRowid } = db
    .query("INSERT INTO manifest_contents (digest, size_bytes, bytes) VALUES (?1, ?2, ?3)")
    .run(put.digest, sizeBytes, put.bytes);
  db.query("UPDATE totals SET stored_bytes = stored_bytes + ?1").run(sizeBytes);
  return Number(lastInsertRowid);
}

function addReferences(db: Database, manifestId: number, put: ManifestPut): void {
  const insert = db.query("INSERT INTO manifest_references (manifest_id, kind, digest) VALUES (?1, ?2, ?3)");
  const count = db.query("UPDATE blobs SET reference_count = reference_count + 1 WHERE digest = ?1");
  // A manifest may name the same layer many times over; it is one reference.
  for (const digest of new Set(put.blobs.map((blob) => blob.digest))) {
    insert.run(manifestId, "blob", digest);
    count.run(digest);
  }
  for (const digest of new Set(put.manifests.map((manifest) => manifest.digest))) {
    insert.run(manifestId, "manifest", digest);
  }
}
