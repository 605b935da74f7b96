import type { AccountStore, UserRecord } from "../core/account-store.ts";
import type { Change } from "../core/metadata-store.ts";
import type { ExternalSource, PrincipalId } from "../core/principal.ts";

/**
 * The users, and how often each of them has changed: so that a remembered login can be held against it without asking the store.
 * Every change of users in this process has to be made through this one object.
 */
export class WatchedAccounts implements AccountStore {
  readonly #store: AccountStore;
  readonly #changes = new Map<string, number>();

  constructor(store: AccountStore) {
    this.#store = store;
  }

  /** Grows, at the latest, before a change of this user is acknowledged. */
  changesOf(name: string): number {
    return this.#changes.get(name) ?? 0;
  }

  findUser(name: string): Promise<UserRecord | undefined> {
    return this.#store.findUser(name);
  }

  listUsers(): Promise<readonly UserRecord[]> {
    return this.#store.listUsers();
  }

  createUser(user: Omit<UserRecord, "credentialVersion" | "createdAt">, change: Change): Promise<void> {
    return this.#counted(user.name, this.#store.createUser(user, change));
  }

  setPassword(name: string, passwordHash: string, change: Change): Promise<boolean> {
    return this.#counted(name, this.#store.setPassword(name, passwordHash, change));
  }

  removeUser(name: string, change: Change): Promise<boolean> {
    return this.#counted(name, this.#store.removeUser(name, change));
  }

  externalPrincipal(source: ExternalSource, name: string, fresh: PrincipalId, at: number): Promise<PrincipalId> {
    return this.#store.externalPrincipal(source, name, fresh, at);
  }

  keepExternalPrincipals(source: ExternalSource, names: readonly string[], at: number): Promise<void> {
    return this.#store.keepExternalPrincipals(source, names, at);
  }

  /** A change that failed may have been made all the same, so it counts too. */
  async #counted<Answer>(name: string, change: Promise<Answer>): Promise<Answer> {
    try {
      return await change;
    } finally {
      this.#changes.set(name, this.changesOf(name) + 1);
    }
  }
}
