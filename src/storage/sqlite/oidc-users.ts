import { RegistryError } from "../../core/error.ts";
import type { OidcArrival, OidcUser } from "../../core/oidc-user-store.ts";
import type { PrincipalId } from "../../core/principal.ts";
import type { Database } from "./database.ts";

type OidcUserRow = Omit<OidcUser, "isRemoved"> & { readonly removedAt: number | null };

export function listOidcUsers(db: Database): readonly OidcUser[] {
  return db
    .query<OidcUserRow, []>(
      `SELECT id, issuer, subject, name, created_at AS createdAt, removed_at AS removedAt
       FROM principals JOIN oidc_users ON principal_id = id
       WHERE source = 'oidc' ORDER BY name, id`,
    )
    .all()
    .map(toOidcUser);
}

export function findOidcUser(db: Database, issuer: string, subject: string): OidcUser | undefined {
  const row = db
    .query<OidcUserRow, [string, string]>(
      `SELECT id, issuer, subject, name, created_at AS createdAt, removed_at AS removedAt
       FROM oidc_users JOIN principals ON id = principal_id
       WHERE issuer = ?1 AND subject = ?2`,
    )
    .get(issuer, subject);
  return row === null ? undefined : toOidcUser(row);
}

export function receiveOidcUser(db: Database, { issuer, subject, name, fresh, at }: OidcArrival): OidcUser {
  const known = findOidcUser(db, issuer, subject);
  if (known !== undefined) return known;
  assertFree(db, name);
  db.query(
    `INSERT INTO principals (id, source, name, is_admin, credential_version, created_at)
     VALUES (?1, 'oidc', ?2, 0, 1, ?3)`,
  ).run(fresh, name, at);
  db.query("INSERT INTO oidc_users VALUES (?1, ?2, ?3)").run(issuer, subject, fresh);
  return { id: fresh, issuer, subject, name, createdAt: at, isRemoved: false };
}

export function readmitOidcUser(db: Database, name: string): boolean {
  const last = db
    .query<{ id: PrincipalId }, [string]>(
      `SELECT id FROM principals
       WHERE source = 'oidc' AND name = ?1 AND removed_at IS NOT NULL
       ORDER BY removed_at DESC, id DESC`,
    )
    .get(name);
  if (last === null) return false;
  assertFree(db, name);
  db.query("UPDATE principals SET removed_by = NULL, removed_at = NULL WHERE id = ?1").run(last.id);
  return true;
}

function assertFree(db: Database, name: string): void {
  const taken = db
    .query<{ id: PrincipalId }, [string]>(
      "SELECT id FROM principals WHERE source = 'oidc' AND name = ?1 AND removed_at IS NULL",
    )
    .get(name);
  if (taken !== null) throw new RegistryError("CONFLICT", `another user of the provider is ${name} already`);
}

function toOidcUser({ removedAt, ...user }: OidcUserRow): OidcUser {
  return { ...user, isRemoved: removedAt !== null };
}
