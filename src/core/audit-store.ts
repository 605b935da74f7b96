import type { AuditEvent, AuditKind, AuditOutcome } from "./audit-event.ts";
import type { RepositoryPattern } from "./repository-pattern.ts";

/** Which events are wanted; what is undefined is not asked for. */
export interface AuditQuery {
  /** A principal's name or id. */
  readonly who?: string | undefined;
  /** A kind, or an action. */
  readonly what?: AuditKind | (string & {}) | undefined;
  readonly repositories?: RepositoryPattern | undefined;
  readonly digest?: string | undefined;
  readonly address?: string | undefined;
  readonly outcome?: AuditOutcome | undefined;
  /** Milliseconds since 1970, the first included and the second not. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** The id of an event: those before it only. */
  readonly before?: number | undefined;
  /** Whether events count that are details of others. */
  readonly withDetails: boolean;
  readonly limit: number;
}

/** Whether what is asked for can be a detail alone, so that it would not be found without them. */
export function isAboutDetails({ digest, outcome }: Pick<AuditQuery, "digest" | "outcome">): boolean {
  return digest !== undefined || outcome === "login-needed";
}

/** What the record may take. */
export interface AuditBounds {
  /** Events that happened last before this are dropped, whatever they are. */
  readonly keepSince: number;
  /** The same for when images were pulled last, which is kept for longer. */
  readonly keepPullsSince: number;
  readonly maxBytes: number;
}

/** How the record is. */
export interface AuditFacts {
  /** Of the newest event; 0 where there is none. */
  readonly lastId: number;
  /** From then on no pull is missing. */
  readonly completeSince: number;
  /** What it takes on the disk. */
  readonly sizeBytes: number;
}

/** An image by repository and digest, and when it was pulled last. */
export interface LastPull {
  readonly repository: string;
  readonly digest: string;
  readonly at: number;
}

/** Where the record of what happened is kept: events, and when each image was pulled last. Reading answers every write that has returned. */
export interface AuditStore {
  /**
   * Adds events, or replaces those that have the same id, all or none. Survives a power cut when the call returns. A pull that was
   * done notes when its image was pulled last. `completeSince` says that pulls before that are missing.
   */
  write(events: readonly AuditEvent[], completeSince?: number): Promise<void>;
  /** Newest first. */
  list(query: AuditQuery): Promise<readonly AuditEvent[]>;
  /** Of these images those that were pulled, as far back as is known. */
  lastPulls(images: readonly Omit<LastPull, "at">[]): Promise<readonly LastPull[]>;
  /**
   * Drops a part of what is beyond the bounds: what is too old, and then, until the rest fits, what has the lowest rank. Answers
   * whether there may be more to drop.
   */
  prune(bounds: AuditBounds): Promise<boolean>;
  facts(): Promise<AuditFacts>;
  /** A text that was noted under the name; undefined where none was. */
  readNote(name: string): Promise<string | undefined>;
  writeNote(name: string, text: string): Promise<void>;
  /** Lets what is under way finish, and ends. */
  close(): Promise<void>;
}
