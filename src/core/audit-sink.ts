import type { AuditEvent } from "./audit-event.ts";

/** Where the record goes besides its store: to be read by other programs. */
export interface AuditSink {
  /** Adds events that grow no more, in their order. Rejects where it cannot; it may be asked again. */
  write(events: readonly AuditEvent[]): Promise<void>;
}
