import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { ExplainedError } from "./explained-error.ts";
import { replaceFile } from "./folder-check.ts";

/** The longest path that a Unix socket may have (unix(7): 108 bytes with the closing NUL). */
const maxPathBytes = 107;

/**
 * Where the server of a data folder listens for commands: `run/control.sock`, or, where that path is too long for a
 * socket, one in a short 0700 folder that `run/control.path` names. Makes the folders, and removes what an earlier
 * process left: the caller holds the folder's lock.
 */
export function prepareControlSocket(folder: string): string {
  const run = `${folder}/run`;
  mkdirSync(run, { recursive: true, mode: 0o700 });
  rmSync(`${run}/control.path`, { force: true });
  const path = fits(`${run}/control.sock`) ? `${run}/control.sock` : shortPath(folder);
  if (!path.startsWith(run)) replaceFile(`${run}/control.path`, path);
  rmSync(path, { force: true });
  return path;
}

/** Where a running server would be listening. */
export function findControlSocket(folder: string): string {
  try {
    return readFileSync(`${folder}/run/control.path`, "utf8");
  } catch {
    return `${folder}/run/control.sock`;
  }
}

function shortPath(folder: string): string {
  const name = `dozo-${createHash("sha256").update(folder).digest("hex").slice(0, 16)}`;
  const runtime = process.env["XDG_RUNTIME_DIR"];
  const base = runtime !== undefined && fits(`${runtime}/${name}/control.sock`) ? runtime : "/tmp";
  const short = `${base}/${name}`;
  mkdirSync(short, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(short);
  // /tmp is everybody's: a folder that somebody else put there is not ours to trust.
  if (uid !== process.getuid?.() || (mode & 0o170_777) !== 0o040_700) {
    throw new ExplainedError(`${short} is not a folder of this user alone`, `remove it: rm -r ${short}`);
  }
  return `${short}/control.sock`;
}

function fits(path: string): boolean {
  return Buffer.byteLength(path) <= maxPathBytes;
}
