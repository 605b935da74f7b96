import type { CredentialLimits } from "../../core/caller.ts";
import { isRepositoryName, type RepositoryName } from "../../core/repository-name.ts";
import { exactly } from "../../core/repository-pattern.ts";

/** What a token may open in a repository; `overwrite` is nothing that clients know, it comes along with `push`. */
const repositoryActions = ["pull", "push", "overwrite", "delete"] as const;
type RepositoryAction = (typeof repositoryActions)[number];

/** One entry of a token's claim `access`, as Docker's token specification has it ("Claim Set"). */
export type TokenAccess =
  | { readonly type: "repository"; readonly name: RepositoryName; readonly actions: readonly RepositoryAction[] }
  | { readonly type: "registry"; readonly name: "catalog"; readonly actions: readonly ["*"] };

/** A request for a token that cannot be answered; the message is for the client. */
export class TokenRequestError extends Error {}

const maxScopes = 64;
export const catalogAccess: TokenAccess = { type: "registry", name: "catalog", actions: ["*"] };

/** How clients write the actions that they ask for: some mean all of them by `*`, which no token ever has. */
const askedActions: ReadonlyMap<string, readonly RepositoryAction[]> = new Map<string, readonly RepositoryAction[]>([
  ["pull", ["pull"]],
  ["push", ["push", "overwrite"]],
  ["delete", ["delete"]],
  ["*", repositoryActions],
]);

/**
 * What a client asks for in its `scope` parameters ("Resource Scope Grammar"; each may have several, with spaces between them),
 * one entry for each repository. What it cannot mean or dozo does not have is left out, as what is not allowed is.
 * Throws a `TokenRequestError` for more than 64 scopes.
 */
export function parseScopes(parameters: readonly string[]): readonly TokenAccess[] {
  const scopes = parameters.flatMap((parameter) => parameter.split(" ")).filter((scope) => scope !== "");
  if (scopes.length > maxScopes) throw new TokenRequestError(`a token can be asked for ${maxScopes} scopes at most`);
  const repositories = new Map<RepositoryName, Set<RepositoryAction>>();
  let hasCatalog = false;
  for (const scope of scopes) {
    const [, type = "", name = "", actions = ""] = /^([^:]*):(.*):([^:]*)$/s.exec(scope) ?? [];
    const words = actions.split(",");
    // Docker's `search` asks for an action of its own.
    if (type === "registry" && name === "catalog") hasCatalog ||= words.includes("*") || words.includes("search");
    if (type !== "repository" || !isRepositoryName(name)) continue;
    const asked = repositories.get(name) ?? new Set();
    for (const action of words.flatMap((word) => askedActions.get(word) ?? [])) asked.add(action);
    repositories.set(name, asked);
  }
  const entries = [...repositories].map(([name, asked]) => repositoryAccess(name, asked));
  return hasCatalog ? [...entries, catalogAccess] : entries;
}

/** An entry about a repository; its actions are in one order, whatever order they were asked in. */
export function repositoryAccess(name: RepositoryName, actions: ReadonlySet<RepositoryAction>): TokenAccess {
  return { type: "repository", name, actions: repositoryActions.filter((action) => actions.has(action)) };
}

/** Reads an entry back; undefined for one that this program would not have written. */
export function readTokenAccess(value: unknown): TokenAccess | undefined {
  const { type, name, actions } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (type === "registry") return catalogAccess;
  if (type !== "repository" || typeof name !== "string" || !isRepositoryName(name)) return undefined;
  if (!Array.isArray(actions)) return undefined;
  return repositoryAccess(name, new Set(actions as readonly RepositoryAction[]));
}

/** A token's entries as limits on its principal; what it was had with (`within`) has limits of its own. */
export function limitsOf(access: readonly TokenAccess[], within?: CredentialLimits): CredentialLimits {
  const grants = access
    .filter((entry) => entry.type === "repository")
    .map(({ name, actions }) => ({ repositories: exactly(name), actions }));
  return { grants, catalog: access.includes(catalogAccess) ? "all" : "none", within };
}

/** The scope of these entries in the words of clients, who know nothing of `overwrite`. */
export function scopeText(access: readonly TokenAccess[]): string {
  return access
    .map(({ type, name, actions }) => `${type}:${name}:${actions.filter((action) => action !== "overwrite").join(",")}`)
    .join(" ");
}
