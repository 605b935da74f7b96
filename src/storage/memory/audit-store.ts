import { type AuditEvent, auditRank, auditRanks, pullRank } from "../../core/audit-event.ts";
import type { AuditBounds, AuditFacts, AuditQuery, AuditStore, LastPull } from "../../core/audit-store.ts";
import type { RepositoryName } from "../../core/repository-name.ts";
import { matchesRepository } from "../../core/repository-pattern.ts";

/** The port of the record in maps, for tests. An event takes as many bytes as its JSON has characters. */
export class MemoryAuditStore implements AuditStore {
  readonly #events = new Map<number, AuditEvent>();
  readonly #pulls = new Map<string, LastPull>();
  readonly #notes = new Map<string, string>();
  #completeSince = 0;

  async write(events: readonly AuditEvent[], completeSince = 0): Promise<void> {
    for (const event of events) {
      this.#events.set(event.id, event);
      const { repository, digest, lastAt, outcome } = event;
      if (auditRank(event) !== pullRank || outcome !== "done" || repository === undefined || digest === undefined)
        continue;
      const known = this.#pulls.get(`${repository}@${digest}`)?.at ?? 0;
      this.#pulls.set(`${repository}@${digest}`, { repository, digest, at: Math.max(known, lastAt) });
    }
    this.#completeSince = Math.max(this.#completeSince, completeSince);
  }

  async list(query: AuditQuery): Promise<readonly AuditEvent[]> {
    return this.#sorted()
      .toReversed()
      .filter((event) => isWanted(event, query))
      .slice(0, query.limit);
  }

  async lastPulls(images: readonly Omit<LastPull, "at">[]): Promise<readonly LastPull[]> {
    return images.flatMap(({ repository, digest }) => this.#pulls.get(`${repository}@${digest}`) ?? []);
  }

  async prune({ keepSince, keepPullsSince, maxBytes }: AuditBounds): Promise<boolean> {
    for (const { id, lastAt } of this.#sorted()) if (lastAt < keepSince) this.#events.delete(id);
    for (const [key, { at }] of this.#pulls) if (at < keepPullsSince) this.#pulls.delete(key);
    let left = this.#sizeBytes();
    for (const rank of auditRanks)
      for (const event of this.#sorted()) {
        if (auditRank(event) !== rank || left <= maxBytes) continue;
        this.#events.delete(event.id);
        left -= sizeOf(event);
      }
    return false;
  }

  async facts(): Promise<AuditFacts> {
    const lastId = this.#sorted().at(-1)?.id ?? 0;
    return { lastId, completeSince: this.#completeSince, sizeBytes: this.#sizeBytes() };
  }

  async readNote(name: string): Promise<string | undefined> {
    return this.#notes.get(name);
  }

  async writeNote(name: string, text: string): Promise<void> {
    this.#notes.set(name, text);
  }

  async close(): Promise<void> {}

  #sorted(): readonly AuditEvent[] {
    return [...this.#events.values()].toSorted((one, other) => one.id - other.id);
  }

  #sizeBytes(): number {
    let sum = 0;
    for (const event of this.#events.values()) sum += sizeOf(event);
    return sum;
  }
}

function sizeOf(event: AuditEvent): number {
  return JSON.stringify(event).length;
}

function isWanted(event: AuditEvent, query: AuditQuery): boolean {
  const { who, what, repositories, digest, address, outcome, withDetails } = query;
  const { since = 0, until = Infinity, before = Infinity } = query;
  return (
    (who === undefined || who === event.name || who === event.principalId) &&
    (what === undefined || what === event.kind || what === event.action) &&
    (repositories === undefined ||
      (event.repository !== undefined && matchesRepository(repositories, event.repository as RepositoryName))) &&
    (digest === undefined || digest === event.digest) &&
    (address === undefined || event.addresses.includes(address)) &&
    (outcome === undefined || outcome === event.outcome) &&
    event.lastAt >= since &&
    event.at < until &&
    event.id < before &&
    (withDetails || !event.isDetail)
  );
}
