import { auditRank, auditRanks } from "../../../core/audit-event.ts";
import type { AuditBounds } from "../../../core/audit-store.ts";
import type { Database } from "../database.ts";
import { pragma } from "./events.ts";

/** So many rows at once: what is written meanwhile waits for it. */
const mostRows = 2000;
const keptLonger = auditRank({ kind: "refusal", isDetail: false });

/** Drops one piece of what is beyond the bounds, and gives its room back to the disk. */
export function prune(db: Database, bounds: AuditBounds): boolean {
  const isMore = dropOld(db, bounds) || (usedBytes(db) > bounds.maxBytes && dropLowest(db));
  const free = pragma(db, "freelist_count");
  if (free > 0) db.query(`PRAGMA incremental_vacuum(${free})`).all();
  return isMore;
}

function dropOld(db: Database, { keepSince, keepPullsSince }: AuditBounds): boolean {
  const events = db
    .query(
      `DELETE FROM events WHERE (rank, id) IN
         (SELECT rank, id FROM events WHERE last_at < ?1 ORDER BY last_at LIMIT ?2)`,
    )
    .run(keepSince, mostRows).changes;
  return events > 0 || dropPulls(db, keepPullsSince) > 0;
}

/** When images were pulled last goes behind what only repeats it, and before what shows who did harm. */
function dropLowest(db: Database): boolean {
  return (
    auditRanks.some((rank) => rank < keptLonger && dropRank(db, rank)) ||
    dropPulls(db, Number.MAX_SAFE_INTEGER) > 0 ||
    auditRanks.some((rank) => rank >= keptLonger && dropRank(db, rank))
  );
}

function dropRank(db: Database, rank: number): boolean {
  const { changes } = db
    .query(
      `DELETE FROM events WHERE rank = ?1 AND id <=
         (SELECT max(id) FROM (SELECT id FROM events WHERE rank = ?1 ORDER BY id LIMIT ?2))`,
    )
    .run(rank, mostRows);
  return changes > 0;
}

/** Those of the images that were pulled longest ago; from then on nobody can say that an image was never pulled. */
function dropPulls(db: Database, before: number): number {
  const oldest = db
    .query<{ at: number }, [number, number]>("SELECT at FROM last_pulls WHERE at < ?1 ORDER BY at LIMIT ?2")
    .all(before, mostRows)
    .at(-1);
  if (oldest === undefined) return 0;
  db.query("UPDATE record SET complete_since = max(complete_since, ?1)").run(oldest.at + 1);
  return db.query("DELETE FROM last_pulls WHERE at <= ?1").run(oldest.at).changes;
}

function usedBytes(db: Database): number {
  return (pragma(db, "page_count") - pragma(db, "freelist_count")) * pragma(db, "page_size");
}
