import { closeSync, lstatSync, readdirSync } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { maxInlineBytes } from "../../core/blob-store.ts";
import { algorithmOf, type Digest, digestOf } from "../../core/digest.ts";
import { RegistryError } from "../../core/error.ts";
import { isUlid } from "../../core/ulid.ts";
import type { UploadId } from "../../core/upload-session.ts";
import type { AppendBounds, IncomingBody, StagedBlob, UploadStore } from "../../core/upload-store.ts";
import type { Layout } from "./layout.ts";
import { Doorbell, makePipe, type Pipe } from "./libc.ts";
import type { BodyOutcome, DiskReserveOptions, UploadCalls, UploadsWorkerData } from "./upload-calls.ts";
import { type StorageLog, textOf, WorkerChannel } from "./worker-channel.ts";

/** A body of a known length up to here is taken whole on the serving thread: cheaper than a pipe. */
const smallBodyBytes = 256 * 1024;
/** All bodies that are taken whole at a time have no more bytes than this; what is beyond goes through pipes. */
const smallBodiesBytes = 32 * 1024 * 1024;
/** A body that is taken whole may come as slowly as this. */
const lowestBytesPerSecond = 4096;
const pipeBytes = 1024 * 1024;
/**
 * Whoever is not root may have 64 MiB of pipes; the first ones are large, the others come after. What a pipe does not take
 * waits in memory, a megabyte or more of each body.
 */
const largePipes = 40;
const laterPipeBytes = 256 * 1024;
const heldBytesInAll = 16 * 1024 * 1024;
const holdMs = 1000;
const outOfFilesRetrySeconds = 5;

/** An upload of which all bytes are still in memory. */
interface HeldUpload {
  readonly bytes: Uint8Array;
  readonly since: number;
}

export interface UploadStoreOptions {
  readonly layout: Layout;
  readonly log: StorageLog;
  readonly reserve: DiskReserveOptions;
  readonly silenceMs: number;
}

/**
 * Uploads as files. This half runs on the serving thread and never waits for a disk: large bodies go into a pipe whose
 * other end the uploads thread has (no chunk passes through JavaScript here), middling ones are handed over whole, and what
 * would stand in a row anyway is held in memory for a second, because most often its commit is the next call.
 */
export class FilesystemUploadStore implements UploadStore {
  readonly #layout: Layout;
  readonly #silenceMs: number;
  readonly #log: StorageLog;
  readonly #channel: WorkerChannel<UploadCalls>;
  readonly #doorbell = new Doorbell();
  #sent = new SharedArrayBuffer(4);
  /** The lengths of uploads that have bytes in the folder; undefined where the folder has to be asked. */
  readonly #sizes = new Map<UploadId, number | undefined>();
  readonly #held = new Map<UploadId, HeldUpload>();
  readonly #flushing = new Map<UploadId, Promise<void>>();
  /** The piped bodies that the uploads thread has not answered yet. */
  readonly #openBodies = new Set<number>();
  #heldBytes = 0;
  /** What the bodies that are being taken whole have announced. */
  #arrivingBytes = 0;
  #lastBody = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor({ layout, log, reserve, silenceMs }: UploadStoreOptions) {
    this.#layout = layout;
    this.#silenceMs = silenceMs;
    this.#log = log;
    for (const name of readdirSync(layout.uploads)) if (isUlid(name)) this.#noteFile(name);
    const startData = (): UploadsWorkerData => {
      this.#sent = new SharedArrayBuffer(4);
      return { folder: layout.folder, reserve, silenceMs, doorbellFd: this.#doorbell.fd, sent: this.#sent };
    };
    const script = new URL("./uploads.worker.ts", import.meta.url);
    this.#channel = new WorkerChannel<UploadCalls>(script, startData, log, () => this.#afterCrash());
  }

