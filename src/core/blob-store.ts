import type { ByteRange } from "./byte-range.ts";
import type { Digest } from "./digest.ts";

/** Where the bytes of a blob are: in its row, or in a file that the blob store knows by this key. */
export type BlobContent =
  | { readonly kind: "inline"; readonly bytes: Uint8Array }
  | { readonly kind: "file"; readonly key: string };

/** Blobs and manifests up to this size stand in the database: one commit, no file. */
export const maxInlineBytes = 64 * 1024;

/**
 * Bytes on their way to a client, whole: no layer between the store and the listener touches them.
 * A `ReadableStream` goes out without its length being announced (the runtime sends it in chunks); the others with it. A
 * chunk of one is good only until the next is asked for.
 */
export interface OutgoingBody {
  readonly content: Blob | Uint8Array | ReadableStream<Uint8Array>;
  readonly lengthBytes: number;
}

export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** What a file was found to be: whole, with other bytes or another length than it should have, or not there. */
export type FileVerdict = "good" | "damaged" | "missing";

/**
 * Holds the bytes of blobs under keys that carry a generation: a key is never used for a second time, so what deletes
 * a key can never hit what a later push stored.
 */
export interface BlobStore {
  /**
   * The bytes of `range` (the whole by default) of a file of `sizeBytes`. Never waits for a disk on the calling thread.
   * Throws `RegistryError UNAVAILABLE` when the file is missing, is not a regular file, or has another length:
   * what is in doubt is not served. Where it is `breakable`, `breakOff` ends it before its end.
   */
  open(key: string, sizeBytes: number, range?: ByteRange, breakable?: boolean): Promise<OutgoingBody>;

  /** Ends the breakable transfers of a key: whoever receives one sees that it is not whole. */
  breakOff(key: string): void;

  /**
   * Reads a file whole, off the serving thread and at `bytesPerSecond` at most, and compares its digest. Throws `UNAVAILABLE`
   * where nothing can be said.
   */
  verify(key: string, sizeBytes: number, digest: Digest, bytesPerSecond: number): Promise<FileVerdict>;

  /** Reads a file whole, for documents that are bounded (manifests). Same errors as `open`. */
  read(key: string, sizeBytes: number): Promise<Uint8Array>;

  /**
   * Where the bytes of `key` are missing or damaged (as `open` sees it), those of `spare`, a key of the same digest, take
   * their place; answers whether they did. That survives a power cut. Otherwise nothing happens.
   */
  restore(key: string, sizeBytes: number, spare: string): Promise<boolean>;

  /** Removes a key; one that is not there is no error. */
  delete(key: string): Promise<void>;

  /** Of the file system that the blobs are on. */
  space(): Promise<DiskSpace>;

  /** Ends the store's threads; calls under way are let through first. */
  close(): Promise<void>;
}
