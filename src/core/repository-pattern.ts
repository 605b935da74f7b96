import { RegistryError } from "./error.ts";
import { isRepositoryName, type RepositoryName } from "./repository-name.ts";

declare const repositoryPattern: unique symbol;

/**
 * Which repositories something is about: a repository's name in which `*` stands for any characters of one component, none
 * included, and a component `**` for one or more whole components. `team/*` is `team/app` and not `team/app/web`; `team/**`
 * is both, and not `team`; `**` is all of them.
 */
export type RepositoryPattern = string & { readonly [repositoryPattern]: true };

const maxLength = 255;
const component = /^(?:\*\*|[a-z0-9._*-]+)$/;

/** Throws `NAME_INVALID` for a text that no repository's name could match. */
export function parseRepositoryPattern(text: string): RepositoryPattern {
  const isPattern =
    text.length <= maxLength &&
    text.split("/").every((part) => component.test(part) && (part === "**" || !part.includes("**"))) &&
    isRepositoryName(text.replaceAll("*", "a"));
  if (!isPattern)
    throw new RegistryError(
      "NAME_INVALID",
      `${JSON.stringify(text)} is no repository and no pattern of one: write it like team/app, team/* or team/**`,
    );
  return text as RepositoryPattern;
}

/** The pattern of one repository alone: no name has a `*`. */
export function exactly(name: RepositoryName): RepositoryPattern {
  return name as string as RepositoryPattern;
}

/** Whether the pattern is about the repository. */
export function matchesRepository(pattern: RepositoryPattern, name: RepositoryName): boolean {
  if (pattern === "**") return true;
  if (!pattern.includes("*")) return (pattern as string) === name;
  return matchesComponents(pattern.split("/"), name.split("/"));
}

/** Keeps the set of places in the pattern that the components so far lead to: the time is bounded by both lengths. */
function matchesComponents(pattern: readonly string[], components: readonly string[]): boolean {
  let places = new Set([0]);
  for (const each of components) {
    const next = new Set<number>();
    for (const place of places) {
      const part = pattern[place];
      if (part === undefined) continue;
      if (part === "**") next.add(place);
      if (part === "**" || matchesComponent(part, each)) next.add(place + 1);
    }
    places = next;
  }
  return places.has(pattern.length);
}

/** Goes back to the last `*` only, which is enough: an earlier one that took more would leave less for it. */
function matchesComponent(part: string, text: string): boolean {
  let at = 0;
  let star = -1;
  let resumeAt = 0;
  let place = 0;
  while (at < text.length) {
    if (part[place] === "*") {
      star = place;
      resumeAt = at;
      place += 1;
    } else if (part[place] === text[at]) {
      place += 1;
      at += 1;
    } else if (star >= 0) {
      place = star + 1;
      resumeAt += 1;
      at = resumeAt;
    } else return false;
  }
  while (part[place] === "*") place += 1;
  return place === part.length;
}
