import { RegistryError } from "../../core/error.ts";
import type { Change } from "../../core/metadata-store.ts";
import type { OidcArrival, OidcUser, OidcUserStore } from "../../core/oidc-user-store.ts";
import type { MemoryAccountStore } from "./account-store.ts";
import { compareBytes } from "./repository.ts";

/** The port of the provider's users in a list, for tests. Who of them is there, the accounts know. */
export class MemoryOidcUserStore implements OidcUserStore {
  readonly #accounts: MemoryAccountStore;
  readonly #users: Omit<OidcUser, "isRemoved">[] = [];

  constructor(accounts: MemoryAccountStore) {
    this.#accounts = accounts;
  }

  async listOidcUsers(): Promise<readonly OidcUser[]> {
    const users = await Promise.all(this.#users.map((user) => this.#asItIs(user)));
    return users.toSorted((one, other) => compareBytes(one.name, other.name));
  }

  async findOidcUser(issuer: string, subject: string): Promise<OidcUser | undefined> {
    const known = this.#users.find((user) => user.issuer === issuer && user.subject === subject);
    return known === undefined ? undefined : this.#asItIs(known);
  }

  async receiveOidcUser({ issuer, subject, name, fresh, at }: OidcArrival): Promise<OidcUser> {
    const known = await this.findOidcUser(issuer, subject);
    if (known !== undefined) return known;
    await this.#admit(name, fresh, at);
    const user = { id: fresh, issuer, subject, name, createdAt: at };
    this.#users.push(user);
    return { ...user, isRemoved: false };
  }

  async readmitOidcUser(name: string, change: Change): Promise<boolean> {
    const last = (await this.listOidcUsers()).findLast((user) => user.name === name && user.isRemoved);
    if (last !== undefined) await this.#admit(name, last.id, change.at);
    return last !== undefined;
  }

  async #asItIs(user: Omit<OidcUser, "isRemoved">): Promise<OidcUser> {
    return { ...user, isRemoved: (await this.#accounts.findExternalPrincipal("oidc", user.name)) !== user.id };
  }

  async #admit(name: string, id: OidcUser["id"], at: number): Promise<void> {
    if ((await this.#accounts.findExternalPrincipal("oidc", name)) !== undefined)
      throw new RegistryError("CONFLICT", `another user of the provider is ${name} already`);
    await this.#accounts.externalPrincipal("oidc", name, id, at);
  }
}
