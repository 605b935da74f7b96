import type { Digest } from "../../core/digest.ts";
import type { BlobContent } from "../../core/blob-store.ts";
import type { BlobCommit, BlobMount, BlobRecord, ContentDelete } from "../../core/metadata-store.ts";
import type { RepositoryName } from "../../core/repository-name.ts";
import type { StagedBlob } from "../../core/upload-store.ts";
import type { Database } from "./database.ts";
import { addMember, type BlobRow, lease, removeMember } from "./memberships.ts";
import { ensureRepository, findRepositoryId } from "./repositories.ts";
import { removeUpload } from "./uploads.ts";

interface FoundRow {
  readonly sizeBytes: number;
  readonly fileKey: string | null;
  readonly bytes: Uint8Array | null;
  readonly references: number;
  readonly leasedUntil: number;
  readonly verifiedAt: number;
}

export function findBlob(db: Database, repository: RepositoryName, digest: Digest): BlobRecord | undefined {
  const row = db
    .query<FoundRow, [string, string]>(
      `SELECT b.size_bytes AS sizeBytes, b.file_key AS fileKey, c.bytes AS bytes, m.reference_count AS "references",
         m.leased_until AS leasedUntil, b.verified_at AS verifiedAt
       FROM repositories r
       CROSS JOIN blobs b
       JOIN repository_blobs m ON m.repository_id = r.id AND m.blob_id = b.id
       LEFT JOIN blob_contents c ON c.blob_id = b.id
       WHERE r.name = ?1 AND b.digest = ?2 AND b.damaged_at IS NULL`,
    )
    .get(repository, digest);
  if (row === null) return undefined;
  const { sizeBytes, verifiedAt } = row;
  const leasedUntil = row.references > 0 ? undefined : row.leasedUntil;
  return { digest, sizeBytes, content: contentOf(row, digest), leasedUntil, verifiedAt };
}

function contentOf({ fileKey, bytes }: FoundRow, digest: Digest): BlobContent {
  if (fileKey !== null) return { kind: "file", key: fileKey };
  if (bytes === null) throw new Error(`the blob ${digest} has neither a file nor bytes`);
  return { kind: "inline", bytes };
}

export function findBlobHolders(db: Database, digest: Digest, limit: number): readonly RepositoryName[] {
  return db
    .query<{ name: RepositoryName }, [string, number]>(
      `SELECT r.name AS name
       FROM blobs b JOIN repository_blobs m ON m.blob_id = b.id JOIN repositories r ON r.id = m.repository_id
       WHERE b.digest = ?1 ORDER BY r.name LIMIT ?2`,
    )
    .all(digest, limit)
    .map((row) => row.name);
}

/** Undefined unless the blob is a member of this repository, whoever else has it. */
export function findMemberBlob(db: Database, repositoryId: number, digest: Digest): BlobRow | undefined {
  const row = db
    .query<BlobRow, [number, string]>(
      `SELECT b.id AS id, b.size_bytes AS sizeBytes
       FROM blobs b JOIN repository_blobs m ON m.repository_id = ?1 AND m.blob_id = b.id
       WHERE b.digest = ?2`,
    )
    .get(repositoryId, digest);
  return row ?? undefined;
}

/** The same, and undefined for what is in quarantine. */
export function findSoundBlob(db: Database, repositoryId: number, digest: Digest): BlobRow | undefined {
  const row = db
    .query<BlobRow, [number, string]>(
      `SELECT b.id AS id, b.size_bytes AS sizeBytes
       FROM blobs b JOIN repository_blobs m ON m.repository_id = ?1 AND m.blob_id = b.id
       WHERE b.digest = ?2 AND b.damaged_at IS NULL`,
    )
    .get(repositoryId, digest);
  return row ?? undefined;
}

export function commitBlob(db: Database, commit: BlobCommit): { readonly kept: boolean } {
  const known = db
    .query<KnownBlob, [string]>(
      `SELECT id, size_bytes AS sizeBytes, file_key AS fileKey, damaged_at AS damagedAt FROM blobs WHERE digest = ?1`,
    )
    .get(commit.blob.digest);
  const repositoryId = ensureRepository(db, commit.repository, commit.at);
  addMember(db, repositoryId, known ?? insertBlob(db, commit.blob, commit.at), commit);
  const isHealed = known !== null && known.damagedAt !== null;
  if (isHealed) healBlob(db, known, commit.blob, commit.at);
  if (commit.uploadId !== undefined) removeUpload(db, commit.uploadId);
  return { kept: known === null || isHealed };
}

export function mountBlob(db: Database, mount: BlobMount): boolean {
  const fromId = findRepositoryId(db, mount.from);
  const blob = fromId === undefined ? undefined : findSoundBlob(db, fromId, mount.digest);
  if (blob === undefined) return false;
  addMember(db, ensureRepository(db, mount.repository, mount.at), blob, mount);
  return true;
}

export function deleteBlob(db: Database, change: ContentDelete): boolean {
  const repositoryId = findRepositoryId(db, change.repository);
  const blob = repositoryId === undefined ? undefined : findMemberBlob(db, repositoryId, change.digest);
  if (repositoryId === undefined || blob === undefined) return false;
  removeMember(db, repositoryId, blob);
  db.query("INSERT INTO trashed_blobs (repository_id, blob_id, deleted_by, deleted_at) VALUES (?1, ?2, ?3, ?4)").run(
    repositoryId,
    blob.id,
    change.by,
    change.at,
  );
  return true;
}

export function leaseBlob(db: Database, repository: RepositoryName, digest: Digest, until: number): boolean {
  const repositoryId = findRepositoryId(db, repository);
  const blob = repositoryId === undefined ? undefined : findMemberBlob(db, repositoryId, digest);
  return repositoryId !== undefined && blob !== undefined && lease(db, repositoryId, blob.id, until);
}

interface KnownBlob extends BlobRow {
  readonly fileKey: string | null;
  readonly damagedAt: number | null;
}

/** Puts the bytes that were pushed in the place of damaged ones: a file of another generation, or the row's. */
function healBlob(db: Database, known: KnownBlob, { content }: StagedBlob, at: number): void {
  db.query("UPDATE blobs SET file_key = ?2, verified_at = ?3, damaged_at = NULL WHERE id = ?1").run(
    known.id,
    content.kind === "file" ? content.key : null,
    at,
  );
  if (content.kind === "inline")
    db.query("UPDATE blob_contents SET bytes = ?2 WHERE blob_id = ?1").run(known.id, content.bytes);
  if (known.fileKey !== null)
    db.query("INSERT INTO unlinks (file_key, size_bytes) VALUES (?1, ?2)").run(known.fileKey, known.sizeBytes);
}

function insertBlob(db: Database, blob: StagedBlob, at: number): BlobRow {
  const { digest, sizeBytes, content } = blob;
  const { lastInsertRowid } = db
    .query(
      // Manifests may have named it before it came (sparse images).
      `INSERT INTO blobs (digest, size_bytes, file_key, created_at, verified_at, reference_count)
       VALUES (?1, ?2, ?3, ?4, ?4, (SELECT count(*) FROM manifest_references WHERE digest = ?1 AND kind = 'blob'))`,
    )
    .run(digest, sizeBytes, content.kind === "file" ? content.key : null, at);
  const id = Number(lastInsertRowid);
  if (content.kind === "inline") {
    db.query("INSERT INTO blob_contents (blob_id, bytes) VALUES (?1, ?2)").run(id, content.bytes);
  }
  db.query("UPDATE totals SET blobs = blobs + 1, stored_bytes = stored_bytes + ?1").run(sizeBytes);
  return { id, sizeBytes };
}
