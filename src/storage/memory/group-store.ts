import { RegistryError } from "../../core/error.ts";
import type { GroupSource } from "../../core/group.ts";
import type { GroupRecord, GroupStore, Membership } from "../../core/group-store.ts";
import type { Change } from "../../core/metadata-store.ts";
import type { PrincipalId } from "../../core/principal.ts";
import type { MemoryAccessRuleStore } from "./access-rule-store.ts";
import type { MemoryAccountStore } from "./account-store.ts";
import { compareBytes } from "./repository.ts";

/** The port of groups in lists, for tests. */
export class MemoryGroupStore implements GroupStore {
  readonly #accounts: MemoryAccountStore;
  readonly #rules: MemoryAccessRuleStore;
  readonly #groups = new Map<string, { readonly createdAt: number }>();
  #memberships: readonly Membership[] = [];

  constructor(accounts: MemoryAccountStore, rules: MemoryAccessRuleStore) {
    this.#accounts = accounts;
    this.#rules = rules;
  }

  async listGroups(): Promise<readonly GroupRecord[]> {
    const memberships = await this.listMemberships();
    const membersOf = (name: string): GroupRecord["members"] =>
      memberships
        .filter(({ group }) => group.source === "dozo" && group.name === name)
        .map(({ principalId: id }) => ({ id, name: this.#accounts.presentPrincipal(id)?.name ?? "" }))
        .toSorted((one, other) => compareBytes(one.name, other.name));
    return [...this.#groups]
      .map(([name, { createdAt }]) => ({ name, members: membersOf(name), createdAt }))
      .toSorted((one, other) => compareBytes(one.name, other.name));
  }

  async createGroup(name: string, change: Change): Promise<void> {
    if (this.#groups.has(name)) throw new RegistryError("CONFLICT", `there is a group ${name} already`);
    this.#groups.set(name, { createdAt: change.at });
  }

  async removeGroup(name: string, _change: Change): Promise<boolean> {
    this.#memberships = this.#memberships.filter(({ group }) => group.source !== "dozo" || group.name !== name);
    this.#rules.removeAbout({ source: "dozo", name });
    return this.#groups.delete(name);
  }

  async addMembers(name: string, members: readonly PrincipalId[], change: Change): Promise<boolean> {
    if (!this.#groups.has(name)) return false;
    await this.removeMembers(name, members, change);
    const group = { source: "dozo", name } as const;
    const added = [...new Set(members)].map((principalId) => ({ principalId, group }));
    this.#memberships = [...this.#memberships, ...added];
    return true;
  }

  async removeMembers(name: string, members: readonly PrincipalId[], _change: Change): Promise<void> {
    this.#memberships = this.#memberships.filter(
      ({ principalId, group }) => group.source !== "dozo" || group.name !== name || !members.includes(principalId),
    );
  }

  async listMemberships(): Promise<readonly Membership[]> {
    return this.#memberships.filter(({ principalId }) => this.#accounts.presentPrincipal(principalId) !== undefined);
  }

  async replaceGroups(
    principalId: PrincipalId,
    source: Exclude<GroupSource, "dozo">,
    names: readonly string[],
  ): Promise<void> {
    const others = this.#memberships.filter((each) => each.principalId !== principalId || each.group.source !== source);
    this.#memberships = [...others, ...[...new Set(names)].map((name) => ({ principalId, group: { source, name } }))];
  }
}
