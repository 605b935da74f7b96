import type { BlobStore, DiskSpace, FileVerdict, OutgoingBody } from "../../core/blob-store.ts";
import type { ByteRange } from "../../core/byte-range.ts";
import { algorithmOf, type Digest, digestOf } from "../../core/digest.ts";
import { RegistryError } from "../../core/error.ts";

/** Blobs in a map: the plainest statement of the contract, for tests. Everything is gone with the process. */
export class MemoryBlobStore implements BlobStore {
  readonly #blobs = new Map<string, Uint8Array>();

  /** What a `MemoryUploadStore` finishes ends here. */
  put(key: string, bytes: Uint8Array): void {
    this.#blobs.set(key, bytes);
  }

  async open(key: string, sizeBytes: number, range?: ByteRange): Promise<OutgoingBody> {
    const { start, end } = range ?? { start: 0, end: sizeBytes };
    const bytes = await this.read(key, sizeBytes);
    return { content: bytes.subarray(start, end), lengthBytes: end - start };
  }

  async read(key: string, sizeBytes: number): Promise<Uint8Array> {
    const bytes = this.#blobs.get(key);
    if (bytes?.byteLength !== sizeBytes) throw new RegistryError("UNAVAILABLE");
    return bytes;
  }

  /** What is in memory is handed over whole. */
  breakOff(): void {}

  async verify(key: string, sizeBytes: number, digest: Digest): Promise<FileVerdict> {
    const bytes = this.#blobs.get(key);
    if (bytes === undefined) return "missing";
    return bytes.byteLength === sizeBytes && digestOf(bytes, algorithmOf(digest)) === digest ? "good" : "damaged";
  }

  async restore(key: string, sizeBytes: number, spare: string): Promise<boolean> {
    const bytes = this.#blobs.get(spare);
    if (bytes === undefined || this.#blobs.get(key)?.byteLength === sizeBytes) return false;
    this.#blobs.set(key, bytes);
    this.#blobs.delete(spare);
    return true;
  }

  async delete(key: string): Promise<void> {
    this.#blobs.delete(key);
  }

  async space(): Promise<DiskSpace> {
    return { freeBytes: 2 ** 40, totalBytes: 2 ** 40 };
  }

  async close(): Promise<void> {
    this.#blobs.clear();
  }
}
