import { type AuditEvent, auditRank, pullRank } from "../../../core/audit-event.ts";
import type { AuditFacts, AuditQuery, LastPull } from "../../../core/audit-store.ts";
import type { RepositoryName } from "../../../core/repository-name.ts";
import { matchesRepository, type RepositoryPattern } from "../../../core/repository-pattern.ts";
import { isUlid } from "../../../core/ulid.ts";
import type { Database } from "../database.ts";

/** What may be absent is NULL. */
type Nullable<Fields> = {
  readonly [Name in keyof Fields]: undefined extends Fields[Name]
    ? Exclude<Fields[Name], undefined> | null
    : Fields[Name];
};

type Row = Nullable<Omit<AuditEvent, "isDetail" | "addresses" | "hasMoreAddresses">> & {
  readonly isDetail: 0 | 1;
  readonly addresses: string;
  readonly hasMoreAddresses: 0 | 1;
};

export function writeEvents(db: Database, events: readonly AuditEvent[], completeSince?: number): void {
  for (const event of events) writeEvent(db, event);
  if (completeSince !== undefined)
    db.query("UPDATE record SET complete_since = max(complete_since, ?1)").run(completeSince);
}

function writeEvent(db: Database, event: AuditEvent): void {
  const { id, at, lastAt, count, kind, isDetail, action, outcome, principalId, name } = event;
  const { credentialKind, credentialId, addresses, hasMoreAddresses, repository, tag, digest, object, reason } = event;
  db.query(
    `INSERT INTO events VALUES
       (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)
     ON CONFLICT DO UPDATE SET last_at = excluded.last_at, count = excluded.count, addresses = excluded.addresses,
       has_more_addresses = excluded.has_more_addresses, tag = excluded.tag`,
  ).run(
    id,
    at,
    lastAt,
    count,
    auditRank(event),
    kind,
    isDetail ? 1 : 0,
    action,
    outcome,
    principalId ?? null,
    name ?? null,
    credentialKind,
    credentialId ?? null,
    JSON.stringify(addresses),
    hasMoreAddresses ? 1 : 0,
    repository ?? null,
    tag ?? null,
    digest ?? null,
    object ?? null,
    reason ?? null,
  );
  if (auditRank(event) !== pullRank || outcome !== "done" || repository === undefined || digest === undefined) return;
  db.query(`INSERT INTO last_pulls VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)`).run(
    repository,
    digest,
    lastAt,
  );
}

/** Newest first. What no index knows is looked for from the newest on. */
export function listEvents(db: Database, query: AuditQuery): readonly AuditEvent[] {
  const { sql, values } = selectEvents(query);
  using statement = db.prepare<Row, (string | number)[]>(sql);
  const found: AuditEvent[] = [];
  for (const row of statement.iterate(...values)) {
    if (found.length >= query.limit) break;
    if (isAbout(query.repositories, row.repository)) found.push(toEvent(row));
  }
  return found;
}

/** The statement for a query; a pattern of repositories is not in it. */
export function selectEvents(query: AuditQuery): { readonly sql: string; readonly values: (string | number)[] } {
  const { who, what, repositories, digest, address, outcome, since, until, before, withDetails } = query;
  const values: (string | number)[] = [];
  const conditions: string[] = [];
  const where = (condition: string, value: string | number | undefined): void => {
    if (value === undefined) return;
    values.push(value);
    conditions.push(condition.replaceAll("?", `?${values.length}`));
  };
  where(who !== undefined && isUlid(who) ? "principal_id = ?" : "name = ?", who);
  where("(kind = ? OR action = ?)", what);
  where("repository = ?", repositories?.includes("*") === true ? undefined : repositories);
  where("digest = ?", digest);
  where("EXISTS (SELECT 1 FROM json_each(addresses) WHERE value = ?)", address);
  where("outcome = ?", outcome);
  where("last_at >= ?", since);
  where("at < ?", until);
  where("id < ?", before);
  if (!withDetails) conditions.push("rank > 0");
  const condition = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
  return { sql: `${select} ${condition} ORDER BY id DESC`, values };
}

const select = `
  SELECT id, at, last_at AS lastAt, count, kind, is_detail AS isDetail, action, outcome, principal_id AS principalId, name,
    credential_kind AS credentialKind, credential_id AS credentialId, addresses, has_more_addresses AS hasMoreAddresses,
    repository, tag, digest, object, reason
  FROM events`;

function isAbout(pattern: RepositoryPattern | undefined, repository: string | null): boolean {
  if (pattern === undefined) return true;
  return repository !== null && matchesRepository(pattern, repository as RepositoryName);
}

function toEvent(row: Row): AuditEvent {
  return {
    ...row,
    isDetail: row.isDetail === 1,
    addresses: JSON.parse(row.addresses) as readonly string[],
    hasMoreAddresses: row.hasMoreAddresses === 1,
    principalId: row.principalId ?? undefined,
    name: row.name ?? undefined,
    credentialId: row.credentialId ?? undefined,
    repository: row.repository ?? undefined,
    tag: row.tag ?? undefined,
    digest: row.digest ?? undefined,
    object: row.object ?? undefined,
    reason: row.reason ?? undefined,
  };
}

export function lastPulls(db: Database, images: readonly Omit<LastPull, "at">[]): readonly LastPull[] {
  return db
    .query<LastPull, [string]>(
      `SELECT repository, digest, at FROM json_each(?1) AS wanted
       JOIN last_pulls ON repository = wanted.value ->> 'repository' AND digest = wanted.value ->> 'digest'`,
    )
    .all(JSON.stringify(images));
}

export function auditFacts(db: Database): AuditFacts {
  const { completeSince = 0 } =
    db.query<{ completeSince: number }, []>("SELECT complete_since AS completeSince FROM record").get() ?? {};
  const { lastId = 0 } = db.query<{ lastId: number | null }, []>("SELECT max(id) AS lastId FROM events").get() ?? {};
  return { lastId: lastId ?? 0, completeSince, sizeBytes: pragma(db, "page_count") * pragma(db, "page_size") };
}

/** A number that the database knows of itself. */
export function pragma(db: Database, name: "page_count" | "page_size" | "freelist_count"): number {
  return Object.values(db.query<Record<string, number>, []>(`PRAGMA ${name}`).get() ?? {})[0] ?? 0;
}

export function readNote(db: Database, name: string): string | undefined {
  return db.query<{ text: string }, [string]>("SELECT text FROM notes WHERE name = ?1").get(name)?.text;
}

export function writeNote(db: Database, name: string, text: string): void {
  db.query("INSERT INTO notes VALUES (?1, ?2) ON CONFLICT DO UPDATE SET text = excluded.text").run(name, text);
}
