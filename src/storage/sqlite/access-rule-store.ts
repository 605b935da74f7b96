import type { AccessRule } from "../../core/access-rule.ts";
import type { AccessRuleStore } from "../../core/access-rule-store.ts";
import type { Change } from "../../core/metadata-store.ts";
import type { Ulid } from "../../core/ulid.ts";
import type { changes, reads } from "./operations.ts";
import type { DatabaseThread } from "./thread.ts";

/** The port of access rules over the two threads of the database. */
export class SqliteAccessRuleStore implements AccessRuleStore {
  readonly #reader: DatabaseThread<typeof reads>;
  readonly #writer: DatabaseThread<typeof changes>;

  constructor(reader: DatabaseThread<typeof reads>, writer: DatabaseThread<typeof changes>) {
    this.#reader = reader;
    this.#writer = writer;
  }

  listRules(): Promise<readonly AccessRule[]> {
    return this.#reader.call("listRules");
  }

  addRule(rule: Omit<AccessRule, "createdAt">, change: Change): Promise<void> {
    return this.#writer.call("addRule", rule, change);
  }

  removeRule(id: Ulid, _change: Change): Promise<boolean> {
    return this.#writer.call("removeRule", id);
  }
}
