import { AdministrationError } from "../core/administration.ts";
import { RegistryError } from "../core/error.ts";
import type { GroupRecord } from "../core/group-store.ts";
import type { Change } from "../core/metadata-store.ts";
import type { GroupAdministration, GroupRemoval, GroupSummary } from "../core/principal-administration.ts";
import type { PrincipalId } from "../core/principal.ts";
import type { AccessControl } from "./access-control.ts";
import { assertNewName, findPrincipalByName, type PrincipalNamesPorts } from "./principal-by-name.ts";
import type { Turn } from "./turns.ts";

export interface GroupsPorts extends PrincipalNamesPorts {
  readonly access: AccessControl;
}

/** The operator's use cases about dozo's own groups. */
export class Groups implements GroupAdministration {
  readonly #ports: GroupsPorts;
  readonly #turn: Turn;
  readonly #change: () => Change;

  constructor(ports: GroupsPorts, turn: Turn, change: () => Change) {
    this.#ports = ports;
    this.#turn = turn;
    this.#change = change;
  }

  async list(): Promise<readonly GroupSummary[]> {
    const groups = await this.#ports.access.listGroups();
    return groups.map((group) => ({ ...group, members: group.members.map(({ name }) => name) }));
  }

  add(name: string): Promise<void> {
    assertNewName("group", name);
    return this.#turn(async () => {
      try {
        await this.#ports.access.createGroup(name, this.#change());
      } catch (error) {
        if (error instanceof RegistryError && error.code === "CONFLICT")
          throw new AdministrationError("group-exists", `there is a group ${name} already`);
        throw error;
      }
    });
  }

  remove(name: string): Promise<GroupRemoval> {
    const { access } = this.#ports;
    return this.#turn(async () => {
      const { members } = await this.#find(name);
      const rules = (await access.list()).filter(
        ({ subject }) => subject.kind === "group" && subject.source === "dozo" && subject.name === name,
      );
      await access.removeGroup(name, this.#change());
      return { members: members.length, rules: rules.length };
    });
  }

  join(group: string, members: readonly string[]): Promise<void> {
    return this.#turn(async () => {
      await this.#find(group);
      const change = this.#change();
      const ids: PrincipalId[] = [];
      for (const name of members) ids.push((await findPrincipalByName(this.#ports, name, change.at)).id);
      await this.#ports.access.addMembers(group, ids, change);
    });
  }

  leave(group: string, members: readonly string[]): Promise<void> {
    return this.#turn(async () => {
      const record = await this.#find(group);
      const others = members.filter((name) => !record.members.some((member) => member.name === name));
      if (others.length > 0)
        throw new AdministrationError("member-unknown", `${others.join(", ")}: not in the group ${group}`);
      const leaving = record.members.filter(({ name }) => members.includes(name)).map(({ id }) => id);
      await this.#ports.access.removeMembers(group, leaving, this.#change());
    });
  }

  async #find(name: string): Promise<GroupRecord> {
    const group = (await this.#ports.access.listGroups()).find((each) => each.name === name);
    if (group === undefined) throw new AdministrationError("group-unknown", `there is no group ${name}`);
    return group;
  }
}
