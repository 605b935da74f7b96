import type { BlobStore } from "../core/blob-store.ts";
import type { Clock } from "../core/clock.ts";
import type {
  CollectionAdministration,
  CollectionPlan,
  CollectionReport,
  CollectionState,
} from "../core/collection-administration.ts";
import type { CollectionStore, CollectionTerms } from "../core/collection-store.ts";
import { leaseMs } from "../core/lease.ts";
import type { Leases } from "./leases.ts";
import type { UnlinkHolds } from "./unlink-holds.ts";

export interface GarbageCollectionPorts {
  readonly collection: CollectionStore;
  readonly blobs: Pick<BlobStore, "delete">;
  readonly leases: Pick<Leases, "taking">;
  readonly clock: Clock;
  /** While it says so, files stay: they are unlinked by a later collection. */
  readonly unlinkHolds: Pick<UnlinkHolds, "isHeld">;
  /** Waits a moment between two steps, for everybody else. */
  readonly pause: () => Promise<void>;
  /** Hears of every collection that took something, before it ends. */
  readonly record: (report: CollectionReport) => Promise<void>;
}

export interface GarbageCollectionSettings {
  /** How long what was deleted can be had back. */
  readonly trashMs: number;
  /** What is about a manifest stays when that goes. */
  readonly keepsReferrers: boolean;
}

/** A step does about so much: some milliseconds of the database's writer. */
const stepSize = 100;
const mostPlanned = 10_000;

const nothing: CollectionReport = { expired: 0, orphans: 0, blobs: 0, bytes: 0, files: 0, repositories: 0 };

/**
 * Takes away what nobody needs, in small steps, while everything else goes on; there is no state in between that anybody
 * could see, and no lock. What a step decides is decided in one change of the database, which looks at everything again.
 *
 * A file is unlinked when the change that ended its blob is on the disk, and its key is never used again: who pushes the
 * same bytes meanwhile gets a file of their own. A collection that breaks off, by an error or by a crash, has done the steps
 * that it had done; the next one begins with the files that are to be unlinked.
 */
export class GarbageCollection implements CollectionAdministration {
  readonly #ports: GarbageCollectionPorts;
  readonly #settings: GarbageCollectionSettings;
  #underWay: Promise<CollectionReport> | undefined;
  #lastRun: CollectionState["lastRun"];
  #isStopping = false;

  constructor(ports: GarbageCollectionPorts, settings: GarbageCollectionSettings) {
    this.#ports = ports;
    this.#settings = settings;
  }

  run(): Promise<CollectionReport> {
    this.#underWay ??= this.#collect().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async plan(): Promise<CollectionPlan> {
    const { collection } = this.#ports;
    const { at, trashedUntil, orphanedUntil } = this.#terms();
    const [expired, orphans, blobs, files] = await Promise.all([
      collection.listExpired(trashedUntil, mostPlanned),
      collection.listOrphans(orphanedUntil, mostPlanned),
      collection.listUnneeded(at, mostPlanned),
      collection.listUnlinks(mostPlanned),
    ]);
    const isComplete = [expired, orphans, blobs, files].every(({ length }) => length < mostPlanned);
    return { expired, orphans, blobs, files, isComplete };
  }

  async state(): Promise<CollectionState> {
    const { collection, clock } = this.#ports;
    const use = await collection.storageUse(clock.now());
    const isRunning = this.#underWay !== undefined;
    return { use, lastRun: this.#lastRun, isRunning, trashMs: this.#settings.trashMs };
  }

  /** Lets the step end that is under way; from then on nothing is taken any more. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#underWay?.catch(() => undefined);
  }

  async #collect(): Promise<CollectionReport> {
    const terms = this.#terms();
    // First the files of a collection that was broken off, last those of this one.
    const leftFiles = await this.#unlink();
    const expired = await this.#repeat(() => this.#ports.collection.expireTrash(terms, stepSize));
    const orphans = await this.#removeOrphans(terms);
    const { blobs, bytes } = await this.#claimBlobs();
    const files = leftFiles + (await this.#unlink());
    const repositories = await this.#repeat(() =>
      this.#ports.collection.removeEmptyRepositories(terms.trashedUntil, stepSize),
    );
    const report = { expired, orphans, blobs, bytes, files, repositories };
    if (Object.values(report).some((count) => count > 0)) await this.#ports.record(report);
    this.#lastRun = { at: this.#ports.clock.now(), report };
    return report;
  }

  #terms(): CollectionTerms {
    const at = this.#ports.clock.now();
    const { trashMs, keepsReferrers } = this.#settings;
    return { at, trashedUntil: at - trashMs, orphanedUntil: at - Math.max(trashMs, leaseMs), keepsReferrers };
  }

  /** Does a step until it finds nothing to do; answers how much all of them did. */
  async #repeat(step: () => Promise<number>): Promise<number> {
    for (let sum = 0; ; await this.#ports.pause()) {
      const done = this.#isStopping ? 0 : await step();
      if (done === 0) return sum;
      sum += done;
    }
  }

  async #removeOrphans(terms: CollectionTerms): Promise<number> {
    const { collection, leases } = this.#ports;
    let removed = 0;
    await this.#repeat(async () => {
      const orphans = await collection.listOrphans(terms.orphanedUntil, stepSize);
      // Those that are needed after all leave the list, too; those that are held do not.
      return leases.taking(orphans, async (free) => {
        removed += free.length === 0 ? 0 : await collection.removeOrphans(free, terms);
        return free.length;
      });
    });
    return removed;
  }

  async #claimBlobs(): Promise<Pick<CollectionReport, "blobs" | "bytes">> {
    const { collection, leases, clock } = this.#ports;
    let { blobs, bytes } = nothing;
    await this.#repeat(async () => {
      const at = clock.now();
      const unneeded = await collection.listUnneeded(at, stepSize);
      const claimed = await leases.taking(unneeded, (free) => collection.claimBlobs(free, at));
      blobs += claimed.blobs;
      bytes += claimed.bytes;
      return claimed.blobs;
    });
    return { blobs, bytes };
  }

  #unlink(): Promise<number> {
    const { collection, blobs, unlinkHolds } = this.#ports;
    return this.#repeat(async () => {
      if (unlinkHolds.isHeld) return 0;
      const keys = await collection.listUnlinks(stepSize);
      for (const key of keys) await blobs.delete(key);
      if (keys.length > 0) await collection.removeUnlinks(keys);
      return keys.length;
    });
  }
}
