import {
  type AccountStore,
  hasExpired,
  principalOfRobot,
  principalOfUser,
  type RobotOwner,
  type RobotRecord,
  type UserRecord,
} from "../../core/account-store.ts";
import { RegistryError } from "../../core/error.ts";
import type { Change } from "../../core/metadata-store.ts";
import type { ExternalSource, Principal, PrincipalId } from "../../core/principal.ts";
import { compareBytes } from "./repository.ts";

type External = Principal & { readonly source: ExternalSource };

/** The account port in maps, for tests. */
export class MemoryAccountStore implements AccountStore {
  readonly #users = new Map<string, UserRecord>();
  readonly #robots = new Map<string, RobotRecord>();
  #external: readonly External[] = [];

  async findUser(name: string): Promise<UserRecord | undefined> {
    return this.#users.get(name);
  }

  async listUsers(): Promise<readonly UserRecord[]> {
    return inOrder(this.#users);
  }

  async createUser(user: Omit<UserRecord, "credentialVersion" | "createdAt">, change: Change): Promise<void> {
    this.#assertNameIsFree(user.name);
    this.#users.set(user.name, { ...user, credentialVersion: 1, createdAt: change.at });
  }

  async setPassword(name: string, passwordHash: string, _change: Change): Promise<boolean> {
    const user = this.#users.get(name);
    if (user === undefined) return false;
    this.#users.set(name, { ...user, passwordHash, credentialVersion: user.credentialVersion + 1 });
    return true;
  }

  async removeUser(name: string, _change: Change): Promise<boolean> {
    const isGone = this.#users.delete(name);
    this.#removeOrphans();
    return isGone;
  }

  async findRobot(name: string): Promise<RobotRecord | undefined> {
    return this.#robots.get(name);
  }

  async listRobots(): Promise<readonly RobotRecord[]> {
    return inOrder(this.#robots);
  }

  async createRobot(robot: Omit<RobotRecord, "createdAt">, change: Change): Promise<void> {
    this.#assertNameIsFree(robot.name);
    const owner = robot.owner === undefined ? undefined : this.presentPrincipal(robot.owner.id);
    if (robot.owner !== undefined && owner === undefined)
      throw new RegistryError("CONFLICT", `${robot.owner.name} was removed meanwhile`);
    this.#robots.set(robot.name, { ...robot, owner: ownerOf(owner), createdAt: change.at });
  }

  async removeRobot(name: string, _change: Change): Promise<boolean> {
    return this.#robots.delete(name);
  }

  async findPrincipal(id: PrincipalId, now: number): Promise<Principal | undefined> {
    const robot = this.#robots.values().find((each) => each.id === id);
    return robot !== undefined && hasExpired(robot, now) ? undefined : this.presentPrincipal(id);
  }

  /** Whoever has the id and was not removed. */
  presentPrincipal(id: PrincipalId): Principal | undefined {
    return [
      ...[...this.#users.values()].map(principalOfUser),
      ...[...this.#robots.values()].map(principalOfRobot),
      ...this.#external,
    ].find((each) => each.id === id);
  }

  async listExternalNames(source: ExternalSource): Promise<readonly string[]> {
    const names = this.#external.filter((each) => each.source === source).map(({ name }) => name);
    return names.toSorted(compareBytes);
  }

  async externalPrincipal(source: ExternalSource, name: string, fresh: PrincipalId, _at: number): Promise<PrincipalId> {
    const known = this.#externalId(source, name);
    if (known !== undefined) return known;
    this.#external = [...this.#external, { id: fresh, name, isAdmin: false, kind: "user", source }];
    return fresh;
  }

  async findExternalPrincipal(source: ExternalSource, name: string): Promise<PrincipalId | undefined> {
    return this.#externalId(source, name);
  }

  async removeExternalPrincipal(source: ExternalSource, name: string, _change: Change): Promise<boolean> {
    const id = this.#externalId(source, name);
    this.#external = this.#external.filter((each) => each.id !== id);
    this.#removeOrphans();
    return id !== undefined;
  }

  async keepExternalPrincipals(source: ExternalSource, names: readonly string[], _at: number): Promise<void> {
    const kept = new Set(names);
    this.#external = this.#external.filter((each) => each.source !== source || kept.has(each.name));
    this.#removeOrphans();
  }

  #externalId(source: ExternalSource, name: string): PrincipalId | undefined {
    return this.#external.find((each) => each.source === source && each.name === name)?.id;
  }

  #assertNameIsFree(name: string): void {
    for (const [kind, holders] of [
      ["user", this.#users],
      ["robot", this.#robots],
    ] as const)
      if (holders.has(name)) throw new RegistryError("CONFLICT", `there is a ${kind} ${name} already`);
  }

  #removeOrphans(): void {
    for (const { name, owner } of this.#robots.values())
      if (owner !== undefined && this.presentPrincipal(owner.id) === undefined) this.#robots.delete(name);
  }
}

function ownerOf(principal: Principal | undefined): RobotOwner | undefined {
  if (principal === undefined) return undefined;
  const { id, name, isAdmin } = principal;
  return { id, name, isAdmin };
}

function inOrder<Account extends { readonly name: string }>(
  accounts: ReadonlyMap<string, Account>,
): readonly Account[] {
  return [...accounts.values()].toSorted((one, other) => compareBytes(one.name, other.name));
}
