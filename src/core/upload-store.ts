import type { BlobContent } from "./blob-store.ts";
import type { Digest } from "./digest.ts";
import type { UploadId } from "./upload-session.ts";

/**
 * A request's body as it came, whole: no layer between the listener and the store touches the chunks.
 * `lengthBytes` is `Content-Length`, undefined for a chunked body. A body may be read once.
 */
export interface IncomingBody {
  readonly request: Request;
  readonly lengthBytes: number | undefined;
}

/** Where a chunk has to begin, and how far the upload may grow. */
export interface AppendBounds {
  /** The first byte of the chunk; has to be the length of what is there. */
  readonly offset: number | undefined;
  /** The exact length that `Content-Range` announced. */
  readonly lengthBytes: number | undefined;
  /** The largest length of the whole upload. */
  readonly maxBytes: number;
}

/** A finished blob: its bytes are on disk, synced, under their final key (or, up to 64 KiB, here in memory). */
export interface StagedBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly content: BlobContent;
}

/**
 * Takes the bytes of uploads. It computes the digest while they arrive, does not make the calling thread wait for a disk,
 * and stops a body that goes beyond its bounds, or the disk's reserve, within 4 MiB.
 * Calls for one upload do not overlap (the use case sees to it); calls for different uploads do.
 */
export interface UploadStore {
  /**
   * Appends a body and answers the length of the upload. What arrived of a body that broke off stays: the client may
   * resume behind it. An upload of which nothing has arrived is simply empty: nothing has to be created first.
   *
   * Throws `RANGE_INVALID` (with `offset`, and before reading) when the chunk does not begin at the end, `SIZE_INVALID` when it is longer or
   * shorter than announced or the upload grows beyond `maxBytes`, `DENIED` when the disk is below its reserve, and
   * `BLOB_UPLOAD_INVALID` when the client broke off or fell silent.
   */
  append(id: UploadId, body: IncomingBody, bounds: AppendBounds): Promise<number>;

  /** How many bytes are there; 0 for an upload of which nothing has arrived. */
  size(id: UploadId): Promise<number>;

  /**
   * Ends an upload: compares the digest, syncs the bytes, gives them their final key, syncs the folder. When it
   * answers, the bytes survive a power cut. The caller then writes the row, or deletes the key.
   * Throws `DIGEST_INVALID` for another digest; the upload is gone then.
   */
  commit(id: UploadId, digest: Digest): Promise<StagedBlob>;

  /** Forgets an upload and its bytes; one that is not there is no error. */
  cancel(id: UploadId): Promise<void>;

  /** Every upload of which bytes are there, for the removal of those that no session knows any more. */
  list(): Promise<readonly UploadId[]>;
}
