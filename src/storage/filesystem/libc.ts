import { dlopen, FFIType, ptr } from "bun:ffi";
import { closeSync } from "node:fs";

/*
 * What the runtime has no function for, straight from the C library (Linux; glibc or musl). Every call here returns at
 * once, except `poll`. This is the only file that names bun:ffi.
 */

const libc = load();

function load() {
  const names = ["libc.so.6", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`];
  let failure: unknown;
  for (const name of names) {
    try {
      return dlopen(name, {
        pipe2: { args: ["buffer", "i32"], returns: "i32" },
        fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
        eventfd: { args: ["u32", "i32"], returns: "i32" },
        poll: { args: ["buffer", "u64", "i32"], returns: "i32" },
        read: { args: ["i32", "buffer", "u64"], returns: FFIType.i64_fast },
        write: { args: ["i32", "buffer", "u64"], returns: FFIType.i64_fast },
        preadv2: { args: ["i32", "buffer", "i32", "i64", "i32"], returns: FFIType.i64_fast },
        mmap: { args: ["i64", "u64", "i32", "i32", "i32", "i64"], returns: FFIType.i64_fast },
        munmap: { args: ["i64", "u64"], returns: "i32" },
        mincore: { args: ["i64", "u64", "buffer"], returns: "i32" },
        posix_fadvise: { args: ["i32", "i64", "i64", "i32"], returns: "i32" },
        setpriority: { args: ["i32", "u32", "i32"], returns: "i32" },
        sysconf: { args: ["i32"], returns: FFIType.i64_fast },
      }).symbols;
    } catch (error) {
      failure = error;
    }
  }
  throw new Error("the C library cannot be loaded: dozo needs Linux with glibc or musl", { cause: failure });
}

const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const F_SETPIPE_SZ = 1031;
const RWF_NOWAIT = 8;
const POSIX_FADV_WILLNEED = 3;
const SC_PAGESIZE = 30;
const POLLIN = 1;

const PRIO_PROCESS = 0;

/** Lets other threads go first by `nice` steps (setpriority(2): on Linux a process of 0 is the calling thread alone). */
export function lowerThreadPriority(nice: number): void {
  libc.setpriority(PRIO_PROCESS, 0, nice);
}

export interface Pipe {
  readonly readFd: number;
  readonly writeFd: number;
}

/**
 * A pipe whose ends do not block; both are the caller's to close. Its size is a wish: the kernel refuses it to
 * somebody who is not root and has many (/proc/sys/fs/pipe-user-pages-soft), and the pipe then has its usual size. Throws
 * when the process has too many files open.
 */
export function makePipe(sizeBytes: number): Pipe {
  const ends = new Int32Array(2);
  if (libc.pipe2(ends, O_NONBLOCK | O_CLOEXEC) !== 0) throw new Error("no pipe: too many open files");
  const [readFd = -1, writeFd = -1] = ends;
  libc.fcntl(writeFd, F_SETPIPE_SZ, sizeBytes);
  return { readFd, writeFd };
}

/** Reads what is there; 0 at the end, -1 when nothing is there now. */
export function readNow(fd: number, buffer: Uint8Array): number {
  return Number(libc.read(fd, buffer, buffer.byteLength));
}

/**
 * A bell that one thread rings and another one polls; a ring is never lost. Whoever made it closes it, when nobody polls it
 * any more; one that is closed does not ring, for its number may be another file's.
 */
export class Doorbell {
  readonly fd: number;
  readonly #word = new BigUint64Array([1n]);
  #isClosed = false;

  constructor(fd = libc.eventfd(0, O_NONBLOCK | O_CLOEXEC)) {
    if (fd < 0) throw new Error("no eventfd: too many open files");
    this.fd = fd;
  }

  ring(): void {
    if (this.#isClosed) return;
    this.#word[0] = 1n;
    libc.write(this.fd, this.#word, 8);
  }

  /** Ends the ringing. */
  answer(): void {
    libc.read(this.fd, this.#word, 8);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeSync(this.fd);
  }
}

/** Waits until one of several descriptors can be read. */
export class Poller {
  #set = new Int32Array(32);
  #count = 0;

  /** Begins a new set. */
  clear(): void {
    this.#count = 0;
  }

  add(fd: number): void {
    if (this.#count * 2 === this.#set.length) {
      const larger = new Int32Array(this.#set.length * 2);
      larger.set(this.#set);
      this.#set = larger;
    }
    this.#set[this.#count * 2] = fd;
    this.#set[this.#count * 2 + 1] = POLLIN;
    this.#count += 1;
  }

  /** How many are ready; 0 when the time is over. Blocks the thread. */
  wait(timeoutMs: number): number {
    for (let index = 0; index < this.#count; index += 1) this.#set[index * 2 + 1] = POLLIN;
    return libc.poll(this.#set, this.#count, timeoutMs);
  }

  /** Whether the descriptor that was added as number `index` has something (an end and an error count). */
  isReady(index: number): boolean {
    return (this.#set[index * 2 + 1] ?? 0) >>> 16 !== 0;
  }
}

/** Reads from the page cache alone: how many bytes were there, or -1 when the first is not (or the file system cannot tell). */
export function readCached(fd: number, buffer: Uint8Array, position: number): number {
  if (buffer.byteLength === 0) return 0;
  const vector = new BigUint64Array([BigInt(ptr(buffer)), BigInt(buffer.byteLength)]);
  return Number(libc.preadv2(fd, vector, 1, position, RWF_NOWAIT));
}

const pageBytes = Number(libc.sysconf(SC_PAGESIZE));
const pieceBytes = 256 * 1024 * 1024;
const pages = new Uint8Array(pieceBytes / pageBytes);

/** Whether every byte from `start` to `end` of an open file is in the page cache (mincore; about 3 ms per GiB). */
export function isCached(fd: number, start: number, end: number): boolean {
  for (let piece = start - (start % pageBytes); piece < end; piece += pieceBytes) {
    if (!isPieceCached(fd, piece, Math.min(pieceBytes, end - piece))) return false;
  }
  return true;
}

function isPieceCached(fd: number, offset: number, lengthBytes: number): boolean {
  const [nothing, shared] = [0, 1];
  const address = Number(libc.mmap(0, lengthBytes, nothing, shared, fd, offset));
  if (address === -1) return false;
  try {
    if (libc.mincore(address, lengthBytes, pages) !== 0) return false;
    return !pages.subarray(0, Math.ceil(lengthBytes / pageBytes)).includes(0);
  } finally {
    libc.munmap(address, lengthBytes);
  }
}

/** Asks the kernel to begin reading a part of a file. */
export function readAhead(fd: number, start: number, lengthBytes: number): void {
  libc.posix_fadvise(fd, start, lengthBytes, POSIX_FADV_WILLNEED);
}
