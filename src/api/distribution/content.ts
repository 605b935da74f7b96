import type { Digest } from "../../core/digest.ts";

/** What belongs to a digest never changes; it is nobody else's business, though. */
export const cacheForGood = "private, max-age=31536000, immutable";

/** What belongs to a tag may change: ask each time (RFC 9111 section 5.2.2.4). */
export const cacheNothingUnasked = "no-cache";

/** The headers by which clients recognise content: its digest is its entity tag. */
export function contentHeaders(digest: Digest, cacheControl: string): Record<string, string> {
  const caching = { "Cache-Control": cacheControl, Vary: "Authorization" };
  return { "Docker-Content-Digest": digest, ETag: `"${digest}"`, ...caching };
}

/**
 * Whether the client has it already (RFC 9110 section 13.1.2; the comparison is the weak one). To be asked only when it is
 * certain that it is there and that the client may have it.
 */
export function isNotModified(ifNoneMatch: string | null, digest: Digest): boolean {
  if (ifNoneMatch === null) return false;
  if (ifNoneMatch.trim() === "*") return true;
  return ifNoneMatch.split(",").some((entry) => entry.trim().replace(/^W\//, "") === `"${digest}"`);
}
