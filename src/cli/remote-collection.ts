import type {
  CollectionAdministration,
  CollectionPlan,
  CollectionReport,
  CollectionState,
} from "../core/collection-administration.ts";
import type { ControlClient } from "./control-client.ts";

/** What is done with the garbage collection of a running server. */
export class RemoteCollection implements CollectionAdministration {
  readonly #server: ControlClient;

  constructor(server: ControlClient) {
    this.#server = server;
  }

  async run(): Promise<CollectionReport> {
    return (await this.#server.call("POST", "/garbage/collection")) as CollectionReport;
  }

  async plan(): Promise<CollectionPlan> {
    return (await this.#server.call("GET", "/garbage/plan")) as CollectionPlan;
  }

  async state(): Promise<CollectionState> {
    return (await this.#server.call("GET", "/garbage")) as CollectionState;
  }
}
