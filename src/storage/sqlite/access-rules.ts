import type { AccessAction, AccessRule } from "../../core/access-rule.ts";
import type { Change } from "../../core/metadata-store.ts";
import type { PrincipalId } from "../../core/principal.ts";
import type { RepositoryPattern } from "../../core/repository-pattern.ts";
import type { Ulid } from "../../core/ulid.ts";
import type { Database } from "./database.ts";

interface RuleRow {
  readonly id: Ulid;
  readonly effect: AccessRule["effect"];
  readonly subjectId: PrincipalId | null;
  readonly subjectName: string | null;
  readonly repositories: RepositoryPattern;
  readonly actions: string;
  readonly createdAt: number;
}

/** Without those of principals who were removed: nobody can be them any more. */
export function listRules(db: Database): readonly AccessRule[] {
  return db
    .query<RuleRow, []>(
      `SELECT rules.id, effect, subject_id AS subjectId, principals.name AS subjectName, repositories, actions,
         rules.created_at AS createdAt
       FROM access_rules AS rules LEFT JOIN principals ON principals.id = subject_id
       WHERE subject_id IS NULL OR removed_at IS NULL
       ORDER BY rules.id`,
    )
    .all()
    .map(({ id, effect, subjectId, subjectName, repositories, actions, createdAt }) => ({
      id,
      effect,
      subject:
        subjectId === null ? { kind: "everyone" } : { kind: "principal", id: subjectId, name: subjectName ?? "" },
      repositories,
      actions: JSON.parse(actions) as readonly AccessAction[],
      createdAt,
    }));
}

export function addRule(db: Database, rule: Omit<AccessRule, "createdAt">, change: Change): void {
  const { id, effect, subject, repositories, actions } = rule;
  const subjectId = subject.kind === "everyone" ? null : subject.id;
  db.query("INSERT INTO access_rules VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)").run(
    id,
    effect,
    subjectId,
    repositories,
    JSON.stringify(actions),
    change.by,
    change.at,
  );
}

export function removeRule(db: Database, id: Ulid): boolean {
  return db.query("DELETE FROM access_rules WHERE id = ?1").run(id).changes > 0;
}
