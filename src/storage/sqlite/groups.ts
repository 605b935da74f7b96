import { RegistryError } from "../../core/error.ts";
import type { Group, GroupSource } from "../../core/group.ts";
import type { GroupRecord, Membership } from "../../core/group-store.ts";
import type { Change } from "../../core/metadata-store.ts";
import type { PrincipalId } from "../../core/principal.ts";
import type { Database } from "./database.ts";

type MembershipRow = Group & { readonly principalId: PrincipalId };

export function listMemberships(db: Database): readonly Membership[] {
  return db
    .query<MembershipRow, []>(
      `SELECT principal_id AS principalId, members.source, group_name AS name
       FROM group_members AS members JOIN principals ON principals.id = principal_id
       WHERE removed_at IS NULL`,
    )
    .all()
    .map(({ principalId, source, name }) => ({ principalId, group: { source, name } }));
}

export function replaceGroups(
  db: Database,
  principalId: PrincipalId,
  source: GroupSource,
  names: readonly string[],
): void {
  db.query("DELETE FROM group_members WHERE principal_id = ?1 AND source = ?2").run(principalId, source);
  db.query(
    `INSERT INTO group_members (principal_id, source, group_name)
     SELECT DISTINCT ?1, ?2, value FROM json_each(?3)`,
  ).run(principalId, source, JSON.stringify(names));
}

interface GroupRow {
  readonly name: string;
  readonly createdAt: number;
  readonly memberId: PrincipalId | null;
  readonly memberName: string | null;
}

export function listGroups(db: Database): readonly GroupRecord[] {
  const rows = db
    .query<GroupRow, []>(
      `SELECT groups.name, groups.created_at AS createdAt, principals.id AS memberId, principals.name AS memberName
       FROM groups
         LEFT JOIN group_members AS members ON members.source = 'dozo' AND members.group_name = groups.name
         LEFT JOIN principals ON principals.id = members.principal_id AND principals.removed_at IS NULL
       ORDER BY groups.name, memberName, memberId`,
    )
    .all();
  return [...Map.groupBy(rows, ({ name }) => name)].map(([name, own]) => ({
    name,
    members: own.flatMap(({ memberId, memberName }) =>
      memberId === null ? [] : [{ id: memberId, name: memberName ?? "" }],
    ),
    createdAt: own[0]?.createdAt ?? 0,
  }));
}

export function createGroup(db: Database, name: string, change: Change): void {
  const { changes } = db
    .query("INSERT INTO groups (name, created_by, created_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")
    .run(name, change.by, change.at);
  if (changes === 0) throw new RegistryError("CONFLICT", `there is a group ${name} already`);
}

export function removeGroup(db: Database, name: string): boolean {
  db.query("DELETE FROM group_members WHERE source = 'dozo' AND group_name = ?1").run(name);
  db.query("DELETE FROM access_rules WHERE group_source = 'dozo' AND group_name = ?1").run(name);
  return db.query("DELETE FROM groups WHERE name = ?1").run(name).changes > 0;
}

export function addMembers(db: Database, group: string, members: readonly PrincipalId[]): boolean {
  if (db.query("SELECT 1 FROM groups WHERE name = ?1").get(group) === null) return false;
  db.query(
    `INSERT INTO group_members (principal_id, source, group_name)
     SELECT DISTINCT value, 'dozo', ?1 FROM json_each(?2) WHERE true ON CONFLICT DO NOTHING`,
  ).run(group, JSON.stringify(members));
  return true;
}

export function removeMembers(db: Database, group: string, members: readonly PrincipalId[]): void {
  db.query(
    `DELETE FROM group_members
     WHERE source = 'dozo' AND group_name = ?1 AND principal_id IN (SELECT value FROM json_each(?2))`,
  ).run(group, JSON.stringify(members));
}
