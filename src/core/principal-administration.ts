/** A group of dozo's own, with the names of its members in byte order. */
export interface GroupSummary {
  readonly name: string;
  readonly members: readonly string[];
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** What went with a group. */
export interface GroupRemoval {
  readonly members: number;
  readonly rules: number;
}

/** What an operator does with dozo's own groups. A change holds at once. */
export interface GroupAdministration {
  /** In byte order of their names. */
  list(): Promise<readonly GroupSummary[]>;
  /** Throws `AdministrationError`: the name cannot be one, or is taken. */
  add(name: string): Promise<void>;
  /** With its memberships and the rules about it. Throws `AdministrationError`: there is no such group. */
  remove(name: string): Promise<GroupRemoval>;
  /** Of users and robots, from wherever they come. All of them, or nobody: throws `AdministrationError` when there is no such group or member. */
  join(group: string, members: readonly string[]): Promise<void>;
  /** All of them, or nobody: throws `AdministrationError` when there is no such group, or one of them is not in it. */
  leave(group: string, members: readonly string[]): Promise<void>;
}

/** A robot as the operator sees it. */
export interface RobotSummary {
  readonly name: string;
  /** The user whose it is; undefined for the registry's own. */
  readonly owner: string | undefined;
  /** Milliseconds since 1970; undefined: never. */
  readonly expiresAt: number | undefined;
  readonly hasExpired: boolean;
  readonly createdAt: number;
}

export interface NewRobot {
  readonly name: string;
  readonly owner: string | undefined;
  readonly expiresAt: number | undefined;
}

/** What an operator does with robots: programs that log in with access keys alone. A change holds at once. */
export interface RobotAdministration {
  /** In byte order of their names. */
  list(): Promise<readonly RobotSummary[]>;
  /** Throws `AdministrationError`: the name cannot be one or is taken, there is no such user to own it, or its time is over already. */
  add(robot: NewRobot): Promise<void>;
  /** Throws `AdministrationError`: there is no such robot. */
  remove(name: string): Promise<void>;
}
