import { type AuditEvent, auditRank, pullRank } from "../core/audit-event.ts";
import type { AuditSink } from "../core/audit-sink.ts";
import type { AuditState } from "../core/audit-state.ts";
import type { AuditStore } from "../core/audit-store.ts";
import type { Clock } from "../core/clock.ts";
import { RegistryError } from "../core/error.ts";
import type { AuditDraft } from "./audit-folding.ts";
import { AuditQueue } from "./audit-queue.ts";

export interface AuditWriterOptions {
  readonly store: AuditStore;
  readonly sink: AuditSink | undefined;
  readonly clock: Clock;
  readonly onTrouble: (state: AuditState) => void;
  readonly freeBytes: () => Promise<number>;
  readonly keepDays: number;
  readonly maxBytes: number;
  readonly later: (work: () => void, ms: number) => void;
}

type Trouble = NonNullable<AuditState["trouble"]>;

const dayMs = 86_400_000;
/** What happens within so short a time is one write. */
const gatherMs = 250;
/** What could not be written is tried again after so long, then after twice as long, up to the longest. */
const retryMs = 5000;
const longestRetryMs = 60_000;
const pruneEveryMs = 60_000;
const mostPrunings = 100;
/** With less of the disk free, pulls are not recorded: the rest is for refusals and changes. */
const leastFreeBytes = 64 * 1024 * 1024;
/** So many wait while the store cannot write. */
const mostWaiting = 20_000;
/** When images were pulled last is known for so long, whatever is kept of the events. */
const keepPullsDays = 400;

/**
 * Brings events to the store in groups, one after the other, and to the sink. Where the store cannot write, pulls are thrown away,
 * and everything else waits, as far as `mostWaiting` goes: changes are given up last, and before them refusals. The store is tried
 * again and again, also when nothing more happens.
 */
export class AuditWriter {
  readonly #options: AuditWriterOptions;
  readonly #waiting = new AuditQueue(mostWaiting);
  #publishing: AuditEvent[] = [];
  #working: Promise<void> | undefined;
  #isDue = false;
  #missedPullAt: number | undefined;
  #prunedAt = 0;
  #trouble: Trouble | undefined;
  #fileTrouble: Trouble | undefined;
  #lost = 0;
  #isClosed = false;
  #retryMs = retryMs;

  constructor(options: AuditWriterOptions) {
    this.#options = options;
  }

  /** To be written soon; again, where they have grown since. */
  add(drafts: readonly AuditDraft[]): void {
    for (const draft of drafts) this.#wait(draft);
    if (drafts.length > 0) this.#schedule(this.#trouble?.missing === "everything" ? this.#retryMs : gatherMs);
  }

  /** Of these the sink may hear: they grow no more. */
  publish(drafts: readonly AuditDraft[]): void {
    if (this.#options.sink === undefined || drafts.length === 0) return;
    for (const { event } of drafts) if (this.#publishing.length < mostWaiting) this.#publishing.push({ ...event });
    this.#schedule(gatherMs);
  }

  /** A pull was not told apart from others: nobody knows which image it was of. */
  missPull(): void {
    this.#missedPullAt = this.#options.clock.now();
  }

  /** Resolves when everything that was added before was tried to be written. */
  async settle(): Promise<void> {
    // What is under way may have begun before.
    await this.#working;
    await this.#work();
  }

  /** The store could not be asked; it is tried again. */
  isUnreadable(error: unknown): void {
    this.#isTroubled("everything", messageOf(error));
    this.#schedule(this.#retryMs);
  }

  state(): AuditState {
    return { trouble: this.#trouble ?? this.#fileTrouble, lost: this.#lost };
  }

  async close(): Promise<void> {
    await this.settle();
    this.#isClosed = true;
    await this.#options.store.close();
  }

  #schedule(ms: number): void {
    if (this.#isDue || this.#isClosed) return;
    this.#isDue = true;
    this.#options.later(() => {
      this.#isDue = false;
      if (!this.#isClosed) void this.#work();
    }, ms);
  }

  /** One at a time: what comes in meanwhile is the next group. */
  #work(): Promise<void> {
    this.#working ??= this.#write().finally(() => {
      this.#working = undefined;
      const isWell = this.#trouble === undefined && this.#fileTrouble === undefined;
      if (!isWell) this.#schedule(this.#retryMs);
      else if (this.#waiting.size > 0 || this.#publishing.length > 0) this.#schedule(gatherMs);
      this.#retryMs = isWell ? retryMs : Math.min(2 * this.#retryMs, longestRetryMs);
    });
    return this.#working;
  }

