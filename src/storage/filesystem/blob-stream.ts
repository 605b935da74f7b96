import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { RegistryError } from "../../core/error.ts";

const chunkBytes = 256 * 1024;
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * A part of a file, read by the runtime's pool of threads: nobody waits for the disk but who wants these bytes. At most one
 * chunk is read ahead of the reader. The file is opened with the first chunk and closed with the last, or when the reader
 * goes away.
 */
export function streamFile(path: string, start: number, end: number): ReadableStream<Uint8Array> {
  let handle: FileHandle | undefined;
  let position = start;
  const finish = async (): Promise<void> => {
    const closing = handle;
    handle = undefined;
    await closing?.close();
  };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        handle ??= await open(path, flags);
        const bytes = new Uint8Array(Math.min(chunkBytes, end - position));
        const { bytesRead } = await handle.read(bytes, 0, bytes.byteLength, position);
        if (bytesRead === 0)
          throw new RegistryError("UNAVAILABLE", undefined, { cause: "a blob's file became shorter" });
        position += bytesRead;
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
  });
}
