import { setTimeout } from "node:timers/promises";
import type { Settings } from "../config/settings.ts";
import type { CollectionReport } from "../core/collection-administration.ts";
import type { Actor } from "../core/administration.ts";
import type { PrincipalId } from "../core/principal.ts";
import { GarbageCollection } from "../registry/garbage-collection.ts";
import { UnlinkHolds } from "../registry/unlink-holds.ts";
import { clock } from "./clock.ts";
import type { Stores } from "./stores.ts";

const dayMs = 24 * 60 * 60 * 1000;

/** Who takes away what nobody needs. */
const collector: Actor = { id: "00000000000000000000000001" as PrincipalId, name: "garbage collection" };

/** Between two steps, for everybody else. */
const pause = (): Promise<void> => setTimeout(10);

/** The garbage collection of a data folder; what it takes is in the record. */
export function openGarbageCollection(
  stores: Stores,
  { trashDays, keepReferrers }: Settings,
  unlinkHolds = new UnlinkHolds(clock),
): GarbageCollection {
  const { collection, blobs, leases, audit } = stores;
  const record = (report: CollectionReport): Promise<void> =>
    audit.trail.change(collector, { action: "collect garbage", object: undefined, reason: inWords(report) });
  return new GarbageCollection(
    { collection, blobs, leases, clock, unlinkHolds, pause, record },
    { trashMs: trashDays * dayMs, keepsReferrers: keepReferrers },
  );
}

function inWords({ expired, orphans, blobs, bytes, files, repositories }: CollectionReport): string {
  return [
    `out of the trash: ${expired}`,
    `untagged manifests: ${orphans}`,
    `blobs: ${blobs} (${bytes} bytes)`,
    `files: ${files}`,
    `repositories: ${repositories}`,
  ].join(", ");
}
