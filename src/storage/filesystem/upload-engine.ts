import { closeSync, constants, fsync, openSync, rename, rmSync } from "node:fs";
import { promisify } from "node:util";
import { type DiskSpace, maxInlineBytes } from "../../core/blob-store.ts";
import type { Digest } from "../../core/digest.ts";
import { RegistryError } from "../../core/error.ts";
import type { UploadId } from "../../core/upload-session.ts";
import type { StagedBlob } from "../../core/upload-store.ts";
import { Background } from "./background.ts";
import { keyOf, type Layout, makeFolder } from "./layout.ts";
import { Poller, readNow } from "./libc.ts";
import type { BodyOutcome, DiskReserveOptions, PipedBody } from "./upload-calls.ts";
import { UploadFile } from "./upload-file.ts";

// All that a pipe holds at once: the serving thread is woken when there is room, and the more room there is, the less it has to
// move of what it could not pass on.
const shareBytes = 1024 * 1024;
// What is hashed and written at once: it stays in the processor's cache in between.
const chunkBytes = 256 * 1024;
const checkSpaceEveryBytes = 4 * 1024 * 1024;
const keptFiles = 1024;
const impatientMs = 2;

const moveFile = promisify(rename);
const syncFile = promisify(fsync);

export interface UploadEngineOptions {
  readonly layout: Layout;
  readonly reserve: DiskReserveOptions;
  readonly silenceMs: number;
  readonly space: () => DiskSpace;
  /** Milliseconds that never go backwards. */
  readonly now: () => number;
}

/** A body whose bytes are coming. */
interface OpenBody {
  readonly piped: PipedBody;
  readonly file: UploadFile;
  readonly resolve: (sizeBytes: number) => void;
  readonly reject: (error: unknown) => void;
  receivedBytes: number;
  heardAt: number;
  outcome: BodyOutcome | undefined;
  ended: boolean;
}

/**
 * Everything that is done on the uploads thread: it takes what the pipes hold, a fair share of each in turn, and hashes
 * and writes it. Only `turn` ever blocks the thread. Bounds, silence and the disk's reserve are enforced here.
 */
export class UploadEngine {
  readonly background = new Background();
  readonly #options: UploadEngineOptions;
  readonly #poller = new Poller();
  readonly #buffer = new Uint8Array(shareBytes);
  readonly #bodies = new Map<number, OpenBody>();
  /** The latest uploads with their hashes, oldest first. */
  readonly #files = new Map<UploadId, UploadFile>();
  readonly #busy = new Set<UploadFile>();
  #unchecked = checkSpaceEveryBytes;

  constructor(options: UploadEngineOptions) {
    this.#options = options;
  }

  get hasBodies(): boolean {
    return this.#bodies.size > 0;
  }

  async appendBytes(id: UploadId, offset: number, bytes: Uint8Array): Promise<number> {
    const file = this.#file(id);
    this.#busy.add(file);
    try {
      file.open(offset);
      file.mark();
      this.#assertRoom(bytes.byteLength);
      file.write(bytes);
      return file.sizeBytes;
    } catch (error) {
      throw this.#refusal(id, file, offset, error);
    } finally {
      this.#release(file);
    }
  }

  appendPipe(piped: PipedBody): Promise<number> {
    const file = this.#file(piped.id);
    this.#busy.add(file);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const heardAt = this.#options.now();
    const body = { piped, file, resolve, reject, receivedBytes: 0, heardAt, outcome: undefined, ended: false };
    this.#bodies.set(piped.body, body);
    try {
      this.#unchecked = checkSpaceEveryBytes;
      this.#assertRoom(0);
      file.open(piped.offset);
      file.mark();
    } catch (error) {
      this.#refuse(body, error);
    }
    return promise;
  }

  /** The serving thread has passed on everything that it will ever pass on of this body. */
  endPipe(body: number, outcome: BodyOutcome): void {
    const open = this.#bodies.get(body);
    if (open !== undefined) open.outcome = outcome;
  }

