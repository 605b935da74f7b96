import type { GroupSource } from "../../core/group.ts";
import type { GroupRecord, GroupStore, Membership } from "../../core/group-store.ts";
import type { Change } from "../../core/metadata-store.ts";
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

  listGroups(): Promise<readonly GroupRecord[]> {
    return this.#reader.call("listGroups");
  }

  createGroup(name: string, change: Change): Promise<void> {
    return this.#writer.call("createGroup", name, change);
  }

  removeGroup(name: string): Promise<boolean> {
    return this.#writer.call("removeGroup", name);
  }

  addMembers(group: string, members: readonly PrincipalId[]): Promise<boolean> {
    return this.#writer.call("addMembers", group, members);
  }

  removeMembers(group: string, members: readonly PrincipalId[]): Promise<void> {
    return this.#writer.call("removeMembers", group, members);
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
