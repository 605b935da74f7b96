import type { AccountStore, UserRecord } from "../../core/account-store.ts";
import { RegistryError } from "../../core/error.ts";
import type { Change } from "../../core/metadata-store.ts";
import type { ExternalSource, PrincipalId } from "../../core/principal.ts";
import { compareBytes } from "./repository.ts";

/** The account port in maps, for tests. */
export class MemoryAccountStore implements AccountStore {
  readonly #users = new Map<string, UserRecord>();
  readonly #external = new Map<string, PrincipalId>();

  async findUser(name: string): Promise<UserRecord | undefined> {
    return this.#users.get(name);
  }

  async listUsers(): Promise<readonly UserRecord[]> {
    return [...this.#users.values()].toSorted((one, other) => compareBytes(one.name, other.name));
  }

  async createUser(user: Omit<UserRecord, "credentialVersion" | "createdAt">, change: Change): Promise<void> {
    if (this.#users.has(user.name)) throw new RegistryError("CONFLICT", `there is a user ${user.name} already`);
    this.#users.set(user.name, { ...user, credentialVersion: 1, createdAt: change.at });
  }

  async setPassword(name: string, passwordHash: string, _change: Change): Promise<boolean> {
    const user = this.#users.get(name);
    if (user === undefined) return false;
    this.#users.set(name, { ...user, passwordHash, credentialVersion: user.credentialVersion + 1 });
    return true;
  }

  async removeUser(name: string, _change: Change): Promise<boolean> {
    return this.#users.delete(name);
  }

  async externalPrincipal(source: ExternalSource, name: string, fresh: PrincipalId, _at: number): Promise<PrincipalId> {
    const key = `${source}:${name}`;
    const known = this.#external.get(key);
    if (known !== undefined) return known;
    this.#external.set(key, fresh);
    return fresh;
  }

  async keepExternalPrincipals(source: ExternalSource, names: readonly string[], _at: number): Promise<void> {
    const kept = new Set(names.map((name) => `${source}:${name}`));
    for (const key of this.#external.keys()) if (!kept.has(key)) this.#external.delete(key);
  }
}
