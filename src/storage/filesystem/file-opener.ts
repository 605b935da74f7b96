import { closeSync, constants, fstatSync, openSync, read, readSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { RegistryError } from "../../core/error.ts";
import type { FileAnswer } from "./file-calls.ts";
import { type Layout, syncFolder } from "./layout.ts";
import { isCached, readAhead, readCached } from "./libc.ts";

/** Up to this length the bytes themselves are answered. */
const wholeBytes = 256 * 1024;
const probeBytes = 4096;
const slowReadMs = 1;
const verdictMs = 1000;
const verdicts = 4096;
const firstReadAheadBytes = 4 * 1024 * 1024;
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

const readAt = promisify(read);

/** Looks at blobs on the files thread: whether they are what they have to be, and whether they can be read without waiting. */
export class FileOpener {
  readonly #layout: Layout;
  readonly #now: () => number;
  /** Keys that were in memory as a whole, and until when that is believed. */
  readonly #cachedUntil = new Map<string, number>();

  constructor(layout: Layout, now: () => number) {
    this.#layout = layout;
    this.#now = now;
  }

  /** Throws `UNAVAILABLE` unless the key is a regular file of exactly `sizeBytes`. */
  async open(key: string, sizeBytes: number, start: number, end: number): Promise<FileAnswer> {
    const fd = this.#openChecked(key, sizeBytes);
    try {
      if (end - start <= wholeBytes) return { kind: "bytes", bytes: await readWhole(fd, start, end) };
      if (this.#isCachedAndFast(fd, key, sizeBytes, start, end)) return { kind: "cached" };
      readAhead(fd, start, Math.min(firstReadAheadBytes, end - start));
      return { kind: "slow" };
    } finally {
      closeSync(fd);
    }
  }

  /** The whole file, however large; the same errors. */
  async read(key: string, sizeBytes: number): Promise<{ readonly bytes: Uint8Array }> {
    const fd = this.#openChecked(key, sizeBytes);
    try {
      return { bytes: await readWhole(fd, 0, sizeBytes) };
    } finally {
      closeSync(fd);
    }
  }

  /** Puts `spare` in the place of `key`, unless that can be opened. */
  restore(key: string, sizeBytes: number, spare: string): boolean {
    try {
      closeSync(this.#openChecked(key, sizeBytes));
      return false;
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
    }
    const path = this.#layout.blob(key);
    renameSync(this.#layout.blob(spare), path);
    syncFolder(dirname(path));
    return true;
  }

  #openChecked(key: string, sizeBytes: number): number {
    const fd = openBlob(this.#layout.blob(key));
    const stat = fstatSync(fd);
    if (stat.isFile() && stat.size === sizeBytes) return fd;
    closeSync(fd);
    throw damaged(stat.isFile() ? `it has ${stat.size} bytes instead of ${sizeBytes}` : "it is not a regular file");
  }

  #isCachedAndFast(fd: number, key: string, sizeBytes: number, start: number, end: number): boolean {
    const now = this.#now();
    if ((this.#cachedUntil.get(key) ?? 0) > now) return true;
    if (!isCached(fd, start, end) || !this.#isFast(fd, start)) return false;
    if (start === 0 && end === sizeBytes) {
      if (this.#cachedUntil.size >= verdicts) this.#cachedUntil.clear();
      this.#cachedUntil.set(key, now + verdictMs);
    }
    return true;
  }

  /** Times small reads of what is in memory; the fastest of three counts, since any may be interrupted. */
  #isFast(fd: number, position: number): boolean {
    const buffer = new Uint8Array(probeBytes);
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const before = this.#now();
      readSync(fd, buffer, 0, probeBytes, position);
      if (this.#now() - before < slowReadMs) return true;
    }
    return false;
  }
}

function openBlob(path: string): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    throw damaged(error instanceof Error ? error.message : String(error));
  }
}

/** From the page cache at once, else without holding up this thread. */
async function readWhole(fd: number, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start);
  let filled = Math.max(0, readCached(fd, bytes, start));
  while (filled < bytes.byteLength) {
    const { bytesRead } = await readAt(fd, bytes, filled, bytes.byteLength - filled, start + filled);
    if (bytesRead === 0) throw damaged("it ends too early");
    filled += bytesRead;
  }
  return bytes;
}

function damaged(cause: string): RegistryError {
  return new RegistryError("UNAVAILABLE", "the registry cannot read these bytes; its log says more", { cause });
}
