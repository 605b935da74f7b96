import type { Digest } from "./digest.ts";
import { RegistryError } from "./error.ts";
import type { ManifestPreconditions, NamedContent } from "./metadata-store.ts";
import type { Tag } from "./reference.ts";

/**
 * Something that a manifest names, beside the size that the repository has it in (undefined: it does not have it).
 * Throws `MANIFEST_BLOB_UNKNOWN` where it has to be there and is not, `SIZE_INVALID` where its size is another one:
 * clients allocate by what the manifest says.
 */
export function checkNamedContent(named: NamedContent, storedBytes: number | undefined, mustExist: boolean): void {
  if (storedBytes === undefined) {
    if (!mustExist) return;
    const message = `this repository does not have ${named.digest}, which the manifest names; push it first`;
    throw new RegistryError("MANIFEST_BLOB_UNKNOWN", message, { detail: { digest: named.digest } });
  }
  if (storedBytes !== named.sizeBytes) {
    const message = `the manifest gives a size of ${named.sizeBytes} bytes for content that has ${storedBytes}`;
    throw new RegistryError("SIZE_INVALID", message, { detail: { digest: named.digest } });
  }
}

/**
 * Whether `tag`, which points at `current` now, may be made to point at `next`. Throws `CONFLICT` where the caller expected
 * another digest, `DENIED` where it may not create or not overwrite; a tag that points there already may always be set again.
 */
export function checkTag(
  tag: Tag,
  current: Digest | undefined,
  next: Digest,
  preconditions: ManifestPreconditions,
): void {
  const { expectedTagDigest, mayCreateTag, mayOverwriteTag } = preconditions;
  if (expectedTagDigest !== undefined && (expectedTagDigest ?? undefined) !== current) {
    throw new RegistryError("CONFLICT", `the tag ${tag} does not point where the request expects`, { detail: { tag } });
  }
  if (current === undefined && !mayCreateTag) {
    throw new RegistryError("DENIED", `you may not create the tag ${tag}`, { detail: { tag } });
  }
  if (current !== undefined && current !== next && !mayOverwriteTag) {
    throw new RegistryError("DENIED", `the tag ${tag} is there already and may not be moved`, { detail: { tag } });
  }
}

/** Throws `DENIED` when a repository that has `bytesAfter` would be larger than it may be. */
export function checkRepositoryBytes(bytesAfter: number, preconditions: ManifestPreconditions): void {
  const { maxRepositoryBytes } = preconditions;
  if (maxRepositoryBytes === undefined || bytesAfter <= maxRepositoryBytes) return;
  const message = `the repository would have ${bytesAfter} bytes; its limit is ${maxRepositoryBytes}`;
  throw new RegistryError("DENIED", message);
}
