import { createHash, type Hash } from "node:crypto";
import { RegistryError } from "./error.ts";

declare const brand: unique symbol;
/** `sha256:` and 64, or `sha512:` and 128, lower-case hexadecimal digits (OCI image specification, "Digests"). */
export type Digest = string & { readonly [brand]: "Digest" };

export type DigestAlgorithm = "sha256" | "sha512";

const grammar = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

export function isDigest(text: string): text is Digest {
  return text.length <= 135 && grammar.test(text);
}

/** Throws `DIGEST_INVALID` for anything but a digest of an algorithm that this registry knows. */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) throw new RegistryError("DIGEST_INVALID");
  return text;
}

export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.startsWith("sha512:") ? "sha512" : "sha256";
}

/** The hexadecimal part alone. */
export function hexOf(digest: Digest): string {
  return digest.slice(7);
}

/** The digest of bytes that are in memory as a whole. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = "sha256"): Digest {
  return digestFromHash(createHash(algorithm).update(bytes), algorithm);
}

/** Ends an incremental hash; it cannot be used afterwards. */
export function digestFromHash(hash: Hash, algorithm: DigestAlgorithm): Digest {
  return `${algorithm}:${hash.digest("hex")}` as Digest;
}
