import type { RobotOwner, UserRecord } from "../../core/account-store.ts";
import { RegistryError } from "../../core/error.ts";
import type { Change } from "../../core/metadata-store.ts";
import type { ExternalSource, Principal, PrincipalId } from "../../core/principal.ts";
import type { Database } from "./database.ts";

type UserRow = Omit<UserRecord, "isAdmin"> & { readonly isAdmin: number };

export function findUser(db: Database, name: string): UserRecord | undefined {
  const row = db
    .query<UserRow, [string]>(
      `SELECT id, name, is_admin AS isAdmin, password_hash AS passwordHash, credential_version AS credentialVersion,
         created_at AS createdAt
       FROM principals WHERE source = 'dozo' AND kind = 'user' AND name = ?1 AND removed_at IS NULL`,
    )
    .get(name);
  return row === null ? undefined : toUser(row);
}

export function listUsers(db: Database): readonly UserRecord[] {
  return db
    .query<UserRow, []>(
      `SELECT id, name, is_admin AS isAdmin, password_hash AS passwordHash, credential_version AS credentialVersion,
         created_at AS createdAt
       FROM principals WHERE source = 'dozo' AND kind = 'user' AND removed_at IS NULL ORDER BY name`,
    )
    .all()
    .map(toUser);
}

export function createUser(
  db: Database,
  user: Omit<UserRecord, "credentialVersion" | "createdAt">,
  change: Change,
): void {
  assertNameIsFree(db, user.name);
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
       WHERE source = 'dozo' AND kind = 'user' AND name = ?1 AND removed_at IS NULL`,
    )
    .run(name, passwordHash, change.by, change.at);
  return changes > 0;
}

export function removeUser(db: Database, name: string, change: Change): boolean {
  return removeOwn(db, "user", name, change);
}

export function listExternalNames(db: Database, source: ExternalSource): readonly string[] {
  return db
    .query<{ name: string }, [string]>(
      "SELECT name FROM principals WHERE source = ?1 AND removed_at IS NULL ORDER BY name",
    )
    .all(source)
    .map(({ name }) => name);
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

export function removeExternalPrincipal(db: Database, source: ExternalSource, name: string, change: Change): boolean {
  const { changes } = db
    .query(
      `UPDATE principals SET removed_by = ?3, removed_at = ?4
       WHERE source = ?1 AND name = ?2 AND removed_at IS NULL`,
    )
    .run(source, name, change.by, change.at);
  if (changes > 0) removeWhatTheyHad(db, change.by, change.at);
  return changes > 0;
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
  removeWhatTheyHad(db, null, at);
}

interface PrincipalRow {
  readonly id: PrincipalId;
  readonly kind: Principal["kind"];
  readonly source: "dozo" | ExternalSource;
  readonly name: string;
  readonly isAdmin: number;
  readonly ownerId: PrincipalId | null;
  readonly ownerName: string | null;
  readonly ownerIsAdmin: number | null;
}

export function findPrincipal(db: Database, id: PrincipalId, now: number): Principal | undefined {
  const row = db
    .query<PrincipalRow, [string, number]>(
      `SELECT found.id, found.kind, found.source, found.name, found.is_admin AS isAdmin, owners.id AS ownerId,
         owners.name AS ownerName, owners.is_admin AS ownerIsAdmin
       FROM principals AS found LEFT JOIN principals AS owners ON owners.id = found.owner_id
       WHERE found.id = ?1 AND found.removed_at IS NULL AND (found.expires_at IS NULL OR found.expires_at > ?2)
         AND (found.owner_id IS NULL OR owners.removed_at IS NULL)`,
    )
    .get(id, now);
  if (row === null) return undefined;
  const { kind, source, name } = row;
  const principal = { id, name, isAdmin: row.isAdmin === 1, kind, source };
  const owner = ownerOf(row);
  return owner === undefined ? principal : { ...principal, owner };
}

/** Undefined where there is none. */
export function ownerOf(row: Pick<PrincipalRow, "ownerId" | "ownerName" | "ownerIsAdmin">): RobotOwner | undefined {
  const { ownerId, ownerName, ownerIsAdmin } = row;
  return ownerId === null ? undefined : { id: ownerId, name: ownerName ?? "", isAdmin: ownerIsAdmin === 1 };
}

/** Users and robots share their names. Throws `CONFLICT`. */
export function assertNameIsFree(db: Database, name: string): void {
  const holder = db
    .query<{ kind: Principal["kind"] }, [string]>(
      "SELECT kind FROM principals WHERE source = 'dozo' AND name = ?1 AND removed_at IS NULL",
    )
    .get(name);
  if (holder !== null) throw new RegistryError("CONFLICT", `there is a ${holder.kind} ${name} already`);
}

/** Marks one of dozo's own as removed. False when there is none. */
export function removeOwn(db: Database, kind: Principal["kind"], name: string, change: Change): boolean {
  const { changes } = db
    .query(
      // Nobody needs the hash of a user who is gone.
      `UPDATE principals SET removed_by = ?3, removed_at = ?4, password_hash = NULL
       WHERE source = 'dozo' AND kind = ?1 AND name = ?2 AND removed_at IS NULL`,
    )
    .run(kind, name, change.by, change.at);
  if (changes > 0) removeWhatTheyHad(db, change.by, change.at);
  return changes > 0;
}

/** The robots of those who were removed go with them, and all of them leave their groups. */
function removeWhatTheyHad(db: Database, by: PrincipalId | null, at: number): void {
  db.query(
    `UPDATE principals SET removed_by = ?1, removed_at = ?2
     WHERE kind = 'robot' AND removed_at IS NULL
       AND owner_id IN (SELECT id FROM principals WHERE removed_at IS NOT NULL)`,
  ).run(by, at);
  db.query(
    `DELETE FROM group_members WHERE principal_id IN (SELECT id FROM principals WHERE removed_at IS NOT NULL)`,
  ).run();
}

function toUser(row: UserRow): UserRecord {
  return { ...row, isAdmin: row.isAdmin === 1 };
}
