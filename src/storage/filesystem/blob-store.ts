import type { BlobStore, DiskSpace, FileVerdict, OutgoingBody } from "../../core/blob-store.ts";
import type { ByteRange } from "../../core/byte-range.ts";
import type { Digest } from "../../core/digest.ts";
import { RegistryError } from "../../core/error.ts";
import { BlobStreams } from "./blob-stream.ts";
import type { FileCalls, FilesWorkerData } from "./file-calls.ts";
import type { Layout } from "./layout.ts";
import type { VerifyCalls } from "./verify-calls.ts";
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
  /** Begun when it is needed. */
  #verifier: WorkerChannel<VerifyCalls> | undefined;
  #isClosed = false;

  constructor({ layout, log, alsoClose }: BlobStoreOptions) {
    this.#layout = layout;
    this.#alsoClose = alsoClose;
    this.#log = log;
    const startData = (): FilesWorkerData => ({ folder: layout.folder });
    this.#channel = new WorkerChannel<FileCalls>(new URL("./files.worker.ts", import.meta.url), startData, log);
  }

  async open(key: string, sizeBytes: number, range?: ByteRange, breakable = false): Promise<OutgoingBody> {
    const path = this.#layout.blob(key);
    const { start, end } = range ?? { start: 0, end: sizeBytes };
    const lengthBytes = end - start;
    const answer = await this.#logging(key, this.#channel.call("open", { key, sizeBytes, start, end }));
    switch (answer.kind) {
      case "bytes":
        return { content: answer.bytes, lengthBytes };
      case "cached":
        // What the runtime sends by itself nobody can stop.
        if (breakable) return { content: this.#streams.open(path, start, end), lengthBytes };
        return { content: range === undefined ? Bun.file(path) : Bun.file(path).slice(start, end), lengthBytes };
      case "slow":
        return { content: this.#streams.open(path, start, end), lengthBytes };
    }
  }

  breakOff(key: string): void {
    this.#streams.breakOff(this.#layout.blob(key));
  }

  async verify(key: string, sizeBytes: number, digest: Digest, bytesPerSecond: number): Promise<FileVerdict> {
    if (this.#isClosed) throw new RegistryError("UNAVAILABLE", "the registry is stopping");
    const startData = (): FilesWorkerData => ({ folder: this.#layout.folder });
    this.#verifier ??= new WorkerChannel(new URL("./verify.worker.ts", import.meta.url), startData, this.#log);
    return this.#verifier.call("verify", { key, sizeBytes, digest, bytesPerSecond });
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
    this.#isClosed = true;
    // What it reads may take hours, and nothing is lost with it.
    await this.#verifier?.close();
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
