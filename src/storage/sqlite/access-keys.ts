import {
  type AccessKeyRecord,
  type AccessKeyUse,
  endedKeysKeptMs,
  type NewAccessKeyRecord,
} from "../../core/access-key-store.ts";
import type { AccessKeyId } from "../../core/access-key.ts";
import type { CredentialLimits } from "../../core/caller.ts";
import { RegistryError } from "../../core/error.ts";
import type { Change } from "../../core/metadata-store.ts";
import type { Principal, PrincipalId } from "../../core/principal.ts";
import type { Database } from "./database.ts";

interface KeyRow {
  readonly id: AccessKeyId;
  readonly digest: string;
  readonly principalId: PrincipalId;
  readonly name: string;
  readonly isAdmin: number;
  readonly kind: Principal["kind"];
  readonly source: Principal["source"];
  readonly principalExpiresAt: number | null;
  readonly ownerId: PrincipalId | null;
  readonly isOwnerAdmin: number | null;
  readonly limits: string | null;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly lastUsedAt: number | null;
}

export function listKeys(db: Database): readonly AccessKeyRecord[] {
  return db
    .query<KeyRow, []>(
      `SELECT keys.id, digest, principal_id AS principalId, principals.name, principals.is_admin AS isAdmin,
         principals.kind, principals.source, principals.expires_at AS principalExpiresAt, owners.id AS ownerId,
         owners.is_admin AS isOwnerAdmin, limits, keys.created_at AS createdAt, keys.expires_at AS expiresAt,
         last_used_at AS lastUsedAt
       FROM access_keys AS keys
         JOIN principals ON principals.id = principal_id
         LEFT JOIN principals AS owners ON owners.id = principals.owner_id
       WHERE principals.removed_at IS NULL AND owners.removed_at IS NULL
       ORDER BY keys.id`,
    )
    .all()
    .map((row) => ({
      id: row.id,
      digest: row.digest,
      principal: principalOf(row),
      principalExpiresAt: row.principalExpiresAt ?? undefined,
      limits: row.limits === null ? undefined : (JSON.parse(row.limits) as CredentialLimits),
      createdAt: row.createdAt,
      expiresAt: row.expiresAt ?? undefined,
      lastUsedAt: row.lastUsedAt ?? undefined,
    }));
}

export function addKey(db: Database, key: NewAccessKeyRecord, { by, at }: Change): void {
  forgetEnded(db, at - endedKeysKeptMs);
  const { changes } = db
    .query(
      `INSERT INTO access_keys (id, digest, principal_id, limits, created_by, created_at, expires_at)
       SELECT ?1, ?2, id, ?4, ?5, ?6, ?7 FROM principals WHERE id = ?3 AND removed_at IS NULL ON CONFLICT DO NOTHING`,
    )
    .run(
      key.id,
      key.digest,
      key.principalId,
      key.limits === undefined ? null : JSON.stringify(key.limits),
      by,
      at,
      key.expiresAt ?? null,
    );
  if (changes === 0) throw new RegistryError("CONFLICT", `the access key ${key.id} cannot be added`);
}

export function removeKeys(db: Database, ids: readonly AccessKeyId[]): number {
  return db.query("DELETE FROM access_keys WHERE id IN (SELECT value FROM json_each(?1))").run(JSON.stringify(ids))
    .changes;
}

export function noteUses(db: Database, uses: readonly AccessKeyUse[]): void {
  const note = db.query("UPDATE access_keys SET last_used_at = max(?2, coalesce(last_used_at, 0)) WHERE id = ?1");
  for (const { id, at } of uses) note.run(id, at);
}

function forgetEnded(db: Database, before: number): void {
  db.query("DELETE FROM access_keys WHERE expires_at < ?1").run(before);
  db.query(
    "DELETE FROM access_keys WHERE principal_id IN (SELECT id FROM principals WHERE removed_at IS NOT NULL)",
  ).run();
}

function principalOf({ principalId, name, isAdmin, kind, source, ownerId, isOwnerAdmin }: KeyRow): Principal {
  const principal = { id: principalId, name, isAdmin: isAdmin === 1, kind, source };
  return ownerId === null ? principal : { ...principal, owner: { id: ownerId, isAdmin: isOwnerAdmin === 1 } };
}
