import { type AccountStore, hasExpired, type RobotOwner } from "../core/account-store.ts";
import { AdministrationError } from "../core/administration.ts";
import type { Change } from "../core/metadata-store.ts";
import type { NewRobot, RobotAdministration, RobotSummary } from "../core/principal-administration.ts";
import { assertFreeName, assertNewName, findPrincipalByName, type PrincipalNamesPorts } from "./principal-by-name.ts";
import type { Turn } from "./turns.ts";

/** The operator's use cases about robots. */
export class Robots implements RobotAdministration {
  readonly #ports: PrincipalNamesPorts;
  readonly #accounts: AccountStore;
  readonly #turn: Turn;
  readonly #change: () => Change;

  constructor(ports: PrincipalNamesPorts, turn: Turn, change: () => Change) {
    this.#ports = ports;
    this.#accounts = ports.accounts;
    this.#turn = turn;
    this.#change = change;
  }

  async list(): Promise<readonly RobotSummary[]> {
    const now = this.#change().at;
    return (await this.#accounts.listRobots()).map((robot) => ({
      name: robot.name,
      owner: robot.owner?.name,
      expiresAt: robot.expiresAt,
      hasExpired: hasExpired(robot, now),
      createdAt: robot.createdAt,
    }));
  }

  add({ name, owner, expiresAt }: NewRobot): Promise<void> {
    assertNewName("robot", name);
    return this.#turn(async () => {
      const change = this.#change();
      if (hasExpired({ expiresAt }, change.at))
        throw new AdministrationError("robot-invalid", `a robot that ends before it begins would be nobody`);
      await assertFreeName(this.#accounts, name);
      const robot = { id: this.#ports.ulids.next(), name, owner: await this.#owner(owner, change), expiresAt };
      await this.#accounts.createRobot(robot, change);
    });
  }

  remove(name: string): Promise<void> {
    return this.#turn(async () => {
      if (!(await this.#accounts.removeRobot(name, this.#change())))
        throw new AdministrationError("robot-unknown", `there is no robot ${name}`);
    });
  }

  async #owner(name: string | undefined, change: Change): Promise<RobotOwner | undefined> {
    if (name === undefined) return undefined;
    const principal = await findPrincipalByName(this.#ports, name, change.at);
    if (principal.kind === "robot")
      throw new AdministrationError(
        "robot-invalid",
        `${name} is a robot itself: a robot is a user's, or the registry's`,
      );
    return principal;
  }
}
