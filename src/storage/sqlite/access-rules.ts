import { type AccessRule, isAccessAction, type RuleSubject } from "../../core/access-rule.ts";
import type { GroupSource } from "../../core/group.ts";
import type { Change } from "../../core/metadata-store.ts";
import type { PrincipalId } from "../../core/principal.ts";
import { parseRepositoryPattern } from "../../core/repository-pattern.ts";
import type { Ulid } from "../../core/ulid.ts";
import type { Database } from "./database.ts";

interface RuleRow {
  readonly id: Ulid;
  readonly effect: AccessRule["effect"];
  readonly subjectKind: RuleSubject["kind"];
  readonly subjectId: PrincipalId | null;
  readonly subjectName: string | null;
  readonly groupSource: GroupSource | null;
  readonly groupName: string | null;
  readonly repositories: string;
  readonly actions: string;
  readonly createdAt: number;
}

/**
 * Without those of principals who were removed: nobody can be them any more. Throws where one cannot be read: passed over, it
 * would allow what it denies.
 */
export function listRules(db: Database): readonly AccessRule[] {
  return db
    .query<RuleRow, []>(
      `SELECT rules.id, effect, subject_kind AS subjectKind, subject_id AS subjectId, principals.name AS subjectName,
         group_source AS groupSource, group_name AS groupName, repositories, actions, rules.created_at AS createdAt
       FROM access_rules AS rules LEFT JOIN principals ON principals.id = subject_id
       WHERE subject_id IS NULL OR removed_at IS NULL
       ORDER BY rules.id`,
    )
    .all()
    .map((row) => ({
      id: row.id,
      effect: row.effect,
      subject: subjectOf(row),
      repositories: parseRepositoryPattern(row.repositories),
      actions: actionsOf(row),
      createdAt: row.createdAt,
    }));
}

function actionsOf({ id, actions }: RuleRow): AccessRule["actions"] {
  const words = JSON.parse(actions) as readonly string[];
  const known = words.filter(isAccessAction);
  if (known.length < words.length)
    throw new Error(`the access rule ${id} is about an action that there is not: ${actions}`);
  return known;
}

function subjectOf({ subjectKind, subjectId, subjectName, groupSource, groupName }: RuleRow): RuleSubject {
  if (subjectKind === "group") return { kind: "group", source: groupSource ?? "dozo", name: groupName ?? "" };
  if (subjectKind !== "principal") return { kind: subjectKind };
  if (subjectId === null) throw new Error("a rule about a principal does not say which");
  return { kind: "principal", id: subjectId, name: subjectName ?? "" };
}

export function addRule(db: Database, rule: Omit<AccessRule, "createdAt">, change: Change): void {
  const { id, effect, subject, repositories, actions } = rule;
  db.query(
    `INSERT INTO access_rules (id, effect, subject_kind, subject_id, group_source, group_name, repositories, actions,
       created_by, created_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)`,
  ).run(
    id,
    effect,
    subject.kind,
    subject.kind === "principal" ? subject.id : null,
    subject.kind === "group" ? subject.source : null,
    subject.kind === "group" ? subject.name : null,
    repositories,
    JSON.stringify(actions),
    change.by,
    change.at,
  );
}

export function removeRule(db: Database, id: Ulid): boolean {
  return db.query("DELETE FROM access_rules WHERE id = ?1").run(id).changes > 0;
}
