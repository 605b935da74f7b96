import { createHash, type Hash } from "node:crypto";
import {
  closeSync,
  constants,
  fchmodSync,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  read,
  rmSync,
  writeSync,
} from "node:fs";
import { promisify } from "node:util";
import { algorithmOf, type Digest, digestFromHash } from "../../core/digest.ts";
import { RegistryError } from "../../core/error.ts";
import type { Background } from "./background.ts";

const syncEveryBytes = 32 * 1024 * 1024;
const rereadBytes = 1024 * 1024;
const openFlags = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const createFlags = openFlags | constants.O_CREAT | constants.O_EXCL;

const syncData = promisify(fdatasync);
const readAt = promisify(read);

/**
 * The bytes of one upload on the uploads thread: written and hashed as they come, synced behind the writer's back. No
 * descriptor is open between two bodies. A sync that failed is never tried again: from then on every call throws, and the
 * upload has to be removed (the kernel may have dropped the bytes and report success the next time).
 */
export class UploadFile {
  readonly #path: string;
  readonly #background: Background;
  #fd: number | undefined;
  #sizeBytes = 0;
  /** Of everything that was written; undefined when it was lost, and the file has to be read again. */
  #hash: Hash | undefined;
  #markedHash: Hash | undefined;
  #syncedBytes = 0;
  #syncing: Promise<void> | undefined;
  #syncFailure: unknown;
  #isReleased = true;

  constructor(path: string, background: Background) {
    this.#path = path;
    this.#background = background;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /**
   * Opens the file; one that is not there is made by the first byte. Throws when it is not a regular file, and
   * `RANGE_INVALID` when it has not `sizeBytes`.
   */
  open(sizeBytes: number): void {
    this.#isReleased = false;
    if (this.#fd === undefined) {
      this.#fd = openUnlessMissing(this.#path);
      const actualBytes = this.#fd === undefined ? 0 : sizeOf(this.#fd);
      if (actualBytes === 0) this.#hash = createHash("sha256");
      else if (actualBytes !== this.#sizeBytes) this.#hash = undefined;
      this.#sizeBytes = actualBytes;
    }
    if (this.#sizeBytes !== sizeBytes) throw new RegistryError("RANGE_INVALID", undefined, { offset: this.#sizeBytes });
  }

  /** Remembers where a body begins, for `rollBack`. */
  mark(): void {
    this.#markedHash = this.#hash?.copy();
  }

  /** Removes everything behind `sizeBytes`, the size at the last `mark`. */
  rollBack(sizeBytes: number): void {
    if (this.#fd === undefined) return;
    if (sizeBytes === 0) return this.remove();
    ftruncateSync(this.#fd, sizeBytes);
    this.#hash = this.#markedHash;
    this.#markedHash = undefined;
    this.#sizeBytes = sizeBytes;
    this.#syncedBytes = Math.min(this.#syncedBytes, sizeBytes);
  }

  /** Appends bytes; does not return before the kernel has them. */
  write(bytes: Uint8Array): void {
    this.#fd ??= openSync(this.#path, createFlags, 0o600);
    const fd = this.#fd;
    if (this.#syncFailure !== undefined) throw new Error("a sync failed", { cause: this.#syncFailure });
    for (let written = 0; written < bytes.byteLength;)
      written += writeSync(fd, bytes, written, bytes.byteLength - written, this.#sizeBytes + written);
    this.#hash?.update(bytes);
    this.#sizeBytes += bytes.byteLength;
    if (this.#syncing === undefined && this.#sizeBytes - this.#syncedBytes >= syncEveryBytes) this.#syncBehind(fd);
  }

  /** Closes the file, as soon as no sync is under way. */
  release(): void {
    this.#markedHash = undefined;
    this.#isReleased = true;
    this.#closeReleased();
  }

  /** The digest of all bytes; ends the incremental hash. */
  async digest(like: Digest): Promise<Digest> {
    const algorithm = algorithmOf(like);
    const kept = algorithm === "sha256" ? this.#hash : undefined;
    this.#hash = undefined;
    return digestFromHash(kept ?? (await this.#reread(createHash(algorithm))), algorithm);
  }

  /** All bytes, for what is to stand in a row. */
  async bytes(): Promise<Uint8Array> {
    const bytes = new Uint8Array(this.#sizeBytes);
    const { bytesRead } = await this.#background.run(readAt(this.#openFd(), bytes, 0, bytes.byteLength, 0));
    if (bytesRead !== bytes.byteLength) throw new Error("an upload's file became shorter");
    return bytes;
  }

  /** Makes the bytes durable and forbids further writing. */
  async seal(): Promise<void> {
    const fd = this.#openFd();
    await this.#syncing;
    if (this.#syncFailure !== undefined) throw new Error("a sync failed", { cause: this.#syncFailure });
    fchmodSync(fd, 0o400);
    await this.#background.run(syncData(fd));
  }

  remove(): void {
    this.release();
    rmSync(this.#path, { force: true });
    this.#sizeBytes = 0;
    this.#hash = undefined;
  }

  #openFd(): number {
    if (this.#fd === undefined) throw new Error("the upload's file is not open");
    return this.#fd;
  }

  #closeReleased(): void {
    if (!this.#isReleased || this.#syncing !== undefined || this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
  }

  #syncBehind(fd: number): void {
    const target = this.#sizeBytes;
    this.#syncing = this.#background
      .run(syncData(fd))
      .then(
        () => {
          this.#syncedBytes = Math.min(target, this.#sizeBytes);
        },
        (error: unknown) => {
          this.#syncFailure = error;
        },
      )
      .then(() => {
        this.#syncing = undefined;
        this.#closeReleased();
      });
  }

  /** Reads the file again; one piece is read while the one before is hashed, and other uploads have their turns between. */
  async #reread(hash: Hash): Promise<Hash> {
    const fd = this.#openFd();
    let [current, next] = [new Uint8Array(rereadBytes), new Uint8Array(rereadBytes)];
    let position = 0;
    let reading = readAt(fd, current, 0, rereadBytes, 0);
    while (position < this.#sizeBytes) {
      const { bytesRead } = await this.#background.run(reading);
      if (bytesRead === 0) throw new Error("an upload's file became shorter");
      position += bytesRead;
      reading = readAt(fd, next, 0, rereadBytes, position);
      hash.update(current.subarray(0, bytesRead));
      [current, next] = [next, current];
    }
    await reading;
    return hash;
  }
}

function openUnlessMissing(path: string): number | undefined {
  try {
    return openSync(path, openFlags);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function sizeOf(fd: number): number {
  const stat = fstatSync(fd);
  if (!stat.isFile()) throw new Error("in place of an upload there is something that is not a file");
  return stat.size;
}
