import {
  type AccessKeyRecord,
  type AccessKeyStore,
  type AccessKeyUse,
  endedKeysKeptMs,
  type NewAccessKeyRecord,
} from "../../core/access-key-store.ts";
import type { AccessKeyId } from "../../core/access-key.ts";
import { RegistryError } from "../../core/error.ts";
import type { Change } from "../../core/metadata-store.ts";
import type { PrincipalId } from "../../core/principal.ts";
import { compareBytes } from "./repository.ts";

/** Who has a key; undefined for a principal who was removed. */
export type FindKeyHolder = (id: PrincipalId) => Pick<AccessKeyRecord, "principal" | "principalExpiresAt"> | undefined;

/** The access keys in a map, for tests. */
export class MemoryAccessKeyStore implements AccessKeyStore {
  readonly #findHolder: FindKeyHolder;
  readonly #keys = new Map<AccessKeyId, NewAccessKeyRecord & Pick<AccessKeyRecord, "createdAt" | "lastUsedAt">>();

  constructor(findHolder: FindKeyHolder) {
    this.#findHolder = findHolder;
  }

  async listKeys(): Promise<readonly AccessKeyRecord[]> {
    return [...this.#keys.values()]
      .toSorted((one, other) => compareBytes(one.id, other.id))
      .flatMap(({ principalId, ...key }) => {
        const holder = this.#findHolder(principalId);
        return holder === undefined ? [] : [{ ...key, ...holder }];
      });
  }

  async addKey(key: NewAccessKeyRecord, { at }: Change): Promise<void> {
    if (this.#keys.has(key.id) || this.#findHolder(key.principalId) === undefined)
      throw new RegistryError("CONFLICT", `the access key ${key.id} cannot be added`);
    for (const { id, principalId, expiresAt } of this.#keys.values()) {
      const isLongOver = expiresAt !== undefined && expiresAt < at - endedKeysKeptMs;
      if (isLongOver || this.#findHolder(principalId) === undefined) this.#keys.delete(id);
    }
    this.#keys.set(key.id, { ...key, createdAt: at, lastUsedAt: undefined });
  }

  async removeKeys(ids: readonly AccessKeyId[], _change: Change): Promise<number> {
    return ids.filter((id) => this.#keys.delete(id)).length;
  }

  async noteUses(uses: readonly AccessKeyUse[]): Promise<void> {
    for (const { id, at } of uses) {
      const key = this.#keys.get(id);
      if (key !== undefined) this.#keys.set(id, { ...key, lastUsedAt: Math.max(at, key.lastUsedAt ?? at) });
    }
  }
}
