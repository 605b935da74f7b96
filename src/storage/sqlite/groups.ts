import type { Group, GroupSource } from "../../core/group.ts";
import type { Membership } from "../../core/group-store.ts";
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
