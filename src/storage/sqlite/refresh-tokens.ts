import type { RefreshTokenRecord } from "../../core/refresh-token-store.ts";
import type { Database } from "./database.ts";

export function findRefreshToken(db: Database, hash: string): RefreshTokenRecord | undefined {
  const row = db
    .query<RefreshTokenRecord, [string]>(
      "SELECT hash, holder, credential, used_at AS usedAt FROM refresh_tokens WHERE hash = ?1",
    )
    .get(hash);
  return row ?? undefined;
}

export function addRefreshToken(
  db: Database,
  { hash, holder, credential, usedAt }: RefreshTokenRecord,
  most: number,
): void {
  db.query("INSERT INTO refresh_tokens (hash, holder, credential, used_at) VALUES (?1, ?2, ?3, ?4)").run(
    hash,
    holder,
    credential,
    usedAt,
  );
  db.query(
    `DELETE FROM refresh_tokens WHERE hash IN
       (SELECT hash FROM refresh_tokens WHERE credential = ?1 ORDER BY used_at DESC LIMIT -1 OFFSET ?2)`,
  ).run(credential, most);
}

export function noteRefreshTokenUse(db: Database, hash: string, at: number): void {
  db.query("UPDATE refresh_tokens SET used_at = ?2 WHERE hash = ?1").run(hash, at);
}

export function removeRefreshToken(db: Database, hash: string): void {
  db.query("DELETE FROM refresh_tokens WHERE hash = ?1").run(hash);
}

export function removeRefreshTokensIdleSince(db: Database, at: number): number {
  return db.query("DELETE FROM refresh_tokens WHERE used_at < ?1").run(at).changes;
}
