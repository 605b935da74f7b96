import { RegistryError } from "../../core/error.ts";
import type { RepositoryName } from "../../core/repository-name.ts";
import type { UploadId, UploadSession } from "../../core/upload-session.ts";
import type { Database } from "./database.ts";

export function findUpload(db: Database, repository: RepositoryName, id: UploadId): UploadSession | undefined {
  const session = db
    .query<UploadSession, [string, string]>(
      `SELECT id, repository, started_by AS startedBy, started_at AS startedAt, touched_at AS touchedAt
       FROM uploads WHERE id = ?1 AND repository = ?2`,
    )
    .get(id, repository);
  return session ?? undefined;
}

export function listUploadsIdleSince(db: Database, touchedBefore: number): readonly UploadSession[] {
  return db
    .query<UploadSession, [number]>(
      `SELECT id, repository, started_by AS startedBy, started_at AS startedAt, touched_at AS touchedAt
       FROM uploads WHERE touched_at < ?1 ORDER BY touched_at`,
    )
    .all(touchedBefore);
}

export function createUpload(
  db: Database,
  session: UploadSession,
  limits: { readonly perPrincipal: number; readonly inAll: number },
): void {
  const open = db
    .query<{ own: number; all: number }, [string]>(
      `SELECT (SELECT count(*) FROM uploads WHERE started_by = ?1) AS own, (SELECT count(*) FROM uploads) AS "all"`,
    )
    .get(session.startedBy);
  if (open === null || open.own >= limits.perPrincipal || open.all >= limits.inAll) {
    throw new RegistryError("TOOMANYREQUESTS", "too many uploads are open; finish or cancel some first");
  }
  db.query("INSERT INTO uploads (id, repository, started_by, started_at, touched_at) VALUES (?1, ?2, ?3, ?4, ?5)").run(
    session.id,
    session.repository,
    session.startedBy,
    session.startedAt,
    session.touchedAt,
  );
}

export function touchUpload(db: Database, id: UploadId, at: number): void {
  db.query("UPDATE uploads SET touched_at = ?2 WHERE id = ?1 AND touched_at < ?2").run(id, at);
}

export function removeUpload(db: Database, id: UploadId): void {
  db.query("DELETE FROM uploads WHERE id = ?1").run(id);
}
