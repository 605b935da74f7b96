import type { AccessRule } from "../../core/access-rule.ts";
import type { AccessRuleStore } from "../../core/access-rule-store.ts";
import type { Group } from "../../core/group.ts";
import type { Change } from "../../core/metadata-store.ts";
import { parseRepositoryPattern } from "../../core/repository-pattern.ts";
import type { Ulid } from "../../core/ulid.ts";

/** The port of access rules in a list, for tests. */
export class MemoryAccessRuleStore implements AccessRuleStore {
  #rules: readonly AccessRule[] = [
    {
      id: "00000000000000000000000001" as Ulid,
      effect: "allow",
      subject: { kind: "everyone" },
      repositories: parseRepositoryPattern("**"),
      actions: ["pull", "push", "overwrite"],
      createdAt: 0,
    },
  ];

  async listRules(): Promise<readonly AccessRule[]> {
    return this.#rules;
  }

  async addRule(rule: Omit<AccessRule, "createdAt">, change: Change): Promise<void> {
    this.#rules = [...this.#rules, { ...rule, createdAt: change.at }];
  }

  async removeRule(id: Ulid, _change: Change): Promise<boolean> {
    const before = this.#rules.length;
    this.#rules = this.#rules.filter((rule) => rule.id !== id);
    return this.#rules.length < before;
  }

  /** As the removal of a group does. */
  removeAbout({ source, name }: Group): void {
    this.#rules = this.#rules.filter(
      ({ subject }) => subject.kind !== "group" || subject.source !== source || subject.name !== name,
    );
  }
}
