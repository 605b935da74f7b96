import { algorithmOf, type Digest, digestOf } from "../../core/digest.ts";
import type { Reference } from "../../core/reference.ts";
import type { RepositoryName } from "../../core/repository-name.ts";
import type {
  ImageContent,
  QuarantinedBytes,
  StoredBytes,
  StoredPosition,
  VerificationFacts,
} from "../../core/verification-store.ts";
import type { Database } from "./database.ts";
import { imagesWith } from "./images-with.ts";
import { findRepositoryId } from "./repositories.ts";

interface Row {
  readonly id: number;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly fileKey: string | null;
}

const imagesShown = 5;

export function listDue(db: Database, before: number, limit: number): readonly StoredBytes[] {
  const manifests = db
    .query<Row, [number, number]>(
      `SELECT id, digest, size_bytes AS sizeBytes, NULL AS fileKey FROM manifest_contents
       WHERE verified_at < ?1 ORDER BY verified_at LIMIT ?2`,
    )
    .all(before, limit)
    .map((row) => storedOf("manifest", row));
  const blobs = db
    .query<Row, [number, number]>(
      `SELECT id, digest, size_bytes AS sizeBytes, file_key AS fileKey FROM blobs
       WHERE verified_at < ?1 ORDER BY verified_at LIMIT ?2`,
    )
    .all(before, limit - manifests.length)
    .map((row) => storedOf("blob", row));
  return [...manifests, ...blobs];
}

export function listStored(
  db: Database,
  behind: StoredPosition | undefined,
  limit: number,
): { readonly stored: readonly StoredBytes[]; readonly next: StoredPosition | undefined } {
  const { kind, id } = behind ?? { kind: "manifest", id: -1 };
  const rows = db.query<Row, [number, number]>(kind === "manifest" ? manifestsBehind : blobsBehind).all(id, limit);
  const last = rows.at(-1);
  const stored = rows.map((row) => storedOf(kind, row));
  if (last !== undefined) return { stored, next: { kind, id: last.id } };
  return { stored, next: kind === "manifest" ? { kind: "blob", id: -1 } : undefined };
}

const manifestsBehind = `
  SELECT id, digest, size_bytes AS sizeBytes, NULL AS fileKey FROM manifest_contents
  WHERE id > ?1 ORDER BY id LIMIT ?2`;

const blobsBehind = `
  SELECT id, digest, size_bytes AS sizeBytes, file_key AS fileKey FROM blobs
  WHERE id > ?1 ORDER BY id LIMIT ?2`;

export function listImage(db: Database, repository: RepositoryName, reference: Reference): ImageContent | undefined {
  const repositoryId = findRepositoryId(db, repository);
  if (repositoryId === undefined) return undefined;
  const root = reference.kind === "digest" ? reference.digest : tagged(db, repositoryId, reference.tag);
  if (root === undefined) return undefined;
  const stored: StoredBytes[] = [];
  const missing: Digest[] = [];
  const seen = new Set<string>();
  const manifests = [root];
  // What is added on the way is walked too.
  for (const digest of manifests) {
    if (seen.has(digest)) continue;
    seen.add(digest);
    const row = db
      .query<Row & { manifestId: number }, [number, string]>(manifestOfRepository)
      .get(repositoryId, digest);
    if (row === null) {
      missing.push(digest);
      continue;
    }
    stored.push(storedOf("manifest", row));
    for (const named of db.query<{ kind: string; digest: Digest }, [number]>(namedBy).all(row.manifestId)) {
      if (named.kind === "manifest") manifests.push(named.digest);
      else if (!seen.has(named.digest)) {
        seen.add(named.digest);
        const blob = db.query<Row, [number, string]>(blobOfRepository).get(repositoryId, named.digest);
        if (blob === null) missing.push(named.digest);
        else stored.push(storedOf("blob", blob));
      }
    }
  }
  return missing[0] === root ? undefined : { stored, missing };
}

const manifestOfRepository = `
  SELECT m.id AS manifestId, c.id AS id, c.digest AS digest, c.size_bytes AS sizeBytes, NULL AS fileKey
  FROM manifests m JOIN manifest_contents c ON c.id = m.content_id
  WHERE m.repository_id = ?1 AND m.digest = ?2`;

const namedBy = "SELECT kind, digest FROM manifest_references WHERE manifest_id = ?1";

const blobOfRepository = `
  SELECT b.id AS id, b.digest AS digest, b.size_bytes AS sizeBytes, b.file_key AS fileKey
  FROM blobs b JOIN repository_blobs m ON m.repository_id = ?1 AND m.blob_id = b.id WHERE b.digest = ?2`;

export function checkRow(db: Database, { kind, digest }: StoredBytes): "good" | "damaged" | "gone" {
  const row = db.query<{ bytes: Uint8Array }, [string]>(kind === "manifest" ? manifestBytes : blobBytes).get(digest);
  if (row === null) return "gone";
  return digestOf(row.bytes, algorithmOf(digest)) === digest ? "good" : "damaged";
}

