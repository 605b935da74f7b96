import type { Group, GroupSource } from "./group.ts";
import type { Change } from "./metadata-store.ts";
import type { Principal, PrincipalId } from "./principal.ts";

export interface Membership {
  readonly principalId: PrincipalId;
  readonly group: Group;
}

/** A group of dozo's own. Names are unique among those that are there. */
export interface GroupRecord {
  readonly name: string;
  /** In byte order of their names; without those who were removed. */
  readonly members: readonly Pick<Principal, "id" | "name">[];
  readonly createdAt: number;
}

/** Dozo's own groups, and who is in which group. Reading answers the state after every acknowledged change. */
export interface GroupStore {
  /** In byte order of their names. */
  listGroups(): Promise<readonly GroupRecord[]>;
  /** Throws `CONFLICT` when the name is taken. */
  createGroup(name: string, change: Change): Promise<void>;
  /**
   * False when there is no such group. Its memberships and the rules about it go with it, so that one of the same name that is
   * made later inherits nothing.
   */
  removeGroup(name: string, change: Change): Promise<boolean>;
  /** These are in the group from now on, too. False, and nothing is changed, when there is no such group. */
  addMembers(group: string, members: readonly PrincipalId[], change: Change): Promise<boolean>;
  /** These are in the group no more, if they were. */
  removeMembers(group: string, members: readonly PrincipalId[], change: Change): Promise<void>;
  /** Of principals who have not been removed. */
  listMemberships(): Promise<readonly Membership[]>;
  /** The principal's groups of this source are these from now on, and no others. */
  replaceGroups(
    principalId: PrincipalId,
    source: Exclude<GroupSource, "dozo">,
    names: readonly string[],
  ): Promise<void>;
}
