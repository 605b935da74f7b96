import type { AccountStore, RobotRecord, UserRecord } from "../../core/account-store.ts";
import type { Change } from "../../core/metadata-store.ts";
import type { ExternalSource, Principal, PrincipalId } from "../../core/principal.ts";
import type { changes, reads } from "./operations.ts";
import type { DatabaseThread } from "./thread.ts";

/** The account port over the two threads of the database. */
export class SqliteAccountStore implements AccountStore {
  readonly #reader: DatabaseThread<typeof reads>;
  readonly #writer: DatabaseThread<typeof changes>;

  constructor(reader: DatabaseThread<typeof reads>, writer: DatabaseThread<typeof changes>) {
    this.#reader = reader;
    this.#writer = writer;
  }

  findUser(name: string): Promise<UserRecord | undefined> {
    return this.#reader.call("findUser", name);
  }

  listUsers(): Promise<readonly UserRecord[]> {
    return this.#reader.call("listUsers");
  }

  createUser(user: Omit<UserRecord, "credentialVersion" | "createdAt">, change: Change): Promise<void> {
    return this.#writer.call("createUser", user, change);
  }

  setPassword(name: string, passwordHash: string, change: Change): Promise<boolean> {
    return this.#writer.call("setPassword", name, passwordHash, change);
  }

  removeUser(name: string, change: Change): Promise<boolean> {
    return this.#writer.call("removeUser", name, change);
  }

  async findRobot(name: string): Promise<RobotRecord | undefined> {
    return (await this.listRobots()).find((robot) => robot.name === name);
  }

  listRobots(): Promise<readonly RobotRecord[]> {
    return this.#reader.call("listRobots");
  }

  createRobot(robot: Omit<RobotRecord, "createdAt">, change: Change): Promise<void> {
    return this.#writer.call("createRobot", robot, change);
  }

  removeRobot(name: string, change: Change): Promise<boolean> {
    return this.#writer.call("removeRobot", name, change);
  }

  findPrincipal(id: PrincipalId, now: number): Promise<Principal | undefined> {
    return this.#reader.call("findPrincipal", id, now);
  }

  listExternalNames(source: ExternalSource): Promise<readonly string[]> {
    return this.#reader.call("listExternalNames", source);
  }

  findExternalPrincipal(source: ExternalSource, name: string): Promise<PrincipalId | undefined> {
    return this.#reader.call("findExternalPrincipal", source, name);
  }

  async externalPrincipal(source: ExternalSource, name: string, fresh: PrincipalId, at: number): Promise<PrincipalId> {
    const known = await this.findExternalPrincipal(source, name);
    return known ?? (await this.#writer.call("externalPrincipal", source, name, fresh, at));
  }

  removeExternalPrincipal(source: ExternalSource, name: string, change: Change): Promise<boolean> {
    return this.#writer.call("removeExternalPrincipal", source, name, change);
  }

  keepExternalPrincipals(source: ExternalSource, names: readonly string[], at: number): Promise<void> {
    return this.#writer.call("keepExternalPrincipals", source, names, at);
  }
}
