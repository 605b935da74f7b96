import type { AuditEvent, AuditKind } from "../core/audit-event.ts";
import type { AuditSink } from "../core/audit-sink.ts";
import type { AuditState } from "../core/audit-state.ts";
import type { AuditStore } from "../core/audit-store.ts";
import type { Actor } from "../core/administration.ts";
import { anonymousCaller, type Caller } from "../core/caller.ts";
import type { Clock } from "../core/clock.ts";
import type { Principal } from "../core/principal.ts";
import { type AuditDraft, AuditFolding, grow } from "./audit-folding.ts";
import { AuditLogins } from "./audit-logins.ts";
import { AuditWriter } from "./audit-writer.ts";

/** What the success of a route is for the record. A detail is a part of something that has an event of its own. */
export interface RouteRecord {
  readonly kind: Extract<AuditKind, "pull" | "push" | "change">;
  readonly isDetail?: true;
}

/** What the record has to know of a request. */
export interface ExchangeSeen {
  readonly method: string;
  readonly client: string | undefined;
  readonly routeName?: string | undefined;
  readonly record?: RouteRecord | undefined;
  /** Undefined where the credentials were refused, and where nobody asked for them. */
  readonly caller?: Caller | undefined;
  /** Whose password was wrong. */
  readonly claimedName?: string | undefined;
  readonly repository?: string | undefined;
  readonly reference?: string | undefined;
  readonly reason?: string | undefined;
}

/** A change of the registry itself: `add user`, `user maria`. */
export interface AdministrativeChange {
  readonly action: string;
  readonly object: string | undefined;
  readonly repository?: string | undefined;
  /** What exactly, where that is more. */
  readonly reason?: string | undefined;
}

export interface AuditTrailOptions {
  readonly store: AuditStore;
  readonly sink: AuditSink | undefined;
  readonly clock: Clock;
  /** Hears of what is wrong with the record, and that it is well again. */
  readonly onTrouble: (state: AuditState) => void;
  /** Of the disk that the record is on. */
  readonly freeBytes: () => Promise<number>;
  readonly keepDays: number;
  readonly maxBytes: number;
  /** Runs something later; for tests. */
  readonly later?: (work: () => void, ms: number) => void;
}

const minuteMs = 60_000;
/** Of different pulls and pushes, and of different refusals, in a minute. */
const mostTraffic = 5000;
const mostRefusals = 200;
const longestReason = 500;
const tooMany = "too many different ones in a minute to tell them apart";

type Fields = Pick<AuditEvent, "kind" | "isDetail" | "action" | "outcome"> & Partial<AuditEvent>;

const whole = { isDetail: false, outcome: "done" } as const;

/** Who does something, as far as the record tells. */
interface Doer {
  readonly principal: Pick<Principal, "id" | "name"> | undefined;
  readonly credential: { readonly kind: string; readonly id?: string };
}

/** Of an answer: its status, and the headers that name what it is about. */
interface AnswerSeen {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The record of what happens, from the side of those who do it: nobody waits for it. Requests that are equal (one principal with one
 * credential, one image) are one event a minute; a login is the first use of a credential in five minutes; a refusal and a change are
 * events of their own. An event is on the disk within a second; how many more requests it stood for, at the end of its minute.
 */
export class AuditTrail {
  readonly #options: AuditTrailOptions;
  readonly #writer: AuditWriter;
  readonly #traffic = new AuditFolding(mostTraffic);
  readonly #refusals = new AuditFolding(mostRefusals);
  readonly #logins = new AuditLogins();
  readonly #later: (work: () => void, ms: number) => void;
  #lastId: number;
  /** Of each digest the event that grew last in this minute. */
  readonly #lastPulls = new Map<string, AuditDraft>();
  #minute = 0;

  /** Goes on behind what the store has. */
  static async open(options: AuditTrailOptions): Promise<AuditTrail> {
    return new AuditTrail(options, (await options.store.facts()).lastId);
  }

  private constructor(options: AuditTrailOptions, lastId: number) {
    this.#options = options;
    this.#later = options.later ?? ((work, ms) => void setTimeout(work, ms).unref());
    this.#writer = new AuditWriter({ ...options, later: this.#later });
    this.#lastId = lastId;
  }

