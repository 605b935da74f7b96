import type { Page, PageRequest } from "../core/page.ts";
import type { RepositoryName } from "../core/repository-name.ts";
import type { RegistryPorts } from "./ports.ts";

/** Whether somebody may know of a repository. */
type IsVisible = (name: RepositoryName) => boolean;

const leastRead = 100;

/** The repositories that have something to pull. */
export class Catalog {
  readonly #ports: RegistryPorts;

  constructor(ports: RegistryPorts) {
    this.#ports = ports;
  }

  /** In byte order, those that `isVisible` only. */
  async list(page: PageRequest, isVisible: IsVisible): Promise<Page<RepositoryName>> {
    const { metadata } = this.#ports;
    const entries: RepositoryName[] = [];
    // One more than the page has, to see whether there is another; and many at once where most are hidden.
    const limit = Math.max(page.limit + 1, leastRead);
    let last = page.last;
    for (;;) {
      const part = await metadata.listRepositories({ ...page, last, limit });
      for (const name of part.entries) {
        if (!isVisible(name)) continue;
        if (entries.length === page.limit) return { entries, more: page.limit > 0 };
        entries.push(name);
      }
      if (!part.more) return { entries, more: false };
      last = part.entries.at(-1);
    }
  }

  /**
   * Those whose name contains the term, in whatever case it was typed, and that `isVisible`; in byte order. Only so many of
   * the first are looked at as one page may have.
   */
  async search(term: string, limit: number, isVisible: IsVisible): Promise<readonly RepositoryName[]> {
    const { metadata, limits } = this.#ports;
    const names = await metadata.searchRepositories(term.trim().toLowerCase(), limits.pageEntries);
    return names.filter(isVisible).slice(0, limit);
  }
}
