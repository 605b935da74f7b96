import type { Digest } from "../../core/digest.ts";
import { RegistryError } from "../../core/error.ts";
import type { Change, TagDelete, TagEvent } from "../../core/metadata-store.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import type { Tag } from "../../core/reference.ts";
import type { RepositoryName } from "../../core/repository-name.ts";
import type { Database } from "./database.ts";
import { adopt, orphan } from "./orphans.ts";
import { addToRepository, findRepositoryId, toPage } from "./repositories.ts";

export function listTags(db: Database, repository: RepositoryName, page: PageRequest): Page<Tag> {
  const repositoryId = findRepositoryId(db, repository);
  if (repositoryId === undefined) throw new RegistryError("NAME_UNKNOWN");
  const tags = db
    .query<{ name: Tag }, [number, string, number]>(
      "SELECT name FROM tags WHERE repository_id = ?1 AND name > ?2 ORDER BY name LIMIT ?3",
    )
    .all(repositoryId, page.last ?? "", page.limit + 1)
    .map((row) => row.name);
  return toPage(tags, page);
}

/** The digest that a tag points at now. */
export function findTag(db: Database, repositoryId: number, tag: Tag): Digest | undefined {
  return db
    .query<{ digest: Digest }, [number, string]>(
      `SELECT m.digest AS digest FROM tags t JOIN manifests m ON m.id = t.manifest_id
       WHERE t.repository_id = ?1 AND t.name = ?2`,
    )
    .get(repositoryId, tag)?.digest;
}

/** Lets a tag point at a manifest and notes it; nothing happens for one that does already. */
export function setTag(
  db: Database,
  repositoryId: number,
  tag: Tag,
  manifest: { readonly id: number; readonly digest: Digest },
  change: Change,
): void {
  const previous = findTag(db, repositoryId, tag);
  if (previous === manifest.digest) return;
  db.query(
    `INSERT INTO tags (repository_id, name, manifest_id) VALUES (?1, ?2, ?3)
     ON CONFLICT DO UPDATE SET manifest_id = excluded.manifest_id`,
  ).run(repositoryId, tag, manifest.id);
  adopt(db, repositoryId, manifest.digest);
  if (previous === undefined) addToRepository(db, repositoryId, { tags: 1 });
  else orphan(db, repositoryId, previous, change.at);
  appendHistory(db, repositoryId, { tag, digest: manifest.digest, previous, by: change.by, at: change.at });
}

/** Removes a tag that points at `previous`, and notes it. */
export function removeTag(db: Database, repositoryId: number, tag: Tag, previous: Digest, change: Change): void {
  db.query("DELETE FROM tags WHERE repository_id = ?1 AND name = ?2").run(repositoryId, tag);
  addToRepository(db, repositoryId, { tags: -1 });
  appendHistory(db, repositoryId, { tag, digest: undefined, previous, by: change.by, at: change.at });
}

export function deleteTag(db: Database, change: TagDelete): boolean {
  const repositoryId = findRepositoryId(db, change.repository);
  const digest = repositoryId === undefined ? undefined : findTag(db, repositoryId, change.tag);
  if (repositoryId === undefined || digest === undefined) return false;
  removeTag(db, repositoryId, change.tag, digest, change);
  orphan(db, repositoryId, digest, change.at);
  return true;
}

export function tagHistory(
  db: Database,
  repository: RepositoryName,
  tag: Tag | undefined,
  limit: number,
): readonly TagEvent[] {
  const repositoryId = findRepositoryId(db, repository);
  if (repositoryId === undefined) return [];
  const rows =
    tag === undefined
      ? db.query<HistoryRow, [number, number]>(historyOfRepository).all(repositoryId, limit)
      : db.query<HistoryRow, [number, number, string]>(historyOfTag).all(repositoryId, limit, tag);
  return rows.map((row) => ({
    ...row,
    digest: row.digest ?? undefined,
    previous: row.previous ?? undefined,
  }));
}

type HistoryRow = Omit<TagEvent, "digest" | "previous"> & {
  readonly digest: Digest | null;
  readonly previous: Digest | null;
};

const historyOfRepository = `
  SELECT tag, digest, previous, changed_by AS "by", changed_at AS "at" FROM tag_history
  WHERE repository_id = ?1 ORDER BY id DESC LIMIT ?2`;

const historyOfTag = `
  SELECT tag, digest, previous, changed_by AS "by", changed_at AS "at" FROM tag_history
  WHERE repository_id = ?1 AND tag = ?3 ORDER BY id DESC LIMIT ?2`;

function appendHistory(db: Database, repositoryId: number, event: TagEvent): void {
  db.query(
    `INSERT INTO tag_history (repository_id, tag, digest, previous, changed_by, changed_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6)`,
  ).run(repositoryId, event.tag, event.digest ?? null, event.previous ?? null, event.by, event.at);
}
