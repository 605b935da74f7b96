import { timingSafeEqual } from "node:crypto";

import type { AccessKeyRecord, AccessKeyStore, AccessKeyUse, NewAccessKeyRecord } from "../core/access-key-store.ts";
import type { AccessKeyId, AccessKeyReading } from "../core/access-key.ts";
import type { Caller } from "../core/caller.ts";
import type { Clock } from "../core/clock.ts";
import type { Change } from "../core/metadata-store.ts";

/**
 * Whom an access key stands for. The reason of a refusal may be told to the client where `isTold`: it has most of the key.
 * `user` is whose it is, where the whole secret was right.
 */
export type AccessKeyVerdict =
  | { readonly kind: "caller"; readonly caller: Caller }
  | { readonly kind: "refused"; readonly reason: string; readonly isTold: boolean; readonly user?: string };

interface HeldKey {
  readonly record: AccessKeyRecord;
  readonly digest: Uint8Array;
  readonly caller: Caller;
  lastUsedAt: number;
}

const minuteMs = 60_000;
/** Held against a key that nobody has, so that it takes as long. */
const noDigest = new Uint8Array(32);

/**
 * The access keys in memory, where every request with one is held against them: without waiting, and without a slow hash. Each
 * change of them in this process is made here, and holds for every request that comes in after it was answered.
 */
export class AccessKeys implements AccessKeyStore {
  readonly #store: AccessKeyStore;
  readonly #clock: Clock;
  #held: ReadonlyMap<AccessKeyId, HeldKey> = new Map();
  /** Uses that the store has not heard of; one for each key at most. */
  #unwritten = new Map<AccessKeyId, number>();
  #reading: Promise<void> = Promise.resolve();
  #nextReading: Promise<void> | undefined;

  private constructor(store: AccessKeyStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  static async open(store: AccessKeyStore, clock: Clock): Promise<AccessKeys> {
    const keys = new AccessKeys(store, clock);
    await keys.refresh();
    return keys;
  }

  /** Judges what `readAccessKey` made of a text. `userName` is the one that came with it, undefined where none does. */
  judge(reading: Exclude<AccessKeyReading, { kind: "none" }>, userName: string | undefined): AccessKeyVerdict {
    const { id } = reading;
    if (reading.kind === "damaged")
      return refused(`the access key ${id} is not whole, or was mistyped: its checksum is wrong`, true);
    const held = this.#held.get(id);
    if (!timingSafeEqual(reading.digest, held?.digest ?? noDigest) || held === undefined)
      return refused(`there is no access key ${id}, or it was revoked, or this is not its secret`, false);
    const { record, caller } = held;
    const now = this.#clock.now();
    const hindrance = hindranceOf(record, userName, now);
    if (hindrance !== undefined) return { ...refused(hindrance, true), user: record.principal.name };
    this.#noteUse(held, now);
    return { kind: "caller", caller };
  }

  /** Who has the key of this id now, or why that is nobody: for what was had by showing the key. */
  callerOf(id: AccessKeyId): Caller | string {
    const held = this.#held.get(id);
    if (held === undefined) return `there is no access key ${id} any more`;
    const now = this.#clock.now();
    const hindrance = hindranceOf(held.record, undefined, now);
    if (hindrance !== undefined) return hindrance;
    this.#noteUse(held, now);
    return held.caller;
  }

  async listKeys(): Promise<readonly AccessKeyRecord[]> {
    return [...this.#held.values()].map(({ record, lastUsedAt }) => ({
      ...record,
      lastUsedAt: lastUsedAt === 0 ? undefined : lastUsedAt,
    }));
  }

  addKey(key: NewAccessKeyRecord, change: Change): Promise<void> {
    return this.#changed(this.#store.addKey(key, change));
  }

  removeKeys(ids: readonly AccessKeyId[], change: Change): Promise<number> {
    return this.#changed(this.#store.removeKeys(ids, change));
  }

  noteUses(uses: readonly AccessKeyUse[]): Promise<void> {
    return this.#changed(this.#store.noteUses(uses));
  }

  /** Writes when keys were used last, all in one change. What could not be written is written the next time. */
  async writeUses(): Promise<void> {
    const uses = this.#unwritten;
    if (uses.size === 0) return;
    this.#unwritten = new Map();
    try {
      await this.#store.noteUses([...uses].map(([id, at]) => ({ id, at })));
    } catch (error) {
      for (const [id, at] of uses) if (this.#held.has(id) && !this.#unwritten.has(id)) this.#unwritten.set(id, at);
      throw error;
    }
  }

  /** Has to be called after every change of who there is, before it is answered: the keys of who was removed end with it. */
  refresh(): Promise<void> {
    // One that has not begun yet will see this change, too.
    this.#nextReading ??= this.#reading
      .catch(() => undefined)
      .then(() => {
        this.#nextReading = undefined;
        this.#reading = this.#read();
        return this.#reading;
      });
    return this.#nextReading;
  }

  async #read(): Promise<void> {
    let records: readonly AccessKeyRecord[] = [];
    try {
      records = await this.#store.listKeys();
    } finally {
      // Where it cannot be known which keys hold, none does.
      this.#held = new Map(records.map((record) => [record.id, this.#hold(record)]));
    }
  }

  #hold(record: AccessKeyRecord): HeldKey {
    const { id, principal, limits } = record;
    const lastUsedAt = Math.max(record.lastUsedAt ?? 0, this.#held.get(id)?.lastUsedAt ?? 0);
    const credential = { kind: "key", id, ...(limits === undefined ? {} : { limits }) } as const;
    return { record, digest: Buffer.from(record.digest, "hex"), caller: { principal, credential }, lastUsedAt };
  }

  #noteUse(held: HeldKey, now: number): void {
    const minute = now - (now % minuteMs);
    if (minute <= held.lastUsedAt) return;
    held.lastUsedAt = minute;
    this.#unwritten.set(held.record.id, minute);
  }

  /** A change that failed may have been made all the same. */
  async #changed<Answer>(change: Promise<Answer>): Promise<Answer> {
    try {
      return await change;
    } finally {
      await this.refresh();
    }
  }
}

/** Why a key whose secret was right is not good all the same. */
function hindranceOf(record: AccessKeyRecord, userName: string | undefined, now: number): string | undefined {
  const { id, principal, expiresAt, principalExpiresAt } = record;
  if (isOver(expiresAt, now)) return `the access key ${id} has ended: make another`;
  if (isOver(principalExpiresAt, now)) return `whom the access key ${id} is for has ended`;
  if (userName === undefined || userName === principal.name) return undefined;
  return `the access key ${id} is not for the user that was named with it`;
}

function isOver(endsAt: number | undefined, now: number): boolean {
  return endsAt !== undefined && now >= endsAt;
}

function refused(reason: string, isTold: boolean): Extract<AccessKeyVerdict, { kind: "refused" }> {
  return { kind: "refused", reason, isTold };
}
