import { type ErrorCode, RegistryError } from "../core/error.ts";
import { type Page, type PageRequest, parsePageRequest } from "../core/page.ts";

/** The value of a parameter that may stand in a query once. Throws `code` where it stands there twice. */
export function single(query: URLSearchParams, name: string, code: ErrorCode): string | undefined {
  const values = query.getAll(name);
  if (values.length > 1) throw new RegistryError(code, `the query has ${name} twice`);
  return values[0];
}

// The longest name that a list can end with is a repository's.
const maxLastLength = 255;

/**
 * `n` and `last` of a list (distribution specification, "Listing Tags"). Throws `PAGINATION_NUMBER_INVALID`, for a `last`
 * too that no entry of a list can be.
 */
export function pageOf(query: URLSearchParams, maxLimit: number): PageRequest {
  const last = single(query, "last", "PAGINATION_NUMBER_INVALID");
  if (last !== undefined && (last.length > maxLastLength || !/^[\x21-\x7e]*$/.test(last))) {
    throw new RegistryError("PAGINATION_NUMBER_INVALID", "last is not an entry of this list");
  }
  return parsePageRequest(single(query, "n", "PAGINATION_NUMBER_INVALID"), last, maxLimit);
}

/** Where the page behind this one is; none is named for `n=0`, which asks for nothing. Path only, whatever Host says. */
export function linkToNext(path: string, page: PageRequest, answer: Page<string>): Readonly<Record<string, string>> {
  const last = answer.entries.at(-1);
  return answer.more && last !== undefined ? linkHeader(path, { n: String(page.limit), last }) : {};
}

/** RFC 8288 section 3. */
export function linkHeader(path: string, query: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return { Link: `<${path}?${new URLSearchParams(query).toString()}>; rel="next"` };
}
