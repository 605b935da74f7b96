import type { AccessKeyId } from "./access-key.ts";
import type { CredentialLimits } from "./caller.ts";
import type { Change } from "./metadata-store.ts";
import type { Principal, PrincipalId } from "./principal.ts";

/** An access key as it is kept: with nothing that anybody could log in with. Times in milliseconds since 1970. */
export interface AccessKeyRecord {
  readonly id: AccessKeyId;
  /** SHA-256 of the whole key, hexadecimal digits in lower case. */
  readonly digest: string;
  /** Whose it is, as they are now. */
  readonly principal: Principal;
  /** When the principal itself ends, as a robot can. */
  readonly principalExpiresAt: number | undefined;
  /** Undefined: it is good for all that its principal may. */
  readonly limits: CredentialLimits | undefined;
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
  /** To the minute, and some seconds late. */
  readonly lastUsedAt: number | undefined;
}

/** An access key that is to be kept. */
export type NewAccessKeyRecord = Pick<AccessKeyRecord, "id" | "digest" | "limits" | "expiresAt"> & {
  readonly principalId: PrincipalId;
};

/** When a key was used. */
export interface AccessKeyUse {
  readonly id: AccessKeyId;
  readonly at: number;
}

/** So long a key whose time is over stays in the list, so that somebody whom it fails can see why. */
export const endedKeysKeptMs = 30 * 86_400_000;

/** The access keys that were made and not revoked. Reading answers the state after every acknowledged change. */
export interface AccessKeyStore {
  /** In the order in which they were made, those whose time is over among them; without those of principals who were removed, or whose owner was. */
  listKeys(): Promise<readonly AccessKeyRecord[]>;
  /**
   * Throws `CONFLICT` when there is a key of this id, or the principal was removed. Forgets keys that ended
   * `endedKeysKeptMs` ago, and those of removed principals.
   */
  addKey(key: NewAccessKeyRecord, change: Change): Promise<void>;
  /** Answers how many there were. Nothing is left of them. */
  removeKeys(ids: readonly AccessKeyId[], change: Change): Promise<number>;
  /** Never sets a later time back; a key that is not there is none. */
  noteUses(uses: readonly AccessKeyUse[]): Promise<void>;
}
