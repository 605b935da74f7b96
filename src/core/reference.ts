import { type Digest, isDigest } from "./digest.ts";
import { RegistryError } from "./error.ts";

declare const brand: unique symbol;
/** A name that points at a manifest: 1 to 128 word characters, dots and hyphens, not beginning with the latter two. */
export type Tag = string & { readonly [brand]: "Tag" };

/** What stands behind `/manifests/`: a tag, or a digest. */
export type Reference =
  | { readonly kind: "tag"; readonly tag: Tag }
  | { readonly kind: "digest"; readonly digest: Digest };

// The distribution specification's grammar for <reference> as a tag ("Pulling manifests"), anchored.
const grammar = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

export function isTag(text: string): text is Tag {
  return text.length <= 128 && grammar.test(text);
}

/** Throws `TAG_INVALID`. */
export function parseTag(text: string): Tag {
  if (!isTag(text)) throw new RegistryError("TAG_INVALID");
  return text;
}

/** Throws `DIGEST_INVALID` where a colon says that a digest was meant, `TAG_INVALID` otherwise. */
export function parseReference(text: string): Reference {
  if (isDigest(text)) return { kind: "digest", digest: text };
  if (text.includes(":")) throw new RegistryError("DIGEST_INVALID");
  return { kind: "tag", tag: parseTag(text) };
}
