import { dlopen, FFIType } from "bun:ffi";
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { ExplainedError } from "./explained-error.ts";

const lockExclusive = 2;
const lockWithoutWaiting = 4;

/** Thrown when another process works on the data folder. */
export class FolderLockedError extends ExplainedError {
  /** The process that holds the lock, where it has written its number. */
  readonly pid: number | undefined;

  constructor(folder: string, pid: number | undefined) {
    super(
      `process ${pid ?? "(unknown)"} works on the data folder ${folder} already`,
      pid === undefined ? "dozo status" : `stop it first (kill ${pid}), or choose another folder with --data`,
    );
    this.name = "FolderLockedError";
    this.pid = pid;
  }
}

/** Ends the lock; so does the end of the process, however it comes. */
export type ReleaseLock = () => void;

/**
 * Takes the lock of a data folder: flock(2) on `dozo.lock`, which the kernel lifts when the process ends, so that nothing
 * stale can block. The file stays and holds the number of the process. Throws `FolderLockedError`.
 */
export function lockFolder(folder: string): ReleaseLock {
  const release = takeLock(`${folder}/dozo.lock`);
  if (release === undefined) throw new FolderLockedError(folder, lockHolder(folder));
  return release;
}

/** The same for any file, which is made where it is missing (0600); undefined while another process has it. */
export function takeLock(path: string): ReleaseLock | undefined {
  const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  if (!flock(descriptor)) {
    closeSync(descriptor);
    return undefined;
  }
  ftruncateSync(descriptor);
  writeSync(descriptor, `${process.pid}\n`, 0);
  return () => {
    ftruncateSync(descriptor);
    closeSync(descriptor);
  };
}

/** The number in the lock file; it says who held the lock last, not that somebody does. */
export function lockHolder(folder: string): number | undefined {
  try {
    const pid = Number(readFileSync(`${folder}/dozo.lock`, "utf8"));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function flock(descriptor: number): boolean {
  const library = dlopen("libc.so.6", {
    flock: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  });
  try {
    return library.symbols.flock(descriptor, lockExclusive | lockWithoutWaiting) === 0;
  } finally {
    library.close();
  }
}
