import { type AuditEvent, mostAddresses } from "../core/audit-event.ts";

/** An event that may still grow. */
export interface AuditDraft {
  readonly event: { -readonly [Name in keyof AuditEvent]: AuditEvent[Name] };
  /** How many requests it stood for when it was written last; 0: it was not. */
  writtenCount: number;
}

/**
 * The events of one minute by what makes them equal, so that as many requests as may come are as few events. Where more different
 * things happen than `capacity`, they are told apart less well: the caller gives coarser keys then.
 */
export class AuditFolding {
  readonly #capacity: number;
  readonly #drafts = new Map<string, AuditDraft>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get isEmpty(): boolean {
    return this.#drafts.size === 0;
  }

  /** No more events fit that are told apart well. */
  get isFull(): boolean {
    return this.#drafts.size >= this.#capacity;
  }

  get(key: string): AuditDraft | undefined {
    return this.#drafts.get(key);
  }

  add(key: string, draft: AuditDraft): void {
    this.#drafts.set(key, draft);
  }

  /** Those that have grown since they were written. */
  grown(): readonly AuditDraft[] {
    return [...this.#drafts.values()].filter(({ event, writtenCount }) => event.count > writtenCount);
  }

  /** Ends the minute: answers its events, which grow no more. */
  end(): readonly AuditDraft[] {
    const drafts = [...this.#drafts.values()];
    this.#drafts.clear();
    return drafts;
  }
}

/** One more request of the same kind. */
export function grow({ event }: AuditDraft, at: number, address: string | undefined, tag: string | undefined): void {
  event.count += 1;
  event.lastAt = at;
  event.tag ??= tag;
  if (address === undefined || address === event.addresses[0] || event.hasMoreAddresses) return;
  if (event.addresses.includes(address)) return;
  if (event.addresses.length < mostAddresses) event.addresses = [...event.addresses, address];
  else event.hasMoreAddresses = true;
}
