import type { UserRecord } from "../../core/account-store.ts";
import { RegistryError } from "../../core/error.ts";
import type { Change } from "../../core/metadata-store.ts";
import type { ExternalSource, PrincipalId } from "../../core/principal.ts";
import type { Database } from "./database.ts";

type UserRow = Omit<UserRecord, "isAdmin"> & { readonly isAdmin: number };

export function findUser(db: Database, name: string): UserRecord | undefined {
  const row = db
    .query<UserRow, [string]>(
      `SELECT id, name, is_admin AS isAdmin, password_hash AS passwordHash, credential_version AS credentialVersion,
         created_at AS createdAt
       FROM principals WHERE source = 'dozo' AND name = ?1 AND removed_at IS NULL`,
    )
    .get(name);
  return row === null ? undefined : toUser(row);
}

export function listUsers(db: Database): readonly UserRecord[] {
  return db
    .query<UserRow, []>(
      `SELECT id, name, is_admin AS isAdmin, password_hash AS passwordHash, credential_version AS credentialVersion,
         created_at AS createdAt
       FROM principals WHERE source = 'dozo' AND removed_at IS NULL ORDER BY name`,
    )
    .all()
    .map(toUser);
}

export function createUser(
  db: Database,
  user: Omit<UserRecord, "credentialVersion" | "createdAt">,
  change: Change,
): void {
  if (findUser(db, user.name) !== undefined) {
    throw new RegistryError("CONFLICT", `there is a user ${user.name} already`);
  }
  db.query(
    `INSERT INTO principals (id, source, name, is_admin, password_hash, credential_version, created_by, created_at)
     VALUES (?1, 'dozo', ?2, ?3, ?4, 1, ?5, ?6)`,
  ).run(user.id, user.name, user.isAdmin ? 1 : 0, user.passwordHash, change.by, change.at);
}

export function setPassword(db: Database, name: string, passwordHash: string, change: Change): boolean {
  const { changes } = db
    .query(
      `UPDATE principals
       SET password_hash = ?2, credential_version = credential_version + 1, password_set_by = ?3, password_set_at = ?4
       WHERE source = 'dozo' AND name = ?1 AND removed_at IS NULL`,
    )
    .run(name, passwordHash, change.by, change.at);
  return changes > 0;
}

export function removeUser(db: Database, name: string, change: Change): boolean {
  const { changes } = db
    .query(
      // Nobody needs the hash of a user who is gone.
      `UPDATE principals SET removed_by = ?2, removed_at = ?3, password_hash = NULL
       WHERE source = 'dozo' AND name = ?1 AND removed_at IS NULL`,
    )
    .run(name, change.by, change.at);
  return changes > 0;
}

export function findExternalPrincipal(db: Database, source: ExternalSource, name: string): PrincipalId | undefined {
  return db
    .query<{ id: PrincipalId }, [string, string]>(
      "SELECT id FROM principals WHERE source = ?1 AND name = ?2 AND removed_at IS NULL",
    )
    .get(source, name)?.id;
}

export function externalPrincipal(
  db: Database,
  source: ExternalSource,
  name: string,
  fresh: PrincipalId,
  at: number,
): PrincipalId {
  const known = findExternalPrincipal(db, source, name);
  if (known !== undefined) return known;
  db.query(
    `INSERT INTO principals (id, source, name, is_admin, credential_version, created_at)
     VALUES (?1, ?2, ?3, 0, 1, ?4)`,
  ).run(fresh, source, name, at);
  return fresh;
}

export function keepExternalPrincipals(
  db: Database,
  source: ExternalSource,
  names: readonly string[],
  at: number,
): void {
  db.query(
    `UPDATE principals SET removed_at = ?3
     WHERE source = ?1 AND removed_at IS NULL AND name NOT IN (SELECT value FROM json_each(?2))`,
  ).run(source, JSON.stringify(names), at);
}

function toUser(row: UserRow): UserRecord {
  return { ...row, isAdmin: row.isAdmin === 1 };
}
