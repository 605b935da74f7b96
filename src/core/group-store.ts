import type { Group, GroupSource } from "./group.ts";
import type { PrincipalId } from "./principal.ts";

export interface Membership {
  readonly principalId: PrincipalId;
  readonly group: Group;
}

/** Who is in which group. Reading answers the state after every acknowledged change. */
export interface GroupStore {
  /** Of principals who have not been removed. */
  listMemberships(): Promise<readonly Membership[]>;
  /** The principal's groups of this source are these from now on, and no others. */
  replaceGroups(
    principalId: PrincipalId,
    source: Exclude<GroupSource, "dozo">,
    names: readonly string[],
  ): Promise<void>;
}
