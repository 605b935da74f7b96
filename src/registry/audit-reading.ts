import type { AuditEvent } from "../core/audit-event.ts";
import type { AuditReading, AuditSummary, UnusedImage, UnusedImages, UnusedQuestion } from "../core/audit-state.ts";
import type { AuditQuery, AuditStore } from "../core/audit-store.ts";
import type { MetadataStore, StoredImage } from "../core/metadata-store.ts";
import { matchesRepository } from "../core/repository-pattern.ts";
import type { AuditTrail } from "./audit-trail.ts";

export interface AuditReadingPorts {
  readonly store: Pick<AuditStore, "list" | "facts" | "lastPulls">;
  readonly metadata: Pick<MetadataStore, "listImages">;
  readonly trail: Pick<AuditTrail, "settle" | "state" | "isUnreadable">;
  readonly keepDays: number;
}

const pageLength = 500;

/** The operator's questions, over the ports. */
export class LocalAuditReading implements AuditReading {
  readonly #ports: AuditReadingPorts;
  /** What the store said last. */
  #known = { completeSince: 0, sizeBytes: 0 };

  constructor(ports: AuditReadingPorts) {
    this.#ports = ports;
  }

  async list(query: AuditQuery): Promise<readonly AuditEvent[]> {
    await this.#ports.trail.settle();
    return this.#ports.store.list(query);
  }

  async unused({ since, repositories, limit }: UnusedQuestion): Promise<UnusedImages> {
    const { store, trail, metadata } = this.#ports;
    await trail.settle();
    const { completeSince } = await store.facts();
    const unused: UnusedImage[] = [];
    let behind = 0;
    while (unused.length <= limit) {
      const page = await metadata.listImages(behind, pageLength);
      const last = page.at(-1);
      if (last === undefined) break;
      behind = last.position;
      const asked = page.filter(({ repository, pushedAt }) => {
        return pushedAt < since && (repositories === undefined || matchesRepository(repositories, repository));
      });
      for (const image of await this.#withLastPulls(asked))
        if (image.lastPulledAt === undefined || image.lastPulledAt < since) unused.push(image);
    }
    return { images: unused.slice(0, limit), hasMore: unused.length > limit, completeSince };
  }

  /** An image is used when what it leads to is: clients that know the platform they want need not ask for the index. */
  async #withLastPulls(images: readonly StoredImage[]): Promise<readonly UnusedImage[]> {
    const pulls = await this.#ports.store.lastPulls(
      images.flatMap(({ repository, members }) => members.map((digest) => ({ repository, digest }))),
    );
    const times = new Map(pulls.map(({ repository, digest, at }) => [`${repository}@${digest}`, at]));
    return images.map(({ repository, digest, tags, pushedAt, members }) => {
      const known = members.flatMap((member) => times.get(`${repository}@${member}`) ?? []);
      const lastPulledAt = known.length === 0 ? undefined : Math.max(...known);
      return { repository, digest, tags, pushedAt, lastPulledAt };
    });
  }

  async summary(): Promise<AuditSummary> {
    const { store, trail, keepDays } = this.#ports;
    await trail.settle();
    try {
      const { completeSince, sizeBytes } = await store.facts();
      this.#known = { completeSince, sizeBytes };
    } catch (error) {
      trail.isUnreadable(error);
    }
    return { ...trail.state(), ...this.#known, keepDays };
  }
}
