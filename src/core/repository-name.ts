import { RegistryError } from "./error.ts";

declare const brand: unique symbol;
/** A repository's name: path components of lower-case letters, digits and single separators. */
export type RepositoryName = string & { readonly [brand]: "RepositoryName" };

// The distribution specification's grammar for <name> ("Pulling manifests"), anchored.
const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const grammar = new RegExp(`^${component}(?:/${component})*$`);

/** Clients limit host name and repository name together to 255 characters; so does every registry. */
export const maxNameLength = 255;

export function isRepositoryName(text: string): text is RepositoryName {
  return text.length > 0 && text.length <= maxNameLength && grammar.test(text);
}

/** Throws `NAME_INVALID` for anything that the grammar refuses, `..` and empty components among it. */
export function parseRepositoryName(text: string): RepositoryName {
  if (!isRepositoryName(text)) throw new RegistryError("NAME_INVALID");
  return text;
}
