import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { RegistryError } from "../../core/error.ts";

const chunkBytes = 256 * 1024;
/** Hundreds of slow readers at a time are to fit into memory: so many streams have large chunks, the others small ones. */
const streamsOfLargeChunks = 32;
const laterChunkBytes = 64 * 1024;
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Parts of files, read by the runtime's pool of threads: nobody waits for the disk but who wants these bytes. */
export class BlobStreams {
  #openStreams = 0;
  readonly #byPath = new Map<string, Set<() => void>>();

  /**
   * Nothing is read ahead of the reader. The file is opened with the first chunk and closed with the last, or when the
   * reader goes away.
   *
   * Every chunk lies in the same memory (one pull would hold 50 MB otherwise, until it is collected): it is good until the
   * next one is asked for. This is for a response: the runtime has sent or copied a chunk before it asks for another.
   */
  open(path: string, start: number, end: number): ReadableStream<Uint8Array> {
    let buffer: Uint8Array | undefined;
    let handle: FileHandle | undefined;
    let position = start;
    // Also the way out of a reading that goes on when the reader has already left: what it opens has to be closed, too.
    let isBrokenOff = false;
    const breakOff = (): void => {
      isBrokenOff = true;
    };
    const finish = async (): Promise<void> => {
      if (buffer !== undefined) this.#openStreams -= 1;
      buffer = undefined;
      this.#forget(path, breakOff);
      const closing = handle;
      handle = undefined;
      await closing?.close();
    };
    const source: UnderlyingDefaultSource<Uint8Array> = {
      pull: async (controller) => {
        try {
          if (isBrokenOff) throw new RegistryError("UNAVAILABLE", undefined, { cause: "its file is damaged" });
          const memory = (buffer ??= this.#allocate(end - start));
          handle ??= await open(path, flags);
          const { bytesRead } = await handle.read(memory, 0, Math.min(memory.byteLength, end - position), position);
          if (bytesRead === 0)
            throw new RegistryError("UNAVAILABLE", undefined, { cause: "a blob's file became shorter" });
          position += bytesRead;
          controller.enqueue(memory.subarray(0, bytesRead));
          if (position < end) return;
          await finish();
          controller.close();
        } catch (error) {
          await finish();
          throw error;
        }
      },
      cancel: finish,
    };
    this.#remember(path, breakOff);
    return new ReadableStream(source, { highWaterMark: 0 });
  }

  /** Ends the streams of a file with the next chunk that is asked for. */
  breakOff(path: string): void {
    for (const breakOff of this.#byPath.get(path) ?? []) breakOff();
  }

  #remember(path: string, breakOff: () => void): void {
    const all = this.#byPath.get(path) ?? new Set();
    this.#byPath.set(path, all.add(breakOff));
  }

  #forget(path: string, breakOff: () => void): void {
    const all = this.#byPath.get(path);
    all?.delete(breakOff);
    if (all?.size === 0) this.#byPath.delete(path);
  }

  #allocate(lengthBytes: number): Uint8Array {
    this.#openStreams += 1;
    const sizeBytes = this.#openStreams <= streamsOfLargeChunks ? chunkBytes : laterChunkBytes;
    return Buffer.allocUnsafeSlow(Math.min(sizeBytes, lengthBytes));
  }
}