  /**
   * Sleeps until a pipe has something, the doorbell rings or `timeoutMs` is over, and takes a share of every pipe that has
   * something. Answers whether the thread's own messages and files want attention.
   */
  turn(doorbellFd: number, timeoutMs: number): boolean {
    const order: OpenBody[] = [];
    let finishing = false;
    this.#poller.clear();
    this.#poller.add(doorbellFd);
    for (const body of this.#bodies.values()) {
      if (body.outcome !== undefined) finishing = true;
      if (body.ended) continue;
      this.#poller.add(body.piped.readFd);
      order.push(body);
    }
    const patienceMs = this.background.pending > 0 ? Math.min(impatientMs, timeoutMs) : timeoutMs;
    const ready = this.#poller.wait(finishing ? 0 : patienceMs);
    if (ready > 0) order.forEach((body, index) => this.#poller.isReady(index + 1) && this.#take(body));
    this.#finishBodies();
    return ready === 0 || this.#poller.isReady(0) || this.background.pending > 0;
  }

  async commit(id: UploadId, sizeBytes: number, digest: Digest): Promise<StagedBlob> {
    const file = this.#file(id);
    this.#busy.add(file);
    try {
      file.open(sizeBytes);
      if ((await file.digest(digest)) !== digest) throw new RegistryError("DIGEST_INVALID");
      if (sizeBytes > maxInlineBytes) return await this.#place(id, file, digest);
      const bytes = await file.bytes();
      file.remove();
      return { digest, sizeBytes, content: { kind: "inline", bytes } };
    } catch (error) {
      file.remove();
      throw this.#commitRefusal(error);
    } finally {
      this.#files.delete(id);
      this.#release(file);
    }
  }

  async cancel(id: UploadId): Promise<void> {
    for (const body of this.#bodies.values())
      if (body.piped.id === id) this.#refuse(body, new RegistryError("BLOB_UPLOAD_UNKNOWN"));
    this.#file(id).remove();
    this.#files.delete(id);
  }

  /** Breaks off what is under way; the bytes that came stay. */
  stop(): void {
    for (const body of this.#bodies.values()) this.#break(body, "the registry is stopping; the upload can be resumed");
  }

  // D5: the data, then the name, then the folder, each durable before the next is begun.
  async #place(id: UploadId, file: UploadFile, digest: Digest): Promise<StagedBlob> {
    const { layout } = this.#options;
    const key = keyOf(digest, id);
    const shard = layout.shard(digest);
    await file.seal();
    makeFolder(shard);
    await this.background.run(moveFile(layout.upload(id), layout.blob(key)));
    const folderFd = openSync(shard, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      await this.background.run(syncFile(folderFd));
    } catch (error) {
      rmSync(layout.blob(key), { force: true });
      throw error;
    } finally {
      closeSync(folderFd);
    }
    return { digest, sizeBytes: file.sizeBytes, content: { kind: "file", key } };
  }

  /** A share of what a pipe holds. */
  #take(body: OpenBody): void {
    const count = readNow(body.piped.readFd, this.#buffer);
    if (count < 0) return;
    if (count === 0) {
      body.ended = true;
      return;
    }
    body.heardAt = this.#options.now();
    try {
      if (body.receivedBytes + count > body.piped.maxBytes)
        throw new RegistryError("SIZE_INVALID", "the body is longer than announced, or than the registry accepts");
      this.#assertRoom(count);
      for (let at = 0; at < count; at += chunkBytes)
        body.file.write(this.#buffer.subarray(at, Math.min(at + chunkBytes, count)));
      body.receivedBytes += count;
    } catch (error) {
      this.#refuse(body, error);
    }
  }

  #finishBodies(): void {
    const silentSince = this.#options.now() - this.#options.silenceMs;
    for (const body of this.#bodies.values()) {
      if (body.outcome !== undefined) this.#finish(body, body.outcome);
      else if (body.heardAt < silentSince)
        this.#break(body, `nothing came for ${this.#options.silenceMs / 1000} seconds; the upload can be resumed`);
    }
  }

  #finish(body: OpenBody, outcome: BodyOutcome): void {
    // What the serving thread passed on is in the pipe by now, whoever else may still hold its other end.
    for (let before = -1; this.#isOpen(body) && !body.ended && before !== body.receivedBytes;) {
      before = body.receivedBytes;
      this.#take(body);
    }
    if (!this.#isOpen(body)) return;
    const { exactBytes } = body.piped;
    if (outcome === "broken") this.#break(body, "the connection broke off; the upload can be resumed");
    else if (exactBytes !== undefined && body.receivedBytes !== exactBytes)
      this.#refuse(body, new RegistryError("SIZE_INVALID", "the body is shorter than announced"));
    else {
      this.#close(body);
      body.resolve(body.file.sizeBytes);
    }
  }

  /** Ends a body of which the bytes stay. */
  #break(body: OpenBody, reason: string): void {
    this.#close(body);
    body.reject(new RegistryError("BLOB_UPLOAD_INVALID", reason, { offset: body.file.sizeBytes }));
  }

  /** Ends a body of which nothing stays. */
  #refuse(body: OpenBody, error: unknown): void {
    const refusal = this.#refusal(body.piped.id, body.file, body.piped.offset, error);
    this.#close(body);
    body.reject(refusal);
  }

