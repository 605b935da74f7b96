import type { RobotRecord } from "../../core/account-store.ts";
import { RegistryError } from "../../core/error.ts";
import type { Change } from "../../core/metadata-store.ts";
import type { Database } from "./database.ts";
import { assertNameIsFree, findPrincipal, ownerOf, removeOwn } from "./principals.ts";

type RobotRow = Parameters<typeof ownerOf>[0] &
  Omit<RobotRecord, "owner" | "expiresAt"> & { readonly expiresAt: number | null };

export function listRobots(db: Database): readonly RobotRecord[] {
  return db
    .query<RobotRow, []>(
      `SELECT robots.id, robots.name, robots.expires_at AS expiresAt, robots.created_at AS createdAt, owners.id AS ownerId,
         owners.name AS ownerName, owners.is_admin AS ownerIsAdmin
       FROM principals AS robots LEFT JOIN principals AS owners ON owners.id = robots.owner_id
       WHERE robots.source = 'dozo' AND robots.kind = 'robot' AND robots.removed_at IS NULL
         AND (robots.owner_id IS NULL OR owners.removed_at IS NULL)
       ORDER BY robots.name`,
    )
    .all()
    .map((row) => ({
      id: row.id,
      name: row.name,
      owner: ownerOf(row),
      expiresAt: row.expiresAt ?? undefined,
      createdAt: row.createdAt,
    }));
}

export function createRobot(db: Database, robot: Omit<RobotRecord, "createdAt">, change: Change): void {
  const { id, name, owner, expiresAt } = robot;
  assertNameIsFree(db, name);
  if (owner !== undefined && findPrincipal(db, owner.id, change.at) === undefined)
    throw new RegistryError("CONFLICT", `${owner.name} was removed meanwhile`);
  db.query(
    `INSERT INTO principals (id, kind, source, name, is_admin, credential_version, owner_id, expires_at, created_by, created_at)
     VALUES (?1, 'robot', 'dozo', ?2, 0, 1, ?3, ?4, ?5, ?6)`,
  ).run(id, name, owner?.id ?? null, expiresAt ?? null, change.by, change.at);
}

export function removeRobot(db: Database, name: string, change: Change): boolean {
  return removeOwn(db, "robot", name, change);
}
