import type { Page, PageRequest } from "../core/page.ts";
import type { RepositoryName } from "../core/repository-name.ts";
import type { RegistryPorts } from "./ports.ts";

/** The repositories that have something to pull. */
export class Catalog {
  readonly #ports: RegistryPorts;

  constructor(ports: RegistryPorts) {
    this.#ports = ports;
  }

  /** In byte order. */
  list(page: PageRequest): Promise<Page<RepositoryName>> {
    return this.#ports.metadata.listRepositories(page);
  }

  /** Those whose name contains the term, in whatever case it was typed; in byte order. */
  search(term: string, limit: number): Promise<readonly RepositoryName[]> {
    const { metadata, limits } = this.#ports;
    return metadata.searchRepositories(term.trim().toLowerCase(), Math.min(limit, limits.pageEntries));
  }
}
