import type { AccountStore, RobotRecord, UserRecord } from "../core/account-store.ts";
import type { Change } from "../core/metadata-store.ts";
import type { ExternalSource, Principal, PrincipalId } from "../core/principal.ts";

/**
 * The users and robots, and how often each of them has changed: so that a remembered login can be held against it without
 * asking the store. Every change of them in this process has to be made through this one object.
 */
export class WatchedAccounts implements AccountStore {
  readonly #store: AccountStore;
  readonly #changes = new Map<string, number>();
  readonly #onChange: () => Promise<void>;

  /** `onChange` is called after every change, which is acknowledged when that has ended. */
  constructor(store: AccountStore, onChange: () => Promise<void> = async () => undefined) {
    this.#store = store;
    this.#onChange = onChange;
  }

  /** Grows, at the latest, before a change of this user or robot is acknowledged; for a robot also when its owner is removed. */
  changesOf(name: string): number {
    return this.#changes.get(name) ?? 0;
  }

  findUser(name: string): Promise<UserRecord | undefined> {
    return this.#store.findUser(name);
  }

  listUsers(): Promise<readonly UserRecord[]> {
    return this.#store.listUsers();
  }

  createUser(user: Omit<UserRecord, "credentialVersion" | "createdAt">, change: Change): Promise<void> {
    return this.#counted([user.name], this.#store.createUser(user, change));
  }

  setPassword(name: string, passwordHash: string, change: Change): Promise<boolean> {
    return this.#counted([name], this.#store.setPassword(name, passwordHash, change));
  }

  async removeUser(name: string, change: Change): Promise<boolean> {
    const names = await this.#ownedRobots();
    return this.#counted([name, ...names], this.#store.removeUser(name, change));
  }

  findRobot(name: string): Promise<RobotRecord | undefined> {
    return this.#store.findRobot(name);
  }

  listRobots(): Promise<readonly RobotRecord[]> {
    return this.#store.listRobots();
  }

  createRobot(robot: Omit<RobotRecord, "createdAt">, change: Change): Promise<void> {
    return this.#counted([robot.name], this.#store.createRobot(robot, change));
  }

  removeRobot(name: string, change: Change): Promise<boolean> {
    return this.#counted([name], this.#store.removeRobot(name, change));
  }

  findPrincipal(id: PrincipalId, now: number): Promise<Principal | undefined> {
    return this.#store.findPrincipal(id, now);
  }

  listExternalNames(source: ExternalSource): Promise<readonly string[]> {
    return this.#store.listExternalNames(source);
  }

  externalPrincipal(source: ExternalSource, name: string, fresh: PrincipalId, at: number): Promise<PrincipalId> {
    return this.#store.externalPrincipal(source, name, fresh, at);
  }

  findExternalPrincipal(source: ExternalSource, name: string): Promise<PrincipalId | undefined> {
    return this.#store.findExternalPrincipal(source, name);
  }

  async removeExternalPrincipal(source: ExternalSource, name: string, change: Change): Promise<boolean> {
    return this.#counted(
      [name, ...(await this.#ownedRobots())],
      this.#store.removeExternalPrincipal(source, name, change),
    );
  }

  async keepExternalPrincipals(source: ExternalSource, names: readonly string[], at: number): Promise<void> {
    return this.#counted(await this.#ownedRobots(), this.#store.keepExternalPrincipals(source, names, at));
  }

  /** Any of them may go with its owner; one that stays loses nothing by being counted. */
  async #ownedRobots(): Promise<readonly string[]> {
    return (await this.#store.listRobots()).filter(({ owner }) => owner !== undefined).map(({ name }) => name);
  }

  /** A change that failed may have been made all the same, so it counts too. */
  async #counted<Answer>(names: readonly string[], change: Promise<Answer>): Promise<Answer> {
    try {
      return await change;
    } finally {
      for (const name of names) this.#changes.set(name, this.changesOf(name) + 1);
      await this.#onChange();
    }
  }
}
