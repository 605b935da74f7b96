import type { Change } from "./metadata-store.ts";
import type { ExternalSource, PrincipalId } from "./principal.ts";

/** A user of dozo's own. Names are unique among those who have not been removed. */
export interface UserRecord {
  readonly id: PrincipalId;
  readonly name: string;
  readonly isAdmin: boolean;
  /** argon2id in PHC string form. */
  readonly passwordHash: string;
  /** Grows with every change of the password; what was verified against an older one counts no more. */
  readonly credentialVersion: number;
  readonly createdAt: number;
}

/** Users, and the ids of principals that come from elsewhere. Reading answers the state after every acknowledged change. */
export interface AccountStore {
  findUser(name: string): Promise<UserRecord | undefined>;
  /** In byte order of their names. */
  listUsers(): Promise<readonly UserRecord[]>;
  /** Throws `CONFLICT` when the name is taken. */
  createUser(user: Omit<UserRecord, "credentialVersion" | "createdAt">, change: Change): Promise<void>;
  /** False when there is no such user. */
  setPassword(name: string, passwordHash: string, change: Change): Promise<boolean>;
  /** False when there is no such user. The row stays, marked as removed: what refers to its id keeps its meaning. */
  removeUser(name: string, change: Change): Promise<boolean>;
  /** The id of a name from elsewhere, the same each time; `fresh` is used the first time. */
  externalPrincipal(source: ExternalSource, name: string, fresh: PrincipalId, at: number): Promise<PrincipalId>;
  /** Marks everybody of the source whose name is not among these as removed: should the name come back, it gets a fresh id. */
  keepExternalPrincipals(source: ExternalSource, names: readonly string[], at: number): Promise<void>;
}
