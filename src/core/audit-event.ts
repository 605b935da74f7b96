/** What an event is about. The order is that in which events are dropped where there is no room for all: the last ones last. */
export const auditKinds = ["pull", "login", "push", "refusal", "change"] as const;
export type AuditKind = (typeof auditKinds)[number];

/**
 * How it ended. `login-needed`: without credentials, what was asked for is not to be had; most clients ask so first, and come
 * again with them. `failed`: the registry's own fault.
 */
export const auditOutcomes = ["done", "refused", "login-needed", "failed"] as const;
export type AuditOutcome = (typeof auditOutcomes)[number];

/** One line of the record: something that happened, or several equal things of one minute. Never with a secret. */
export interface AuditEvent {
  /** Grows from event to event. */
  readonly id: number;
  /** When it happened first and last, in milliseconds since 1970. */
  readonly at: number;
  readonly lastAt: number;
  /** How many requests it stands for. */
  readonly count: number;
  readonly kind: AuditKind;
  /** A part of something that has an event of its own (a blob of an image), or asked in order to be asked to log in. */
  readonly isDetail: boolean;
  /** In words: `pull`, `push blob`, `add user`. */
  readonly action: string;
  readonly outcome: AuditOutcome;
  /** The principal's id; undefined for who did not log in. */
  readonly principalId: string | undefined;
  /** Its name; of a login that was refused, the name of the user whose password was wrong. */
  readonly name: string | undefined;
  /** With what it was proved: `password`, `key`, …; `none` for who did not log in. */
  readonly credentialKind: string;
  /** Which of them: the id of a key, the serial of a certificate. */
  readonly credentialId: string | undefined;
  /** Where the requests came from, up to `mostAddresses`; none for a command on the machine itself. */
  readonly addresses: readonly string[];
  /** There were more. */
  readonly hasMoreAddresses: boolean;
  readonly repository: string | undefined;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
  /** What a change is about that is about no repository: `user maria`. */
  readonly object: string | undefined;
  /** Why it was refused, or what was changed. */
  readonly reason: string | undefined;
}

/** So many addresses stand in one event. */
export const mostAddresses = 8;

/** In which order events are dropped where there is no room for all: those of the lowest rank first, in it the oldest. */
export function auditRank({ kind, isDetail }: Pick<AuditEvent, "kind" | "isDetail">): number {
  return isDetail ? 0 : auditKinds.indexOf(kind) + 1;
}

/** The highest rank that is given up when the disk is nearly full: pulls, and what belongs to them. */
export const pullRank = auditRank({ kind: "pull", isDetail: false });

/** Every rank, in the order in which they are dropped. */
export const auditRanks: readonly number[] = [0, ...auditKinds.map((kind) => auditRank({ kind, isDetail: false }))];

/** An event as other programs read it: dates in ISO 8601, and nothing where there is nothing. */
export type AuditEventJson = Omit<AuditEvent, "at" | "lastAt"> & { readonly at: string; readonly lastAt: string };

/** The event for other programs. */
export function auditJson(event: AuditEvent): AuditEventJson {
  const { id, at, lastAt, count, kind, isDetail, action, outcome, reason, principalId, name } = event;
  const { credentialKind, credentialId, addresses, hasMoreAddresses, repository, tag, digest, object } = event;
  const time = { at: new Date(at).toISOString(), lastAt: new Date(lastAt).toISOString(), count };
  const who = { principalId, name, credentialKind, credentialId, addresses, hasMoreAddresses };
  return { id, ...time, kind, isDetail, action, outcome, reason, ...who, repository, tag, digest, object };
}
