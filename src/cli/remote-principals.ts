import type {
  GroupAdministration,
  GroupRemoval,
  GroupSummary,
  NewRobot,
  RobotAdministration,
  RobotSummary,
} from "../core/principal-administration.ts";
import type { ControlClient } from "./control-client.ts";

/** The use cases about groups through a running server. */
export class RemoteGroups implements GroupAdministration {
  readonly #server: ControlClient;

  constructor(server: ControlClient) {
    this.#server = server;
  }

  async list(): Promise<readonly GroupSummary[]> {
    return (await this.#server.call("GET", "/groups")) as readonly GroupSummary[];
  }

  async add(name: string): Promise<void> {
    await this.#server.call("POST", "/groups", { name });
  }

  async remove(name: string): Promise<GroupRemoval> {
    return (await this.#server.call("DELETE", `/groups/${encodeURIComponent(name)}`)) as GroupRemoval;
  }

  async join(group: string, members: readonly string[]): Promise<void> {
    await this.#server.call("POST", `/groups/${encodeURIComponent(group)}/join`, { members });
  }

  async leave(group: string, members: readonly string[]): Promise<void> {
    await this.#server.call("POST", `/groups/${encodeURIComponent(group)}/leave`, { members });
  }
}

/** The use cases about robots through a running server. */
export class RemoteRobots implements RobotAdministration {
  readonly #server: ControlClient;

  constructor(server: ControlClient) {
    this.#server = server;
  }

  async list(): Promise<readonly RobotSummary[]> {
    return (await this.#server.call("GET", "/robots")) as readonly RobotSummary[];
  }

  async add(robot: NewRobot): Promise<void> {
    await this.#server.call("POST", "/robots", robot);
  }

  async remove(name: string): Promise<void> {
    await this.#server.call("DELETE", `/robots/${encodeURIComponent(name)}`);
  }
}
