import type { StorageTotals } from "../../core/metadata-store.ts";
import type { Database } from "./database.ts";

/** Sums over the rows of repositories and over blobs that nothing names; everything else is counted as it changes. */
export function totals(db: Database): StorageTotals {
  const row = db
    .query<StorageTotals, []>(
      `SELECT
         (SELECT count(*) FROM repositories WHERE manifest_count > 0) AS repositories,
         (SELECT coalesce(sum(manifest_count), 0) FROM repositories) AS manifests,
         (SELECT coalesce(sum(tag_count), 0) FROM repositories) AS tags,
         blobs,
         stored_bytes AS storedBytes,
         (SELECT coalesce(sum(size_bytes), 0) FROM blobs WHERE reference_count = 0) AS unreferencedBytes,
         (SELECT count(*) FROM uploads) AS openUploads
       FROM totals`,
    )
    .get();
  if (row === null) throw new Error("the database's table totals is empty");
  return row;
}
