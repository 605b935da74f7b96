import type { GroupSource } from "../../core/group.ts";
import type { GroupStore, Membership } from "../../core/group-store.ts";
import type { PrincipalId } from "../../core/principal.ts";
import type { changes, reads } from "./operations.ts";
import type { DatabaseThread } from "./thread.ts";

/** The port of groups over the two threads of the database. */
export class SqliteGroupStore implements GroupStore {
  readonly #reader: DatabaseThread<typeof reads>;
  readonly #writer: DatabaseThread<typeof changes>;

  constructor(reader: DatabaseThread<typeof reads>, writer: DatabaseThread<typeof changes>) {
    this.#reader = reader;
    this.#writer = writer;
  }

  listMemberships(): Promise<readonly Membership[]> {
    return this.#reader.call("listMemberships");
  }

  replaceGroups(
    principalId: PrincipalId,
    source: Exclude<GroupSource, "dozo">,
    names: readonly string[],
  ): Promise<void> {
    return this.#writer.call("replaceGroups", principalId, source, names);
  }
}