  #isOpen(body: OpenBody): boolean {
    return this.#bodies.has(body.piped.body);
  }

  #close(body: OpenBody): void {
    this.#bodies.delete(body.piped.body);
    this.#release(body.file);
  }

  #release(file: UploadFile): void {
    file.release();
    this.#busy.delete(file);
  }

  /** Takes back what a body brought and says why; an upload whose file failed is thrown away. */
  #refusal(id: UploadId, file: UploadFile, offset: number, error: unknown): RegistryError {
    if (error instanceof RegistryError && error.code === "RANGE_INVALID") return error;
    try {
      const reason = isDiskFull(error) ? nearlyFull(this.#options.space()) : error;
      if (reason instanceof RegistryError) {
        file.rollBack(offset);
        return new RegistryError(reason.code, reason.message, { offset });
      }
      file.remove();
      this.#files.delete(id);
    } catch (failure) {
      return new RegistryError("UNAVAILABLE", undefined, { cause: failure });
    }
    return new RegistryError("UNAVAILABLE", undefined, { cause: error, offset: 0 });
  }

  #commitRefusal(error: unknown): RegistryError {
    if (error instanceof RegistryError) return error;
    return isDiskFull(error)
      ? nearlyFull(this.#options.space())
      : new RegistryError("UNAVAILABLE", undefined, { cause: error });
  }

  #assertRoom(count: number): void {
    this.#unchecked += count;
    if (this.#unchecked < checkSpaceEveryBytes) return;
    const space = this.#options.space();
    const { minFreeBytes, minFreeShare } = this.#options.reserve;
    if (space.freeBytes < minFreeBytes || space.freeBytes < space.totalBytes * minFreeShare) throw nearlyFull(space);
    this.#unchecked = 0;
  }

  #file(id: UploadId): UploadFile {
    const file = this.#files.get(id) ?? new UploadFile(this.#options.layout.upload(id), this.background);
    this.#files.delete(id);
    this.#files.set(id, file);
    if (this.#files.size > keptFiles) this.#forgetOldest();
    return file;
  }

  #forgetOldest(): void {
    for (const [id, file] of this.#files) {
      if (this.#busy.has(file)) continue;
      this.#files.delete(id);
      return;
    }
  }
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

function nearlyFull({ freeBytes, totalBytes }: DiskSpace): RegistryError {
  const percent = totalBytes === 0 ? 0 : Math.floor((100 * freeBytes) / totalBytes);
  return new RegistryError(
    "DENIED",
    `the registry's disk is nearly full (${percent} % free); nothing was stored. Its administrator can free space: dozo status`,
  );
}
