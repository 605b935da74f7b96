import type { Page, PageRequest } from "../../core/page.ts";
import type { RepositoryName } from "../../core/repository-name.ts";
import type { Database } from "./database.ts";

/** The row of a repository; undefined where there is none. */
export function findRepositoryId(db: Database, name: RepositoryName): number | undefined {
  return db.query<{ id: number }, [string]>("SELECT id FROM repositories WHERE name = ?1").get(name)?.id;
}

/** The row of a repository, which is made if it is not there. */
export function ensureRepository(db: Database, name: RepositoryName, at: number): number {
  const existing = findRepositoryId(db, name);
  if (existing !== undefined) return existing;
  return Number(db.query("INSERT INTO repositories (name, created_at) VALUES (?1, ?2)").run(name, at).lastInsertRowid);
}

/** Moves the counters that stand in the row of a repository. */
export function addToRepository(
  db: Database,
  repositoryId: number,
  more: { readonly manifests?: number; readonly tags?: number; readonly bytes?: number },
): void {
  db.query(
    `UPDATE repositories
     SET manifest_count = manifest_count + ?2, tag_count = tag_count + ?3, content_bytes = content_bytes + ?4
     WHERE id = ?1`,
  ).run(repositoryId, more.manifests ?? 0, more.tags ?? 0, more.bytes ?? 0);
}

export function listRepositories(db: Database, page: PageRequest): Page<RepositoryName> {
  const names = db
    .query<{ name: RepositoryName }, [string, number]>(
      "SELECT name FROM repositories WHERE manifest_count > 0 AND name > ?1 ORDER BY name LIMIT ?2",
    )
    .all(page.last ?? "", page.limit + 1)
    .map((row) => row.name);
  return toPage(names, page);
}

export function searchRepositories(db: Database, term: string, limit: number): readonly RepositoryName[] {
  return db
    .query<{ name: RepositoryName }, [string, number]>(
      "SELECT name FROM repositories WHERE manifest_count > 0 AND instr(name, ?1) > 0 ORDER BY name LIMIT ?2",
    )
    .all(term, limit)
    .map((row) => row.name);
}

/** A page out of one entry more than it may have: that entry says that there is more. */
export function toPage<Entry>(entries: readonly Entry[], page: PageRequest): Page<Entry> {
  return { entries: entries.slice(0, page.limit), more: page.limit > 0 && entries.length > page.limit };
}
