import { maxInlineBytes } from "../../core/blob-store.ts";
import { algorithmOf, type Digest, digestOf, hexOf } from "../../core/digest.ts";
import { RegistryError } from "../../core/error.ts";
import type { UploadId } from "../../core/upload-session.ts";
import type { AppendBounds, IncomingBody, StagedBlob, UploadStore } from "../../core/upload-store.ts";
import type { MemoryBlobStore } from "./blob-store.ts";

/** Uploads in a map, for tests; a finished one goes into the blob store that it was made with. */
export class MemoryUploadStore implements UploadStore {
  readonly #blobs: MemoryBlobStore;
  readonly #uploads = new Map<UploadId, Uint8Array>();

  constructor(blobs: MemoryBlobStore) {
    this.#blobs = blobs;
  }

  async append(id: UploadId, body: IncomingBody, bounds: AppendBounds): Promise<number> {
    const before = this.#bytes(id);
    const offset = before.byteLength;
    if (bounds.offset !== undefined && bounds.offset !== offset)
      throw new RegistryError("RANGE_INVALID", undefined, { offset });
    const chunks = [before];
    let sizeBytes = offset;
    try {
      for await (const chunk of body.request.body ?? []) {
        sizeBytes += chunk.byteLength;
        if (sizeBytes > Math.min(bounds.maxBytes, offset + (bounds.lengthBytes ?? Infinity)))
          throw new RegistryError("SIZE_INVALID", undefined, { offset });
        chunks.push(chunk);
      }
    } catch (error) {
      if (error instanceof RegistryError) throw error;
      this.#uploads.set(id, concatenate(chunks));
      throw new RegistryError("BLOB_UPLOAD_INVALID", "the connection broke off; the upload can be resumed", {
        cause: error,
        offset: sizeBytes,
      });
    }
    if (bounds.lengthBytes !== undefined && sizeBytes - offset !== bounds.lengthBytes)
      throw new RegistryError("SIZE_INVALID", undefined, { offset });
    if (sizeBytes > 0) this.#uploads.set(id, concatenate(chunks));
    return sizeBytes;
  }

  async size(id: UploadId): Promise<number> {
    return this.#bytes(id).byteLength;
  }

  async commit(id: UploadId, digest: Digest): Promise<StagedBlob> {
    const bytes = this.#bytes(id);
    this.#uploads.delete(id);
    if (digestOf(bytes, algorithmOf(digest)) !== digest) throw new RegistryError("DIGEST_INVALID");
    const sizeBytes = bytes.byteLength;
    if (sizeBytes <= maxInlineBytes) return { digest, sizeBytes, content: { kind: "inline", bytes } };
    const key = `${algorithmOf(digest)}/${hexOf(digest).slice(0, 2)}/${hexOf(digest)}.${id}`;
    this.#blobs.put(key, bytes);
    return { digest, sizeBytes, content: { kind: "file", key } };
  }

  async cancel(id: UploadId): Promise<void> {
    this.#uploads.delete(id);
  }

  async list(): Promise<readonly UploadId[]> {
    return [...this.#uploads.keys()].toSorted();
  }

  #bytes(id: UploadId): Uint8Array {
    return this.#uploads.get(id) ?? new Uint8Array(0);
  }
}

function concatenate(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let position = 0;
  for (const chunk of chunks) {
    whole.set(chunk, position);
    position += chunk.byteLength;
  }
  return whole;
}
