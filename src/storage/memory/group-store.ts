import type { GroupSource } from "../../core/group.ts";
import type { GroupStore, Membership } from "../../core/group-store.ts";
import type { PrincipalId } from "../../core/principal.ts";

/** The port of groups in a list, for tests. */
export class MemoryGroupStore implements GroupStore {
  #memberships: readonly Membership[] = [];

  async listMemberships(): Promise<readonly Membership[]> {
    return this.#memberships;
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