  async append(id: UploadId, body: IncomingBody, bounds: AppendBounds): Promise<number> {
    const offset = await this.size(id);
    assertBounds(offset, body.lengthBytes, bounds);
    if (body.lengthBytes !== undefined && this.#hasMemoryFor(body.lengthBytes))
      return this.#appendSmall(id, offset, await this.#takeWhole(body.request, body.lengthBytes));
    await this.#flush(id);
    return this.#noting(id, this.#appendPiped(id, offset, body.request, bounds));
  }

  async size(id: UploadId): Promise<number> {
    await this.#flushing.get(id);
    const held = this.#held.get(id);
    if (held !== undefined) return held.bytes.byteLength;
    if (!this.#sizes.has(id)) return 0;
    return this.#sizes.get(id) ?? this.#askFolder(id);
  }

  async commit(id: UploadId, digest: Digest): Promise<StagedBlob> {
    const sizeBytes = await this.size(id);
    const held = this.#held.get(id);
    if (held === undefined && sizeBytes > 0) {
      try {
        return await this.#call("commit", { id, sizeBytes, digest });
      } finally {
        this.#sizes.delete(id);
      }
    }
    this.#drop(id);
    const bytes = held?.bytes ?? new Uint8Array(0);
    if (digestOf(bytes, algorithmOf(digest)) !== digest) throw new RegistryError("DIGEST_INVALID");
    return { digest, sizeBytes, content: { kind: "inline", bytes } };
  }

  async cancel(id: UploadId): Promise<void> {
    await this.#flushing.get(id);
    this.#drop(id);
    if (!this.#sizes.has(id)) return;
    await this.#call("cancel", id);
    this.#sizes.delete(id);
  }

  async list(): Promise<readonly UploadId[]> {
    const names = await readdir(this.#layout.uploads);
    return [...new Set([...names.filter((name) => isUlid(name)), ...this.#held.keys()])].toSorted();
  }

  /** Breaks off the bodies that are under way (what came stays), and ends the uploads thread. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.all([...this.#held.keys()].map((id) => this.#flush(id)));
    await this.#call("stop", undefined);
    await this.#channel.settled();
    // Behind the end of the thread, which may be looking at the bell still.
    await this.#channel.close();
    this.#doorbell.close();
  }

  #hasMemoryFor(lengthBytes: number): boolean {
    return lengthBytes <= smallBodyBytes && this.#arrivingBytes + lengthBytes <= smallBodiesBytes;
  }

  async #takeWhole(request: Request, lengthBytes: number): Promise<Uint8Array> {
    this.#arrivingBytes += lengthBytes;
    try {
      return await wholeBody(request, lengthBytes, this.#silenceMs);
    } finally {
      this.#arrivingBytes -= lengthBytes;
    }
  }

  async #appendSmall(id: UploadId, offset: number, bytes: Uint8Array): Promise<number> {
    const sizeBytes = offset + bytes.byteLength;
    const held = this.#held.get(id);
    const isHere = held !== undefined || offset === 0;
    if (isHere && sizeBytes <= maxInlineBytes && this.#heldBytes + bytes.byteLength <= heldBytesInAll) {
      this.#hold(id, held === undefined ? bytes : concatenate(held.bytes, bytes));
      return sizeBytes;
    }
    if (held === undefined) return this.#appendBytes(id, offset, bytes);
    this.#drop(id);
    return this.#appendBytes(id, 0, concatenate(held.bytes, bytes));
  }

  #appendBytes(id: UploadId, offset: number, bytes: Uint8Array): Promise<number> {
    const transfer = bytes.buffer instanceof ArrayBuffer ? [bytes.buffer] : [];
    return this.#noting(id, this.#call("append-bytes", { id, offset, bytes }, transfer));
  }

  async #appendPiped(id: UploadId, offset: number, request: Request, bounds: AppendBounds): Promise<number> {
    const { readFd, writeFd } = this.#makePipe();
    this.#lastBody += 1;
    const body = this.#lastBody;
    const maxBytes = Math.min(bounds.maxBytes - offset, bounds.lengthBytes ?? Infinity);
    this.#openBodies.add(body);
    const answer = this.#call("append-pipe", { body, id, offset, readFd, maxBytes, exactBytes: bounds.lengthBytes });
    void passOn(request, writeFd).then(async (outcome) => {
      closeSync(writeFd);
      if (this.#openBodies.has(body)) await this.#call("end-pipe", { body, outcome }).catch(() => undefined);
    });
    // The one place where this end is closed, whether the thread has answered, has crashed or was ended.
    return answer.finally(() => {
      this.#openBodies.delete(body);
      closeSync(readFd);
    });
  }

  #makePipe(): Pipe {
    try {
      return makePipe(this.#openBodies.size < largePipes ? pipeBytes : laterPipeBytes);
    } catch (cause) {
      this.#log.error("an upload was refused; allow the process more open files (ulimit -n)", { cause: textOf(cause) });
      throw new RegistryError("UNAVAILABLE", undefined, { cause, retryAfterSeconds: outOfFilesRetrySeconds });
    }
  }

  /** Keeps the length that a call leads to; where it is unknown, the folder is asked the next time. */
  async #noting(id: UploadId, appended: Promise<number>): Promise<number> {
    try {
      const sizeBytes = await appended;
      if (sizeBytes > 0) this.#sizes.set(id, sizeBytes);
      return sizeBytes;
    } catch (error) {
      this.#sizes.set(id, error instanceof RegistryError ? error.offset : undefined);
      throw error;
    }
  }

  #call<Kind extends keyof UploadCalls>(
    kind: Kind,
    input: UploadCalls[Kind]["input"],
    transfer?: ArrayBuffer[],
  ): Promise<UploadCalls[Kind]["output"]> {
    Atomics.add(new Int32Array(this.#sent), 0, 1);
    const answer = this.#channel.call(kind, input, transfer);
    this.#doorbell.ring();
    answer.catch((error: unknown) => this.#logFailure(kind, error));
    return answer;
  }

  /** What is no fault of the client's an operator has to know. */
  #logFailure(kind: string, error: unknown): void {
    if (error instanceof RegistryError && error.code !== "UNAVAILABLE") return;
    this.#log.error("an upload failed and was thrown away", { call: kind, cause: textOf(error) });
  }

  #hold(id: UploadId, bytes: Uint8Array): void {
    this.#drop(id);
    this.#held.set(id, { bytes, since: performance.now() });
    this.#heldBytes += bytes.byteLength;
    this.#timer ??= setTimeout(() => this.#flushOld(), holdMs);
  }

  #drop(id: UploadId): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    this.#held.delete(id);
    this.#heldBytes -= held.bytes.byteLength;
  }

  #flushOld(): void {
    this.#timer = undefined;
    const before = performance.now() - holdMs / 2;
    // A failure shows at the next call for the upload: its bytes are gone, so it begins at 0 again.
    for (const [id, held] of this.#held) if (held.since <= before) void this.#flush(id).catch(() => undefined);
    if (this.#held.size > 0) this.#timer = setTimeout(() => this.#flushOld(), holdMs);
  }

  /** Writes what is held of an upload into its file. */
  #flush(id: UploadId): Promise<void> {
    const held = this.#held.get(id);
    if (held === undefined) return Promise.resolve();
    this.#drop(id);
    if (held.bytes.byteLength === 0) return Promise.resolve();
    const flushed = this.#appendBytes(id, 0, held.bytes)
      .then(() => undefined)
      .finally(() => this.#flushing.delete(id));
    this.#flushing.set(
      id,
      flushed.catch(() => undefined),
    );
    return flushed;
  }

  async #askFolder(id: UploadId): Promise<number> {
    const found = await lstat(this.#layout.upload(id)).catch(() => undefined);
    if (found === undefined) this.#sizes.delete(id);
    else this.#sizes.set(id, found.size);
    return found?.size ?? 0;
  }

  #noteFile(id: UploadId): void {
    const found = lstatSync(this.#layout.upload(id));
    if (found.isFile()) this.#sizes.set(id, found.size);
  }

  #afterCrash(): void {
    for (const id of this.#sizes.keys()) this.#sizes.set(id, undefined);
  }
}

/** Everything that can be said before a byte is read. */
function assertBounds(sizeBytes: number, lengthBytes: number | undefined, bounds: AppendBounds): void {
  if (bounds.offset !== undefined && bounds.offset !== sizeBytes)
    throw new RegistryError("RANGE_INVALID", undefined, { offset: sizeBytes });
  if (lengthBytes !== undefined && bounds.lengthBytes !== undefined && lengthBytes !== bounds.lengthBytes)
    throw new RegistryError("SIZE_INVALID", "Content-Length is not the length of Content-Range", { offset: sizeBytes });
  if (sizeBytes + (lengthBytes ?? bounds.lengthBytes ?? 0) > bounds.maxBytes)
    throw new RegistryError("SIZE_INVALID", "the blob is larger than this registry accepts", { offset: sizeBytes });
}

/**
 * A small body, all of it. What breaks off half-way is lost: too little to go on behind. The runtime does not tell when a
 * part arrived, so silence is judged by the whole: a client may be `silenceMs` late at the lowest rate.
 */
async function wholeBody(request: Request, lengthBytes: number, silenceMs: number): Promise<Uint8Array> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const patienceMs = silenceMs + (1000 * lengthBytes) / lowestBytesPerSecond;
  const timer = setTimeout(() => reject(brokenOff(`nothing came for ${silenceMs / 1000} seconds`)), patienceMs);
  const arrived = request.bytes().catch((cause: unknown) => {
    throw brokenOff("the connection broke off", cause);
  });
  try {
    const bytes = await Promise.race([arrived, late]);
    if (bytes.byteLength !== lengthBytes) throw new RegistryError("SIZE_INVALID");
    return bytes;
  } finally {
    clearTimeout(timer);
  }
}

function brokenOff(reason: string, cause?: unknown): RegistryError {
  return new RegistryError("BLOB_UPLOAD_INVALID", `${reason}; the upload can be resumed`, { cause });
}

/** Lets the runtime move a body into a pipe. The descriptor stays the caller's to close. */
async function passOn(request: Request, writeFd: number): Promise<BodyOutcome> {
  try {
    await Bun.write(Bun.file(writeFd), request);
    return "whole";
  } catch (error) {
    // For a body without bytes the runtime does nothing but try to cut the pipe to length 0.
    return error instanceof Error && error.message.includes("ftruncate") ? "whole" : "broken";
  }
}

function concatenate(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.byteLength + second.byteLength);
  both.set(first);
  both.set(second, first.byteLength);
  return both;
}
