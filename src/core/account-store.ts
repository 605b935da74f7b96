import type { Change } from "./metadata-store.ts";
import type { ExternalSource, Principal, PrincipalId } from "./principal.ts";

/** A user of dozo's own. Names are unique among the users and robots that have not been removed. */
export interface UserRecord {
  readonly id: PrincipalId;
  readonly name: string;
  readonly isAdmin: boolean;
  /** argon2id in PHC string form. */
  readonly passwordHash: string;
  /** Grows with every change of the password; what was verified against an older one counts no more. */
  readonly credentialVersion: number;
  readonly createdAt: number;
}

/** A program that logs in with access keys. Names are unique as those of users are. */
export interface RobotRecord {
  readonly id: PrincipalId;
  readonly name: string;
  /** Whose it is, from whatever source; undefined for the registry's own. It is removed together with its owner. */
  readonly owner: RobotOwner | undefined;
  /** Milliseconds since 1970: from then on it is nobody. Undefined: never. */
  readonly expiresAt: number | undefined;
  readonly createdAt: number;
}

/** As they are now. */
export type RobotOwner = Pick<Principal, "id" | "name" | "isAdmin">;

/** Users, robots, and the ids of principals that come from elsewhere. Reading answers the state after every acknowledged change. */
export interface AccountStore {
  findUser(name: string): Promise<UserRecord | undefined>;
  /** In byte order of their names. */
  listUsers(): Promise<readonly UserRecord[]>;
  /** Throws `CONFLICT` when a user or a robot has the name. */
  createUser(user: Omit<UserRecord, "credentialVersion" | "createdAt">, change: Change): Promise<void>;
  /** False when there is no such user. */
  setPassword(name: string, passwordHash: string, change: Change): Promise<boolean>;
  /**
   * False when there is no such user. The row stays, marked as removed: what refers to its id keeps its meaning. The user's
   * robots are removed together with the user, and all of them leave their groups.
   */
  removeUser(name: string, change: Change): Promise<boolean>;
  findRobot(name: string): Promise<RobotRecord | undefined>;
  /** In byte order of their names; also those that have expired. */
  listRobots(): Promise<readonly RobotRecord[]>;
  /** Throws `CONFLICT` when a user or a robot has the name, or when nobody has the owner's id. */
  createRobot(robot: Omit<RobotRecord, "createdAt">, change: Change): Promise<void>;
  /** False when there is no such robot. Otherwise as `removeUser` does. */
  removeRobot(name: string, change: Change): Promise<boolean>;
  /** Who has the id, as they are now; undefined when they were removed, and for a robot that has expired by `now`. */
  findPrincipal(id: PrincipalId, now: number): Promise<Principal | undefined>;
  /** The names that have come from there and were not removed, in byte order. */
  listExternalNames(source: ExternalSource): Promise<readonly string[]>;
  /** The id of a name from elsewhere, the same each time; `fresh` is used the first time. */
  externalPrincipal(source: ExternalSource, name: string, fresh: PrincipalId, at: number): Promise<PrincipalId>;
  /** The id of a name from elsewhere, if it has one. */
  findExternalPrincipal(source: ExternalSource, name: string): Promise<PrincipalId | undefined>;
  /** False when nobody of the source has the name. Otherwise as `removeUser` does. */
  removeExternalPrincipal(source: ExternalSource, name: string, change: Change): Promise<boolean>;
  /**
   * Marks everybody of the source whose name is not among these as removed: should the name come back, it gets a fresh id.
   * Their robots and their memberships go as with `removeUser`.
   */
  keepExternalPrincipals(source: ExternalSource, names: readonly string[], at: number): Promise<void>;
}

/** Who a user of dozo's own is. */
export function principalOfUser({ id, name, isAdmin }: UserRecord): Principal {
  return { id, name, isAdmin, kind: "user", source: "dozo" };
}

/** Who a robot is, as long as it has not expired; it is never an admin. */
export function principalOfRobot({ id, name, owner }: RobotRecord): Principal {
  const robot = { id, name, isAdmin: false, kind: "robot", source: "dozo" } as const;
  return owner === undefined ? robot : { ...robot, owner };
}

/** A robot is nobody from the moment on at which it expires. */
export function hasExpired({ expiresAt }: Pick<RobotRecord, "expiresAt">, now: number): boolean {
  return expiresAt !== undefined && now >= expiresAt;
}