const manifestBytes = "SELECT bytes FROM manifest_contents WHERE digest = ?1";
const blobBytes = "SELECT c.bytes AS bytes FROM blobs b JOIN blob_contents c ON c.blob_id = b.id WHERE b.digest = ?1";

export function noteGood(db: Database, bytes: readonly StoredBytes[], at: number): void {
  for (const { kind, digest, key } of bytes) {
    if (kind === "manifest")
      db.query("UPDATE manifest_contents SET verified_at = ?2, damaged_at = NULL WHERE digest = ?1").run(digest, at);
    else
      db.query("UPDATE blobs SET verified_at = ?3, damaged_at = NULL WHERE digest = ?1 AND file_key IS ?2").run(
        digest,
        key ?? null,
        at,
      );
  }
}

/** It counts as verified, too: what is known to be damaged is read again in a period's time, as everything else. */
export function quarantine(db: Database, { kind, digest, key }: StoredBytes, at: number): "new" | "known" | "gone" {
  const known = db.query<{ damagedAt: number | null }, [string]>(kind === "manifest" ? manifestDamage : blobDamage);
  const wasDamaged = (known.get(digest)?.damagedAt ?? null) !== null;
  const { changes } =
    kind === "manifest"
      ? db
          .query(
            "UPDATE manifest_contents SET verified_at = ?2, damaged_at = coalesce(damaged_at, ?2) WHERE digest = ?1",
          )
          .run(digest, at)
      : db
          .query(
            `UPDATE blobs SET verified_at = ?3, damaged_at = coalesce(damaged_at, ?3)
             WHERE digest = ?1 AND file_key IS ?2`,
          )
          .run(digest, key ?? null, at);
  if (changes === 0) return "gone";
  return wasDamaged ? "known" : "new";
}

const manifestDamage = "SELECT damaged_at AS damagedAt FROM manifest_contents WHERE digest = ?1";
const blobDamage = "SELECT damaged_at AS damagedAt FROM blobs WHERE digest = ?1";

export function listQuarantined(db: Database, limit: number): readonly QuarantinedBytes[] {
  const queries = { manifest: damagedManifests, blob: damagedBlobs } as const;
  return (["manifest", "blob"] as const)
    .flatMap((kind) =>
      db
        .query<Row & { damagedAt: number }, [number]>(queries[kind])
        .all(limit)
        .map((row) => ({
          ...storedOf(kind, row),
          damagedAt: row.damagedAt,
          images: imagesWith(db, row.digest, imagesShown),
        })),
    )
    .slice(0, limit);
}

const damagedManifests = `
  SELECT id, digest, size_bytes AS sizeBytes, NULL AS fileKey, damaged_at AS damagedAt FROM manifest_contents
  WHERE damaged_at IS NOT NULL ORDER BY id LIMIT ?1`;

const damagedBlobs = `
  SELECT id, digest, size_bytes AS sizeBytes, file_key AS fileKey, damaged_at AS damagedAt FROM blobs
  WHERE damaged_at IS NOT NULL ORDER BY id LIMIT ?1`;

export function verificationFacts(db: Database): VerificationFacts {
  const row = db
    .query<{ damaged: number; oldest: number | null }, []>(
      `SELECT (SELECT count(*) FROM blobs WHERE damaged_at IS NOT NULL) +
         (SELECT count(*) FROM manifest_contents WHERE damaged_at IS NOT NULL) AS damaged,
         min(coalesce((SELECT verified_at FROM blobs WHERE verified_at >= 0 ORDER BY verified_at LIMIT 1), 9e15),
             coalesce((SELECT verified_at FROM manifest_contents WHERE verified_at >= 0 ORDER BY verified_at LIMIT 1), 9e15)) AS oldest`,
    )
    .get();
  const oldest = row?.oldest ?? 9e15;
  return { damaged: row?.damaged ?? 0, oldestVerifiedAt: oldest === 9e15 ? undefined : oldest };
}

export function noteStart(db: Database, at: number): number | undefined {
  db.query("UPDATE service SET unclean_at = ?1 WHERE id = 1 AND is_running = 1").run(at);
  db.query("UPDATE service SET is_running = 1 WHERE id = 1").run();
  return (
    db.query<{ at: number | null }, []>("SELECT unclean_at AS at FROM service WHERE id = 1").get()?.at ?? undefined
  );
}

export function noteStop(db: Database): void {
  db.query("UPDATE service SET is_running = 0 WHERE id = 1").run();
}

function tagged(db: Database, repositoryId: number, tag: string): Digest | undefined {
  return (
    db
      .query<{ digest: Digest }, [number, string]>(
        `SELECT m.digest AS digest FROM tags t JOIN manifests m ON m.id = t.manifest_id
         WHERE t.repository_id = ?1 AND t.name = ?2`,
      )
      .get(repositoryId, tag)?.digest ?? undefined
  );
}

function storedOf(kind: StoredBytes["kind"], { digest, sizeBytes, fileKey }: Row): StoredBytes {
  return { kind, digest, sizeBytes, key: fileKey ?? undefined };
}
