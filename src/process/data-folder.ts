import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { ExplainedError } from "./explained-error.ts";
import { assertRestored } from "./restore-mark.ts";

/**
 * Makes the data folder (0700) where it is missing, and becomes its owner where root works on somebody else's: what is
 * written afterwards is the owner's, so that a `sudo dozo …` leaves nothing behind that the server cannot write.
 */
export function prepareDataFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw cannot("made", folder, error);
  }
  becomeOwner(folder);
  refuseForeign(folder);
  assertRestored(folder);
}

/** The same for a folder that has to be there. Throws an `ExplainedError` that names `dozo up` where it is not. */
export function openDataFolder(folder: string): void {
  if (!isDataFolder(folder)) {
    const system = "/var/lib/dozo";
    const elsewhere = folder !== system && process.getuid?.() !== 0 && existsSync(system);
    throw new ExplainedError(
      `there is no registry in the data folder ${folder}`,
      elsewhere ? `dozo up makes one; for the one in ${system} say sudo dozo …` : "dozo up makes one",
    );
  }
  becomeOwner(folder);
  refuseForeign(folder);
  assertRestored(folder);
}

/** Whether a first start has begun in this folder. */
function isDataFolder(folder: string): boolean {
  try {
    return lstatSync(`${folder}/dozo.lock`).isFile();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    throw cannot("read", folder, error);
  }
}

/** Gives up root for the owner of the folder, for good; does nothing when the process is not root's, or the folder is. */
function becomeOwner(folder: string): void {
  const { uid, gid } = statSync(folder);
  if (process.getuid?.() !== 0 || uid === 0) return;
  process.setgroups?.([]);
  process.setgid?.(gid);
  process.setuid?.(uid);
}

/** FS-01: what others could read or replace is not safe to work on. */
function refuseForeign(folder: string): void {
  const { uid, mode } = statSync(folder);
  const me = process.getuid?.();
  if (me !== undefined && uid !== me) {
    throw new ExplainedError(
      `the data folder ${folder} belongs to another user (number ${uid})`,
      `sudo -u '#${uid}' dozo …, or choose another folder with --data`,
    );
  }
  if ((mode & 0o077) === 0) return;
  const entries = readdirSync(folder);
  // An empty folder was made by somebody for us (a volume, `mkdir`): it only needs its mode.
  const ours = entries.every((name) => name === "lost+found") || (mode & 0o022) === 0;
  if (!ours) {
    throw new ExplainedError(`others may write in the data folder ${folder}`, `chmod 700 ${folder}`);
  }
  try {
    chmodSync(folder, 0o700);
  } catch (error) {
    throw cannot("protected (chmod 700)", folder, error);
  }
}

function cannot(what: string, folder: string, cause: unknown): ExplainedError {
  const code = (cause as NodeJS.ErrnoException).code ?? "unknown error";
  const remedy =
    code === "ENOSPC"
      ? "make room on the disk"
      : `run this as its owner (sudo), give this user the right to write in ${dirname(folder)}, or choose another folder with --data`;
  return new ExplainedError(`the data folder ${folder} cannot be ${what} (${code})`, remedy, cause);
}
