import type { Clock } from "../core/clock.ts";
import type { StoredContent } from "../core/collection-store.ts";
import type { Digest } from "../core/digest.ts";
import { RegistryError } from "../core/error.ts";
import { isLeased, leaseMs } from "../core/lease.ts";
import type { BlobRecord, ManifestRecord, MetadataStore } from "../core/metadata-store.ts";
import type { RepositoryName } from "../core/repository-name.ts";

export interface LeasesPorts {
  readonly metadata: Pick<MetadataStore, "leaseBlob" | "touchManifest">;
  readonly clock: Clock;
}

/** So many are held in memory; where there are more, nothing at all is collected for the time of a lease. */
const mostHeld = 100_000;

/**
 * What somebody is told of stays for a day. A lease is written before the answer goes out, where one is needed: for what
 * nothing names, and twice a day at most. Where it cannot be written (a full disk), the answer goes out all the same, and the
 * lease is kept here, where the garbage collection asks.
 */
export class Leases {
  readonly #ports: LeasesPorts;
  /** Until when what is leased that could not be written. */
  readonly #held = new Map<string, number>();
  #everythingUntil = 0;
  /** What the garbage collection is taking at this moment. */
  readonly #taken = new Set<string>();

  constructor(ports: LeasesPorts) {
    this.#ports = ports;
  }

  /** False where the blob is gone by now: whoever asked has to be told so. */
  async holdBlob(repository: RepositoryName, { digest, leasedUntil }: BlobRecord): Promise<boolean> {
    const now = this.#ports.clock.now();
    if (leasedUntil === undefined || isLeased(leasedUntil, now)) return true;
    return this.#hold(keyOf({ repository, digest }), now, () =>
      this.#ports.metadata.leaseBlob(repository, digest, now + leaseMs),
    );
  }

  /** The same of a manifest that nothing names. */
  async holdManifest(repository: RepositoryName, { digest, orphanedAt }: ManifestRecord): Promise<boolean> {
    const now = this.#ports.clock.now();
    if (orphanedAt === undefined || isLeased(orphanedAt + leaseMs, now)) return true;
    return this.#hold(keyOf({ repository, digest }), now, () =>
      this.#ports.metadata.touchManifest(repository, digest, now),
    );
  }

  /** Runs `take` on those of `contents` that are not held here. Nobody can begin to hold one of them until it ends. */
  async taking<Content extends StoredContent, Answer>(
    contents: readonly Content[],
    take: (free: readonly Content[]) => Promise<Answer>,
  ): Promise<Answer> {
    const now = this.#ports.clock.now();
    const free = this.#everythingUntil > now ? [] : contents.filter((each) => !this.#isHeld(keyOf(each), now));
    for (const each of free) this.#taken.add(keyOf(each));
    try {
      return await take(free);
    } finally {
      for (const each of free) this.#taken.delete(keyOf(each));
    }
  }

  async #hold(key: string, now: number, write: () => Promise<boolean>): Promise<boolean> {
    try {
      return await write();
    } catch (error) {
      // Being taken away at this moment, and nobody knows how that ends.
      if (!(error instanceof RegistryError) || error.code !== "UNAVAILABLE" || this.#taken.has(key)) throw error;
      this.#remember(key, now);
      return true;
    }
  }

  #remember(key: string, now: number): void {
    if (this.#held.size >= mostHeld) for (const held of this.#held.keys()) this.#isHeld(held, now);
    if (this.#held.size < mostHeld) this.#held.set(key, now + leaseMs);
    else this.#everythingUntil = now + leaseMs;
  }

  #isHeld(key: string, now: number): boolean {
    if ((this.#held.get(key) ?? 0) > now) return true;
    this.#held.delete(key);
    return false;
  }
}

function keyOf({ repository, digest }: { readonly repository: RepositoryName; readonly digest: Digest }): string {
  return `${repository}@${digest}`;
}
