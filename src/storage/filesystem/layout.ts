import {
  constants,
  fsyncSync,
  lstatSync,
  closeSync,
  openSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  chmodSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { algorithmOf, type Digest, hexOf } from "../../core/digest.ts";
import { isUlid } from "../../core/ulid.ts";
import type { UploadId } from "../../core/upload-session.ts";

/*
 * <folder>/                                0700, as every folder here, whatever the umask is
 *   blobs/
 *     sha256/
 *       ab/                                the first two digits; made when the first blob needs it
 *         <64 digits>.<ulid>               0400; the bytes of a blob. Key: everything from "sha256/" on
 *     sha512/
 *       ab/<128 digits>.<ulid>
 *   uploads/
 *     <ulid>                               0600; the bytes of an unfinished upload, made with its first byte
 *
 * The ulid of a blob is that of the upload it came from: a generation that is never used twice, so a key that was
 * deleted never comes back. Anything else that lies in these folders is left alone.
 */

/** A folder of the layout is not what it has to be: the start is refused. */
export class LayoutError extends Error {
  override readonly name = "LayoutError";
}

const keyGrammar = /^(?:sha256\/([0-9a-f]{2})\/\1[0-9a-f]{62}|sha512\/([0-9a-f]{2})\/\2[0-9a-f]{126})\.(.{26})$/;

/** Whether a text has the form of a key that `keyOf` makes. */
export function isKey(text: string): boolean {
  const match = keyGrammar.exec(text);
  return match?.[3] !== undefined && isUlid(match[3]);
}

/** The key of the blob that an upload becomes. */
export function keyOf(digest: Digest, generation: UploadId): string {
  return `${shardOf(digest)}/${hexOf(digest)}.${generation}`;
}

/** The folder of a blob, relative to `blobs/`. */
function shardOf(digest: Digest): string {
  return `${algorithmOf(digest)}/${hexOf(digest).slice(0, 2)}`;
}

/** The paths of one data folder. */
export class Layout {
  readonly folder: string;
  readonly blobs: string;
  readonly uploads: string;

  constructor(folder: string) {
    this.folder = folder;
    this.blobs = join(folder, "blobs");
    this.uploads = join(folder, "uploads");
  }

  upload(id: UploadId): string {
    if (!isUlid(id)) throw new LayoutError("not the id of an upload");
    return join(this.uploads, id);
  }

  /** Throws for anything but a key of this layout: no other text ever becomes a path. */
  blob(key: string): string {
    if (!isKey(key)) throw new LayoutError("not the key of a blob");
    return join(this.blobs, key);
  }

  shard(digest: Digest): string {
    return join(this.blobs, shardOf(digest));
  }

  /**
   * Makes the folders that are missing and makes them durable; throws `LayoutError` when one that is there is not a
   * plain folder (a symbolic link would lead elsewhere).
   */
  prepare(): void {
    makeFolder(this.folder);
    const algorithms = ["sha256", "sha512"].map((name) => join(this.blobs, name));
    for (const path of [this.blobs, this.uploads, ...algorithms]) makeFolder(path);
    for (const path of algorithms)
      for (const name of readdirSync(path)) if (/^[0-9a-f]{2}$/.test(name)) makeFolder(join(path, name));
    // What was made just before a crash may not be durable yet, and nobody would sync its parent again.
    for (const path of [this.folder, this.blobs, ...algorithms]) syncFolder(path);
  }
}

/**
 * Makes a folder with mode 0700 unless it is there, and syncs its parent; answers whether it is new. Where the sync fails
 * the folder is taken away again: the next call would take it for durable.
 */
export function makeFolder(path: string, sync: (path: string) => void = syncFolder): boolean {
  const isNew = mkdirUnlessThere(path);
  if (!lstatSync(path).isDirectory())
    throw new LayoutError(`${path} is not a folder of its own (a link, or a file). Move it away and start again`);
  if (!isNew) return false;
  try {
    chmodSync(path, 0o700);
    sync(dirname(path));
  } catch (error) {
    rmdirSync(path);
    throw error;
  }
  return true;
}

/** Makes the names in a folder durable. */
export function syncFolder(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function mkdirUnlessThere(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}
