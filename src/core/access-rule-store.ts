import type { AccessRule } from "./access-rule.ts";
import type { Change } from "./metadata-store.ts";
import type { Ulid } from "./ulid.ts";

/** The rules of who may do what. Reading answers the state after every acknowledged change. */
export interface AccessRuleStore {
  /** In the order in which they were made. A new store has one: everyone may pull, push and overwrite everywhere. */
  listRules(): Promise<readonly AccessRule[]>;
  addRule(rule: Omit<AccessRule, "createdAt">, change: Change): Promise<void>;
  /** False when there is no such rule. */
  removeRule(id: Ulid, change: Change): Promise<boolean>;
}
