import type { Descriptor } from "./descriptor.ts";
import { algorithmOf, type Digest, hexOf } from "./digest.ts";
import { mediaTypes } from "./media-type.ts";
import { parseTag, type Tag } from "./reference.ts";

/**
 * The tag under which clients of registries without a referrers list keep one of their own (distribution specification,
 * "Referrers Tag Schema": algorithm, hyphen, at most 64 digits).
 */
export function referrersTag(subject: Digest): Tag {
  return parseTag(`${algorithmOf(subject)}-${hexOf(subject).slice(0, 64)}`);
}

/** One page of a referrers list: an image index (distribution specification, "Listing Referrers"). */
export function referrersIndex(descriptors: readonly Descriptor[]): Uint8Array {
  return new TextEncoder().encode(referrersHead + descriptors.map(descriptorJson).join(",") + referrersTail);
}

const referrersHead = `{"schemaVersion":2,"mediaType":"${mediaTypes.ociIndex}","manifests":[`;
const referrersTail = "]}";

/** How many bytes a descriptor takes in a page, its comma included. */
export function referrerBytes(descriptor: Descriptor): number {
  return Buffer.byteLength(descriptorJson(descriptor)) + 1;
}

function descriptorJson({ mediaType, digest, sizeBytes, artifactType, annotations }: Descriptor): string {
  return JSON.stringify({ mediaType, digest, size: sizeBytes, artifactType, annotations });
}

/**
 * The first descriptors, in the order given, that fit into `maxEntries` and `maxBytes`; one always does, or a list with
 * one large entry could never be read to its end.
 */
export function fillPage(
  descriptors: readonly Descriptor[],
  maxEntries: number,
  maxBytes: number,
): readonly Descriptor[] {
  let bytes = 0;
  const end = descriptors.findIndex((descriptor, index) => {
    bytes += referrerBytes(descriptor);
    return index >= maxEntries || (index > 0 && bytes > maxBytes);
  });
  return end === -1 ? descriptors : descriptors.slice(0, end);
}
