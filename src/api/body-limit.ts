import type { Limits } from "../core/limits.ts";

/** What is read into memory, which `bodies` bounds for all requests together, as it does silence. */
export type MemoryBody = "manifest" | "form" | "page-form" | "json";

/**
 * What a row takes in as a body. `page-form`: a form of one of the registry's own pages, which is read and known as such before
 * anything else is done. `none`: nothing is read of it. `blob`: it is handed over whole to the upload store, which also keeps
 * the disk's reserve and has its own clock for silence. None has a limit on its whole duration.
 */
export type BodyKind = "none" | "blob" | MemoryBody;

/** The one place where a kind becomes a number of bytes; total, so that a kind without a limit does not compile. */
const limitOf: Readonly<Record<BodyKind, (limits: Limits) => number>> = {
  none: () => 0,
  manifest: ({ manifestBytes }) => manifestBytes,
  // Credentials and scopes, of which there are 64 at most.
  form: () => 32 * 1024,
  // A name, a password, some patterns.
  "page-form": () => 16 * 1024,
  // No document of the HTTP API is larger.
  json: () => 64 * 1024,
  blob: ({ blobBytes }) => blobBytes,
};

/** The most bytes that a row with this kind of body takes in. */
export function maxBodyBytes(kind: BodyKind, limits: Limits): number {
  return limitOf[kind](limits);
}
