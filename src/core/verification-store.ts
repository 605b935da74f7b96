import type { Digest } from "./digest.ts";
import type { Reference } from "./reference.ts";
import type { RepositoryName } from "./repository-name.ts";

/** Bytes that are stored once, however many repositories have them. */
export interface StoredBytes {
  readonly kind: "blob" | "manifest";
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Of the file that they are in; undefined: they are in the database. */
  readonly key: string | undefined;
}

/** Where a list of everything stored goes on: behind this one. */
export interface StoredPosition {
  readonly kind: StoredBytes["kind"];
  readonly id: number;
}

/** What an image needs: `missing` is named by it and is not there. */
export interface ImageContent {
  readonly stored: readonly StoredBytes[];
  readonly missing: readonly Digest[];
}

/** Bytes in quarantine: they answer as if they were not there, until they are pushed again or turn out to be good. */
export interface QuarantinedBytes extends StoredBytes {
  /** When the damage was found, in milliseconds since 1970. */
  readonly damagedAt: number;
  /** Some of the images that need them: `team/app:1`, or with a digest. */
  readonly images: readonly string[];
}

export interface VerificationFacts {
  /** How many bytes are in quarantine: blobs and manifests. */
  readonly damaged: number;
  /** When the longest unread bytes were found to be good, or were written; undefined where nothing is stored. */
  readonly oldestVerifiedAt: number | undefined;
}

/**
 * What is known of the soundness of stored bytes. What was just written counts as verified. Each changing method is one whole
 * change, as those of `MetadataStore` are, and does nothing for bytes that are gone or have another key by now: a deleted
 * blob, or one that was pushed again, is no damage.
 */
export interface VerificationStore {
  /** Those last verified before `before`, the longest ago first. */
  listDue(before: number, limit: number): Promise<readonly StoredBytes[]>;
  /** Everything that is stored, in an order of its own; `next` is undefined at the end. */
  listStored(
    behind: StoredPosition | undefined,
    limit: number,
  ): Promise<{ readonly stored: readonly StoredBytes[]; readonly next: StoredPosition | undefined }>;
  /** An image and all that it leads to; undefined where there is none, not even one in quarantine. */
  listImage(repository: RepositoryName, reference: Reference): Promise<ImageContent | undefined>;
  /** Hashes bytes that are in the database. `gone`: they are not there any more. */
  checkRow(bytes: StoredBytes): Promise<"good" | "damaged" | "gone">;
  /** Ends their quarantine, too. */
  noteGood(bytes: readonly StoredBytes[], at: number): Promise<void>;
  /** Answers whether they are in quarantine from now on only, or were before; or are gone. */
  quarantine(bytes: StoredBytes, at: number): Promise<"new" | "known" | "gone">;
  listQuarantined(limit: number): Promise<readonly QuarantinedBytes[]>;
  facts(): Promise<VerificationFacts>;
  /** Notes that the registry begins to serve; answers when it last did so without having ended in good order before. */
  noteStart(at: number): Promise<number | undefined>;
  /** Notes the end in good order. */
  noteStop(): Promise<void>;
}
