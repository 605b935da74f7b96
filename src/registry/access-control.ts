import type { AccessRule } from "../core/access-rule.ts";
import type { AccessRuleStore } from "../core/access-rule-store.ts";
import type { Change } from "../core/metadata-store.ts";
import { type Decide, decide } from "../core/policy.ts";
import type { Ulid } from "../core/ulid.ts";

/** The rules in memory, where every request is held against them. Each change of them in this process is made here. */
export class AccessControl {
  readonly #store: AccessRuleStore;
  #rules: readonly AccessRule[];

  private constructor(store: AccessRuleStore, rules: readonly AccessRule[]) {
    this.#store = store;
    this.#rules = rules;
  }

  static async open(store: AccessRuleStore): Promise<AccessControl> {
    return new AccessControl(store, await store.listRules());
  }

  readonly decide: Decide = (principal, action, repository) => decide(this.#rules, principal, action, repository);

  /** As they are now, in the order in which they were made; without those about users who were removed. */
  async list(): Promise<readonly AccessRule[]> {
    this.#rules = await this.#store.listRules();
    return this.#rules;
  }

  /** Holds for every request that comes in after it was answered. */
  add(rule: Omit<AccessRule, "createdAt">, change: Change): Promise<void> {
    return this.#changed(this.#store.addRule(rule, change));
  }

  /** False when there is no such rule. Holds as `add` does. */
  remove(id: Ulid, change: Change): Promise<boolean> {
    return this.#changed(this.#store.removeRule(id, change));
  }

  /** A change that failed may have been made all the same. */
  async #changed<Answer>(change: Promise<Answer>): Promise<Answer> {
    try {
      return await change;
    } finally {
      await this.list();
    }
  }
}
