import type { AccessRule } from "../core/access-rule.ts";
import type { AccessRuleStore } from "../core/access-rule-store.ts";
import type { Group, GroupSource } from "../core/group.ts";
import type { GroupRecord, GroupStore } from "../core/group-store.ts";
import type { Change } from "../core/metadata-store.ts";
import { type Decide, type Decision, decide } from "../core/policy.ts";
import type { PrincipalId } from "../core/principal.ts";
import type { Ulid } from "../core/ulid.ts";

const noGroups: readonly Group[] = [];

/**
 * The rules and the memberships in memory, where every request is held against them. Each change of them in this process is
 * made here, and holds for every request that comes in after it was answered.
 */
export class AccessControl {
  readonly #rulesStore: AccessRuleStore;
  readonly #groupsStore: GroupStore;
  #rules: readonly AccessRule[] = [];
  #groups: ReadonlyMap<PrincipalId, readonly Group[]> = new Map();

  private constructor(rules: AccessRuleStore, groups: GroupStore) {
    this.#rulesStore = rules;
    this.#groupsStore = groups;
  }

  static async open(rules: AccessRuleStore, groups: GroupStore): Promise<AccessControl> {
    const access = new AccessControl(rules, groups);
    await Promise.all([access.list(), access.#readGroups()]);
    return access;
  }

  readonly decide: Decide = (caller, action, repository) =>
    decide({ rules: this.#rules, groupsOf: this.groupsOf }, caller, action, repository);

  /** The groups that a principal is in now. */
  readonly groupsOf = (principal: PrincipalId): readonly Group[] => this.#groups.get(principal) ?? noGroups;

  /** What `decide` would say to somebody who is in these groups and in no others. */
  decideIn(groups: readonly Group[], ...asked: Parameters<Decide>): Decision {
    return decide({ rules: this.#rules, groupsOf: () => groups }, ...asked);
  }

  /** As they are now, in the order in which they were made; without those about users who were removed. */
  async list(): Promise<readonly AccessRule[]> {
    this.#rules = await this.#rulesStore.listRules();
    return this.#rules;
  }

  add(rule: Omit<AccessRule, "createdAt">, change: Change): Promise<void> {
    return this.#changed(this.#rulesStore.addRule(rule, change));
  }

  /** False when there is no such rule. */
  remove(id: Ulid, change: Change): Promise<boolean> {
    return this.#changed(this.#rulesStore.removeRule(id, change));
  }

  /** Dozo's own groups, in byte order of their names. */
  listGroups(): Promise<readonly GroupRecord[]> {
    return this.#groupsStore.listGroups();
  }

  /** Throws `CONFLICT` when the name is taken. */
  createGroup(name: string, change: Change): Promise<void> {
    return this.#groupsStore.createGroup(name, change);
  }

  /** With its memberships and the rules about it. False when there is no such group. */
  removeGroup(name: string, change: Change): Promise<boolean> {
    return this.#changed(this.#groupsStore.removeGroup(name, change));
  }

  /** False when there is no such group. */
  addMembers(group: string, members: readonly PrincipalId[], change: Change): Promise<boolean> {
    return this.#changed(this.#groupsStore.addMembers(group, members, change));
  }

  removeMembers(group: string, members: readonly PrincipalId[], change: Change): Promise<void> {
    return this.#changed(this.#groupsStore.removeMembers(group, members, change));
  }

  /** What a directory or provider says of its user's groups, all of them: those it no longer names are left. */
  async replaceGroups(
    principal: PrincipalId,
    source: Exclude<GroupSource, "dozo">,
    names: readonly string[],
  ): Promise<void> {
    const known = this.groupsOf(principal).filter((group) => group.source === source);
    if (known.length === names.length && known.every(({ name }) => names.includes(name))) return;
    await this.#changed(this.#groupsStore.replaceGroups(principal, source, names));
  }

  async #readGroups(): Promise<void> {
    const groups = new Map<PrincipalId, Group[]>();
    for (const { principalId, group } of await this.#groupsStore.listMemberships()) {
      const known = groups.get(principalId);
      if (known === undefined) groups.set(principalId, [group]);
      else known.push(group);
    }
    this.#groups = groups;
  }

  /** A change that failed may have been made all the same. */
  async #changed<Answer>(change: Promise<Answer>): Promise<Answer> {
    try {
      return await change;
    } finally {
      await Promise.all([this.list(), this.#readGroups()]);
    }
  }
}
