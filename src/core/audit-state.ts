import type { AuditEvent } from "./audit-event.ts";
import type { AuditFacts, AuditQuery } from "./audit-store.ts";

/** What is wrong with the record, if anything is. */
export interface AuditState {
  readonly trouble:
    | {
        /** What is not recorded meanwhile. `pulls`: the room that is left is kept for changes and refusals. */
        readonly missing: "pulls" | "everything" | "file";
        readonly reason: string;
        /** Milliseconds since 1970. */
        readonly since: number;
      }
    | undefined;
  /** Events that were thrown away since the process started. */
  readonly lost: number;
}

/** How the record is, for the operator. */
export interface AuditSummary extends AuditState, Pick<AuditFacts, "completeSince" | "sizeBytes"> {
  readonly keepDays: number;
}

/** What an operator asks the record. The same whether a server runs or not. */
export interface AuditReading {
  /** Newest first, up to the last request that was answered. */
  list(query: AuditQuery): Promise<readonly AuditEvent[]>;
  summary(): Promise<AuditSummary>;
}
