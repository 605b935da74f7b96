import { algorithmOf, digestOf } from "../core/digest.ts";
import type { SnapshotBytes, SnapshotContent } from "../storage/sqlite/snapshot-content.ts";

const rowsAtOnce = 50;

/** Hashes what stands in the database itself, small blobs and manifests, and tells of what is not what it should be. */
export async function checkRows(content: SnapshotContent, onDamage: (row: SnapshotBytes) => void): Promise<void> {
  let rows = 0;
  for (const row of content.bytes()) {
    if (digestOf(row.bytes, algorithmOf(row.digest)) !== row.digest) onDamage(row);
    rows += 1;
    // Whoever else works in this process gets a turn.
    if (rows % rowsAtOnce === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
