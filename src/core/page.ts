import { RegistryError } from "./error.ts";

/** A request for a part of a list in byte order: at most `limit` entries behind `last`. */
export interface PageRequest {
  readonly limit: number;
  readonly last: string | undefined;
}

/** A part of a list; `more` says whether anything stands behind it. */
export interface Page<Entry> {
  readonly entries: readonly Entry[];
  readonly more: boolean;
}

/**
 * `n` and `last` as the specification has them ("Listing Tags"): no `n` means the largest page, a larger one is cut to it.
 * Throws `PAGINATION_NUMBER_INVALID` for anything but decimal digits.
 */
export function parsePageRequest(n: string | undefined, last: string | undefined, maxLimit: number): PageRequest {
  if (n === undefined) return { limit: maxLimit, last };
  if (!/^[0-9]{1,20}$/.test(n)) throw new RegistryError("PAGINATION_NUMBER_INVALID");
  return { limit: Math.min(Number(n), maxLimit), last };
}
