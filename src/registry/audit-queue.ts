import { auditRank, auditRanks } from "../core/audit-event.ts";
import type { AuditDraft } from "./audit-folding.ts";

/** Events that wait to be written, each once. Where there is no room for all, those of the lowest rank give way, the oldest first. */
export class AuditQueue {
  readonly #capacity: number;
  readonly #ranks: readonly Set<AuditDraft>[] = auditRanks.map(() => new Set());
  #size = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#size;
  }

  /** Answers the one that there is no room for: another, or this one where it has the lowest rank itself. */
  add(draft: AuditDraft): AuditDraft | undefined {
    const own = this.#ranks[auditRank(draft.event)];
    if (own === undefined || own.has(draft)) return undefined;
    own.add(draft);
    this.#size += 1;
    if (this.#size <= this.#capacity) return undefined;
    this.#size -= 1;
    const lowest = this.#ranks.find(({ size }) => size > 0);
    // Of its own rank nothing older goes for it.
    const [leaving = draft] = lowest === own ? [draft] : (lowest ?? []);
    lowest?.delete(leaving);
    return leaving;
  }

  /** All of them, in the order in which they happened; none is left. */
  take(): readonly AuditDraft[] {
    const all = this.#ranks.flatMap((drafts) => [...drafts]);
    for (const drafts of this.#ranks) drafts.clear();
    this.#size = 0;
    return all.toSorted((one, other) => one.event.id - other.event.id);
  }
}
