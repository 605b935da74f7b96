import type { BlobStore, DiskSpace, OutgoingBody } from "../../core/blob-store.ts";
import type { ByteRange } from "../../core/byte-range.ts";
import { RegistryError } from "../../core/error.ts";
import { BlobStreams } from "./blob-stream.ts";
import type { FileCalls, FilesWorkerData } from "./file-calls.ts";
import type { Layout } from "./layout.ts";
import { type StorageLog, textOf, WorkerChannel } from "./worker-channel.ts";

export interface BlobStoreOptions {
  readonly layout: Layout;
  readonly log: StorageLog;
  /** Ended before this store: the upload store of the same folder. */
  readonly alsoClose: () => Promise<void>;
}

/**
 * Blobs as files. The files thread looks at a file before the serving thread touches it: what is in memory is sent by the
 * runtime straight from the file, what is not as a stream that other threads read, and what is small whole.
 */
export class FilesystemBlobStore implements BlobStore {
  readonly #layout: Layout;
  readonly #log: StorageLog;
  readonly #alsoClose: () => Promise<void>;
  readonly #channel: WorkerChannel<FileCalls>;
  readonly #streams = new BlobStreams();

  constructor({ layout, log, alsoClose }: BlobStoreOptions) {
    this.#layout = layout;
    this.#alsoClose = alsoClose;
    this.#log = log;
    const startData = (): FilesWorkerData => ({ folder: layout.folder });
    this.#channel = new WorkerChannel<FileCalls>(new URL("./files.worker.ts", import.meta.url), startData, log);
  }

  async open(key: string, sizeBytes: number, range?: ByteRange): Promise<OutgoingBody> {
    const path = this.#layout.blob(key);
    const { start, end } = range ?? { start: 0, end: sizeBytes };
    const lengthBytes = end - start;
    const answer = await this.#logging(key, this.#channel.call("open", { key, sizeBytes, start, end }));
    switch (answer.kind) {
      case "bytes":
        return { content: answer.bytes, lengthBytes };
      case "cached":
        return { content: range === undefined ? Bun.file(path) : Bun.file(path).slice(start, end), lengthBytes };
      case "slow":
        return { content: this.#streams.open(path, start, end), lengthBytes };
    }
  }

  async read(key: string, sizeBytes: number): Promise<Uint8Array> {
    const { bytes } = await this.#logging(key, this.#channel.call("read", { key, sizeBytes }));
    return bytes;
  }

  async restore(key: string, sizeBytes: number, spare: string): Promise<boolean> {
    const isRestored = await this.#channel.call("restore", { key, sizeBytes, spare });
    if (isRestored)
      this.#log.error("a blob was missing or damaged; the same bytes were pushed again and took its place", { key });
    return isRestored;
  }

  delete(key: string): Promise<void> {
    return this.#channel.call("delete", key);
  }

  space(): Promise<DiskSpace> {
    return this.#channel.call("space", undefined);
  }

  async close(): Promise<void> {
    await this.#alsoClose();
    await this.#channel.settled();
    await this.#channel.close();
  }

  async #logging<Answer>(key: string, answer: Promise<Answer>): Promise<Answer> {
    try {
      return await answer;
    } catch (error) {
      const cause = error instanceof RegistryError ? error.cause : error;
      this.#log.error("a blob cannot be read", { key, cause: textOf(cause) });
      throw error;
    }
  }
}