  /** A request has its answer. Called for every one of them, so it only counts in memory. */
  exchange(seen: ExchangeSeen, answer: AnswerSeen): void {
    const { caller = anonymousCaller } = seen;
    const { principal, credential } = caller;
    if (principal?.source === "process") return;
    const { status } = answer;
    const now = this.#turn();
    if (status < 400 && this.#isPulledAgain(seen, caller, answer, now)) return;
    const who = principal === undefined ? "" : `${principal.id} ${credential.kind} ${credential.id ?? ""}`;
    // A token is what a login gave: that one was counted.
    if (principal !== undefined && credential.kind !== "token" && this.#logins.isFirst(who, now))
      this.#addAlone(caller, seen.client, { ...whole, kind: "login", action: "log in" });
    if (status < 400) this.#success(who, seen, answer, now);
    else if (isRefusal(status) || (status >= 500 && isOfChange(seen))) this.#refusal(who, seen, status, now);
  }

  /** Resolves when it is on the disk, or when that could not be: then it is kept until it can. */
  async change(actor: Actor, change: AdministrativeChange): Promise<void> {
    this.#turn();
    const { credential = { kind: "command" }, address } = actor;
    const reason = change.reason?.slice(0, longestReason);
    this.#addAlone({ principal: actor, credential }, address, { ...change, ...whole, reason, kind: "change" });
    await this.#writer.settle();
  }

  /** Writes what is known by now. */
  async settle(): Promise<void> {
    this.#turn();
    this.#writer.add([...this.#traffic.grown(), ...this.#refusals.grown()]);
    await this.#writer.settle();
  }

  /** Somebody asked the store, and it could not answer. */
  isUnreadable(error: unknown): void {
    this.#writer.isUnreadable(error);
  }

  state(): AuditState {
    return this.#writer.state();
  }

  /** Writes everything and closes the store. */
  async close(): Promise<void> {
    this.#end();
    await this.#writer.close();
  }

  /** The usual case, without a key being made: the same as the last pull of this digest in this minute, whose login was counted. */
  #isPulledAgain(
    { method, record, client, repository, reference, routeName }: ExchangeSeen,
    caller: Caller,
    { headers }: AnswerSeen,
    now: number,
  ): boolean {
    if (record?.kind !== "pull" || (record.isDetail === true && method === "HEAD")) return false;
    const last = this.#lastPulls.get(headers["Docker-Content-Digest"] ?? "");
    if (last === undefined) return false;
    const { event } = last;
    const { principal, credential } = caller;
    const isSame =
      event.principalId === principal?.id &&
      event.credentialKind === credential.kind &&
      event.credentialId === credential.id &&
      event.repository === repository &&
      event.action === routeName;
    if (isSame) grow(last, now, client, event.tag ?? referenceFields(reference).tag);
    return isSame;
  }

  #success(who: string, seen: ExchangeSeen, { status, headers }: AnswerSeen, now: number): void {
    const { record, routeName = "", repository, reference } = seen;
    if (record === undefined) return;
    // 202: an upload goes on. To ask whether a blob is there is no pull.
    if (record.kind === "push" ? status !== 201 : record.isDetail === true && seen.method === "HEAD") return;
    const asked = referenceFields(reference);
    const digest = headers["Docker-Content-Digest"] ?? asked.digest;
    const tag = headers["OCI-Tag"] ?? asked.tag;
    const caller = seen.caller ?? anonymousCaller;
    const what = { kind: record.kind, isDetail: record.isDetail === true, action: routeName, outcome: "done" } as const;
    if (record.kind === "change") {
      this.#addAlone(caller, seen.client, { ...what, repository, digest, tag });
      return;
    }
    const key = `${who} ${repository} ${digest} ${routeName} ${record.kind === "push" ? tag : ""}`;
    const known = this.#traffic.get(key);
    if (known !== undefined) {
      if (record.kind === "pull") this.#lastPulls.set(known.event.digest ?? "", known);
      return grow(known, now, seen.client, tag);
    }
    // Which image it was is lost.
    if (record.kind === "pull" && !what.isDetail && this.#traffic.isFull) this.#writer.missPull();
    this.#add(this.#traffic, key, caller, seen.client, { ...what, repository, digest, tag });
  }

  /** Somebody was refused, or the registry failed; the same again and again is one event a minute and address. */
  #refusal(who: string, seen: ExchangeSeen, status: number, now: number): void {
    const {
      caller,
      claimedName,
      client,
      repository,
      reference,
      routeName,
      method,
      record,
      reason = `${status}`,
    } = seen;
    const isUnasked = status < 500 && caller !== undefined && caller.principal === undefined;
    const action = status === 401 && caller === undefined ? "log in" : (routeName ?? method);
    const outcome = status >= 500 ? "failed" : isUnasked ? "login-needed" : "refused";
    const key = `${who} ${claimedName} ${client} ${repository} ${action} ${outcome} ${reason}`;
    const known = this.#refusals.get(key);
    if (known !== undefined) return grow(known, now, client, undefined);
    this.#add(this.#refusals, key, caller ?? anonymousCaller, client, {
      kind: status >= 500 ? (record?.kind ?? "change") : "refusal",
      isDetail: isUnasked || (status >= 500 && record?.isDetail === true),
      action,
      outcome,
      ...(claimedName === undefined ? {} : { name: claimedName }),
      repository,
      ...referenceFields(reference),
      reason: reason.slice(0, longestReason),
    });
  }

  /** Where no more different things fit into the minute, there is one event for all the others of one action. */
  #add(folding: AuditFolding, key: string, caller: Caller, address: string | undefined, fields: Fields): void {
    if (folding.isFull) return this.#addOther(folding, address, fields);
    if (this.#traffic.isEmpty && this.#refusals.isEmpty) this.#endInTime();
    const draft = this.#draft(caller, address, fields);
    folding.add(key, draft);
    if (fields.kind === "pull" && fields.digest !== undefined) this.#lastPulls.set(fields.digest, draft);
    this.#writer.add([draft]);
  }

  #addOther(folding: AuditFolding, address: string | undefined, { kind, isDetail, action, outcome }: Fields): void {
    const key = `${kind} ${isDetail} ${action} ${outcome}`;
    const known = folding.get(key);
    if (known !== undefined) return grow(known, this.#options.clock.now(), address, undefined);
    const draft = this.#draft(anonymousCaller, address, { kind, isDetail, action, outcome, reason: tooMany });
    folding.add(key, draft);
    this.#writer.add([draft]);
  }

  /** Also where no more requests come. */
  #endInTime(): void {
    const turn = (): void => {
      this.#turn();
      // A clock may be behind its timers.
      if (!this.#traffic.isEmpty || !this.#refusals.isEmpty) this.#endInTime();
    };
    this.#later(turn, minuteMs - (this.#options.clock.now() % minuteMs));
  }

  #addAlone(doer: Doer, address: string | undefined, fields: Fields): void {
    const draft = this.#draft(doer, address, fields);
    this.#writer.add([draft]);
    this.#writer.publish([draft]);
  }

  #draft({ principal, credential }: Doer, address: string | undefined, fields: Fields): AuditDraft {
    const at = this.#options.clock.now();
    const event: AuditEvent = {
      id: ++this.#lastId,
      at,
      lastAt: at,
      count: 1,
      principalId: principal?.id,
      name: principal?.name,
      credentialKind: credential.kind,
      credentialId: credential.id,
      addresses: address === undefined ? [] : [address],
      hasMoreAddresses: false,
      repository: undefined,
      tag: undefined,
      digest: undefined,
      object: undefined,
      reason: undefined,
      ...fields,
    };
    return { event, writtenCount: 0 };
  }

  /** What time it is; ends the minute before where that is over. */
  #turn(): number {
    const now = this.#options.clock.now();
    const minute = Math.floor(now / minuteMs);
    if (minute === this.#minute) return now;
    this.#end();
    this.#minute = minute;
    return now;
  }

  #end(): void {
    this.#lastPulls.clear();
    const ended = [...this.#traffic.end(), ...this.#refusals.end()];
    this.#writer.add(ended.filter(({ event, writtenCount }) => event.count > writtenCount));
    this.#writer.publish(ended);
  }
}

function isRefusal(status: number): boolean {
  return status === 401 || status === 403 || status === 429;
}

function isOfChange({ record }: ExchangeSeen): boolean {
  return record !== undefined && record.kind !== "pull";
}

function referenceFields(reference: string | undefined): Pick<AuditEvent, "tag" | "digest"> {
  const isDigest = reference?.includes(":") === true;
  return { digest: isDigest ? reference : undefined, tag: isDigest ? undefined : reference };
}
