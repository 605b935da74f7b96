import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { RegistryError } from "../../core/error.ts";

const chunkBytes = 256 * 1024;
/** How many chunks behind the reader stay in memory. The runtime has copied or sent one before it asks for the next. */
const keptChunks = 4;
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * A part of a file, read by the runtime's pool of threads: nobody waits for the disk but who wants these bytes. Nothing is
 * read ahead of the reader. The file is opened with the first chunk and closed with the last, or when the reader goes away.
 *
 * The memory of a chunk is given back when the reader has asked for `keptChunks` more, not when it is collected: one pull
 * would hold 50 MB otherwise. So a chunk is good only until then: this is for a response, which sends its bytes at once.
 */
export function streamFile(path: string, start: number, end: number): ReadableStream<Uint8Array> {
  let handle: FileHandle | undefined;
  let position = start;
  const given: ArrayBuffer[] = [];
  const finish = async (): Promise<void> => {
    const closing = handle;
    handle = undefined;
    await closing?.close();
  };
  const source = {
    async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
      try {
        handle ??= await open(path, flags);
        const bytes = new Uint8Array(Math.min(chunkBytes, end - position));
        const { bytesRead } = await handle.read(bytes, 0, bytes.byteLength, position);
        if (bytesRead === 0)
          throw new RegistryError("UNAVAILABLE", undefined, { cause: "a blob's file became shorter" });
        position += bytesRead;
        given.push(bytes.buffer);
        if (given.length > keptChunks) given.shift()?.transfer(0);
        controller.enqueue(bytesRead === bytes.byteLength ? bytes : bytes.subarray(0, bytesRead));
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
  return new ReadableStream<Uint8Array>(source, { highWaterMark: 0 });
}
