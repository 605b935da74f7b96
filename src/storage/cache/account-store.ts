import type { AccountStore, UserRecord } from "../../core/account-store.ts";
import type { Change } from "../../core/metadata-store.ts";
import type { ExternalSource, PrincipalId } from "../../core/principal.ts";
import { Flights } from "./flights.ts";

/**
 * Puts a memory before an account store. All users are held, so that a name that nobody has costs no more than one that
 * somebody has. Every change has to go through what is answered here.
 */
export function cacheAccounts(store: AccountStore): AccountStore {
  return new CachedAccountStore(store);
}

// All users are one answer.
const users = "users";

class CachedAccountStore implements AccountStore {
  readonly #store: AccountStore;
  readonly #flights = new Flights();
  /** In the order of `listUsers`. */
  #users: ReadonlyMap<string, UserRecord> | undefined;
  /** There are as many as an htpasswd file has lines. A removal of some begins an empty map; an older one is not used. */
  #external = new Map<string, PrincipalId>();

  constructor(store: AccountStore) {
    this.#store = store;
  }

  findUser(name: string): Promise<UserRecord | undefined> {
    if (this.#users !== undefined) return Promise.resolve(this.#users.get(name));
    return this.#readUsers().then((all) => all.get(name));
  }

  async listUsers(): Promise<readonly UserRecord[]> {
    return [...(this.#users ?? (await this.#readUsers())).values()];
  }

  createUser(user: Omit<UserRecord, "credentialVersion" | "createdAt">, change: Change): Promise<void> {
    return this.#change(() => this.#store.createUser(user, change));
  }

  setPassword(name: string, passwordHash: string, change: Change): Promise<boolean> {
    return this.#change(() => this.#store.setPassword(name, passwordHash, change));
  }

  removeUser(name: string, change: Change): Promise<boolean> {
    return this.#change(() => this.#store.removeUser(name, change));
  }

  async externalPrincipal(source: ExternalSource, name: string, fresh: PrincipalId, at: number): Promise<PrincipalId> {
    const key = `${source}:${name}`;
    const memory = this.#external;
    const known = memory.get(key);
    if (known !== undefined) return known;
    const id = await this.#store.externalPrincipal(source, name, fresh, at);
    memory.set(key, id);
    return id;
  }

  async keepExternalPrincipals(source: ExternalSource, names: readonly string[], at: number): Promise<void> {
    try {
      await this.#store.keepExternalPrincipals(source, names, at);
    } finally {
      this.#external = new Map();
    }
  }

  #readUsers(): Promise<ReadonlyMap<string, UserRecord>> {
    const read = async (): Promise<ReadonlyMap<string, UserRecord>> =>
      new Map((await this.#store.listUsers()).map((user) => [user.name, user]));
    return this.#flights.read(users, users, read, (all) => {
      this.#users = all;
    });
  }

  #change<Answer>(change: () => Promise<Answer>): Promise<Answer> {
    const forget = (): void => {
      this.#users = undefined;
    };
    return this.#flights.change([users], forget, change);
  }
}
