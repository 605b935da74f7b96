import type { AuditEvent } from "./audit-event.ts";
import type { AuditFacts, AuditQuery } from "./audit-store.ts";

import type { StoredImage } from "./metadata-store.ts";
import type { RepositoryPattern } from "./repository-pattern.ts";

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
  /** Also where the record can be neither written nor read: then with what was known of it last, 0 where nothing was. */
  summary(): Promise<AuditSummary>;
  unused(question: UnusedQuestion): Promise<UnusedImages>;
}

/** Which images nobody has pulled, nor pushed, since a time. */
export interface UnusedQuestion {
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly repositories: RepositoryPattern | undefined;
  readonly limit: number;
}

export interface UnusedImage extends Pick<StoredImage, "repository" | "digest" | "tags" | "pushedAt"> {
  /** Undefined where the record has no pull of it, or of what it leads to. */
  readonly lastPulledAt: number | undefined;
}

export interface UnusedImages {
  /** Who was pushed first comes first. */
  readonly images: readonly UnusedImage[];
  readonly hasMore: boolean;
  /** Of what was before, the record does not know every pull. */
  readonly completeSince: number;
}
