import type { Page, PageRequest } from "../core/page.ts";
import type { Tag } from "../core/reference.ts";
import type { RepositoryName } from "../core/repository-name.ts";
import type { RegistryPorts } from "./ports.ts";

/** The tags of a repository. */
export class Tags {
  readonly #ports: RegistryPorts;

  constructor(ports: RegistryPorts) {
    this.#ports = ports;
  }

  /** In byte order (distribution specification, "Listing Tags"). Throws `NAME_UNKNOWN`. */
  list(repository: RepositoryName, page: PageRequest): Promise<Page<Tag>> {
    return this.#ports.metadata.listTags(repository, page);
  }
}
