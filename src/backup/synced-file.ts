import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { DigestAlgorithm } from "../core/digest.ts";

const chunkBytes = 1024 * 1024;
const reading = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** What was to be read cannot be: the fault is not where it was to go. */
export class SourceError extends Error {
  override readonly name = "SourceError";
  /** The system's word, such as `ENOENT`. */
  readonly code: string | undefined;

  constructor(path: string, cause: unknown) {
    super(`${path} cannot be read`, { cause });
    this.code = (cause as NodeJS.ErrnoException).code;
  }
}

/** What a file's bytes are. */
export interface FileFacts {
  readonly sizeBytes: number;
  /** Hexadecimal digits in lower case. */
  readonly hex: string;
}

/** Reads a file whole. Follows no link. Rejects with `SourceError`. */
export async function hashFile(
  path: string,
  algorithm: DigestAlgorithm,
  onBytes: (count: number) => void = () => undefined,
): Promise<FileFacts> {
  return readThrough(path, algorithm, async (chunk) => onBytes(chunk.byteLength));
}

/**
 * Copies a file into a new one (`mode`) and syncs it. What was read decides what the answer says: the caller compares. A
 * failure leaves nothing at `to`; it is a `SourceError` where it was `from` that could not be read.
 */
export async function copyFile(
  from: string,
  to: string,
  { algorithm, mode, onBytes }: { algorithm: DigestAlgorithm; mode: number; onBytes?: (count: number) => void },
): Promise<FileFacts> {
  const target = await open(to, "wx", 0o600);
  try {
    const facts = await readThrough(from, algorithm, async (chunk) => {
      for (let at = 0; at < chunk.byteLength;)
        at += (await target.write(chunk, at, chunk.byteLength - at)).bytesWritten;
      onBytes?.(chunk.byteLength);
    });
    await target.chmod(mode).catch(ignoreForeignModes);
    await target.sync();
    return facts;
  } catch (error) {
    await rm(to, { force: true });
    throw error;
  } finally {
    await target.close();
  }
}

/** Writes a new file (0600), synced. */
export async function writeFile(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Gives a synced file its name, in a folder that is made where it is missing. The folder's sync is the caller's. */
export async function place(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  await rename(from, to);
}

/** Makes the names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function readThrough(
  path: string,
  algorithm: DigestAlgorithm,
  use: (chunk: Uint8Array) => Promise<void>,
): Promise<FileFacts> {
  const failed = (error: unknown): never => {
    throw new SourceError(path, error);
  };
  const source = await open(path, reading).catch(failed);
  try {
    const isFile = (await source.stat().catch(failed)).isFile();
    if (!isFile) throw new SourceError(path, new Error("it is not a regular file"));
    const hash = createHash(algorithm);
    const buffer = Buffer.allocUnsafeSlow(chunkBytes);
    let sizeBytes = 0;
    for (;;) {
      const { bytesRead } = await source.read(buffer, 0, chunkBytes, sizeBytes).catch(failed);
      if (bytesRead === 0) return { sizeBytes, hex: hash.digest("hex") };
      sizeBytes += bytesRead;
      const chunk = buffer.subarray(0, bytesRead);
      hash.update(chunk);
      await use(chunk);
    }
  } finally {
    await source.close();
  }
}

/** A disk for backups may have a file system without modes. */
function ignoreForeignModes(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPERM" && error.code !== "ENOTSUP" && error.code !== "ENOSYS") throw error;
}