  async #write(): Promise<void> {
    await this.#store();
    await this.#publish();
    await this.#prune();
  }

  async #store(): Promise<void> {
    const { store, clock } = this.#options;
    const isNearlyFull = (await this.#freeBytes()) < leastFreeBytes;
    const group = this.#waiting.take();
    const drafts = isNearlyFull ? group.filter((draft) => !this.#isPull(draft)) : group;
    if (drafts.length < group.length) this.#lose(...group.filter((draft) => this.#isPull(draft)));
    const missedAt = isNearlyFull ? undefined : this.#missedPullAt;
    // Only what is recorded from here on is complete.
    const completeSince = missedAt === undefined ? undefined : clock.now();
    const counts = drafts.map(({ event }) => event.count);
    try {
      // Where the last attempt failed, nothing is written all the same: to see whether the store is back.
      const isAsked = drafts.length > 0 || this.#trouble !== undefined;
      if (isAsked)
        await store.write(
          drafts.map(({ event }) => ({ ...event })),
          completeSince,
        );
      for (const [index, draft] of drafts.entries()) draft.writtenCount = counts[index] ?? 0;
      if (isAsked && missedAt === this.#missedPullAt) this.#missedPullAt = undefined;
      if (isNearlyFull) this.#isTroubled("pulls", "the disk is nearly full");
      else this.#isWell();
    } catch (error) {
      this.#keep(drafts);
      this.#isTroubled("everything", messageOf(error));
    }
  }

  async #publish(): Promise<void> {
    const events = this.#publishing;
    if (events.length === 0) return;
    this.#publishing = [];
    try {
      await this.#options.sink?.write(events);
      if (this.#fileTrouble === undefined) return;
      this.#fileTrouble = undefined;
      this.#options.onTrouble(this.state());
    } catch (error) {
      this.#publishing = [...events, ...this.#publishing].slice(0, mostWaiting);
      if (this.#fileTrouble !== undefined) return;
      this.#fileTrouble = { missing: "file", reason: messageOf(error), since: this.#options.clock.now() };
      this.#options.onTrouble(this.state());
    }
  }

  async #prune(): Promise<void> {
    const { store, clock, keepDays, maxBytes } = this.#options;
    const now = clock.now();
    if (this.#trouble?.missing === "everything" || Math.abs(now - this.#prunedAt) < pruneEveryMs) return;
    this.#prunedAt = now;
    const bounds = {
      keepSince: now - keepDays * dayMs,
      keepPullsSince: now - Math.max(keepDays, keepPullsDays) * dayMs,
      maxBytes,
    };
    try {
      for (let round = 0; round < mostPrunings; round += 1) if (!(await store.prune(bounds))) break;
    } catch (error) {
      this.#isTroubled("everything", messageOf(error));
    }
  }

  /** Where nobody can tell, writing will. */
  async #freeBytes(): Promise<number> {
    try {
      return await this.#options.freeBytes();
    } catch {
      return Infinity;
    }
  }

  /** What could not be written waits, but for pulls. */
  #keep(drafts: readonly AuditDraft[]): void {
    for (const draft of [...drafts, ...this.#waiting.take()]) {
      if (this.#isPull(draft)) this.#lose(draft);
      else this.#wait(draft);
    }
  }

  #wait(draft: AuditDraft): void {
    const lost = this.#waiting.add(draft);
    if (lost !== undefined) this.#lose(lost);
  }

  #isPull({ event }: AuditDraft): boolean {
    return auditRank(event) <= pullRank;
  }

  #lose(...drafts: readonly AuditDraft[]): void {
    this.#lost += drafts.length;
    // Until it grows: then it is tried again.
    for (const draft of drafts) draft.writtenCount = draft.event.count;
    if (drafts.some(({ event }) => auditRank(event) === pullRank)) this.missPull();
  }

  #isTroubled(missing: Trouble["missing"], reason: string): void {
    if (this.#trouble?.missing === missing) return;
    this.#trouble = { missing, reason, since: this.#trouble?.since ?? this.#options.clock.now() };
    this.#options.onTrouble(this.state());
  }

  #isWell(): void {
    if (this.#trouble === undefined) return;
    this.#trouble = undefined;
    this.#options.onTrouble(this.state());
  }
}

function messageOf(error: unknown): string {
  if (error instanceof RegistryError && error.cause instanceof Error) return error.cause.message;
  return error instanceof Error ? error.message : String(error);
}
