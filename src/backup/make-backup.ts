import { lstatSync, mkdirSync, readdirSync, realpathSync } from "node:fs";
import { lstat, mkdir, readFile, rm, statfs } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { algorithmOf, hexOf } from "../core/digest.ts";
import { ExplainedError } from "../process/explained-error.ts";
import { takeLock } from "../process/folder-lock.ts";
import { isKey, Layout } from "../storage/filesystem/layout.ts";
import { SnapshotContent, type SnapshotFile } from "../storage/sqlite/snapshot-content.ts";
import { snapshotDatabase } from "../storage/sqlite/snapshot.ts";
import { BackupFolder, type Catalogue } from "./catalogue.ts";
import { checkRows } from "./check-rows.ts";
import { inParallel } from "./in-parallel.ts";
import { findKeptFiles } from "./kept-files.ts";
import { sealKeys } from "./sealed-keys.ts";
import { filesBelow, foldersBelow, namesIn } from "./tree.ts";
import { copyFile, hashFile, place, SourceError, syncFolder, writeFile } from "./synced-file.ts";

/** How far the copying of blobs is. */
interface BackupProgress {
  readonly copiedBlobs: number;
  readonly copiedBytes: number;
  /** Of so many that the backup did not have yet. */
  readonly blobs: number;
  readonly bytes: number;
}

export interface BackupRequest {
  /** The data folder. Nobody unlinks a blob of it meanwhile, or else only what no snapshot of the database names any more. */
  readonly data: string;
  readonly to: string;
  readonly programVersion: string;
  /** The settings, as a settings file has them. */
  readonly settings: string;
  /** Undefined: without the keys. */
  readonly passphrase: string | undefined;
  /** Go on without them where the former backup has them. */
  readonly mayDropKeys: boolean;
  readonly now: () => number;
  readonly onProgress: (progress: BackupProgress) => void;
}

/** What a backup came to. */
export interface BackupReport {
  readonly catalogue: Catalogue;
  readonly copiedBlobs: number;
  readonly copiedBytes: number;
  /** Blobs of former backups that the registry does not have any more. */
  readonly removedBlobs: number;
  /** Images that need something that was damaged in the registry itself. */
  readonly damagedImages: readonly string[];
}

const width = 4;
const mostRounds = 5;
const mostImages = 20;

/**
 * Brings the backup in a folder up to date: first a snapshot of the database, then every blob that it names and the folder does not
 * have yet. Broken off at any moment it leaves the former backup whole. One at a time may work on a folder. Throws
 * `ExplainedError`.
 */
export async function makeBackup(request: BackupRequest): Promise<BackupReport> {
  const folder = new BackupFolder(request.to);
  prepareFolder(folder, request.data);
  const release = takeLock(folder.lock);
  if (release === undefined)
    throw new ExplainedError(`another dozo backup works on ${request.to}`, "wait until it has ended");
  const run = new BackupRun(request, folder);
  try {
    return await run.run();
  } catch (error) {
    await run.cleanUp();
    throw explain(error, request.to);
  } finally {
    release();
  }
}

function prepareFolder({ location, lock }: BackupFolder, data: string): void {
  try {
    if (`${realPathOf(location)}/`.startsWith(`${realpathSync(data)}/`))
      throw new ExplainedError("a backup in the data folder is lost with it", "choose a folder on another disk");
    mkdirSync(location, { recursive: true, mode: 0o700 });
    const others = readdirSync(location).filter((name) => name !== "lost+found");
    if (others.length === 0 || others.includes(basename(lock))) return;
  } catch (error) {
    throw explain(error, location);
  }
  throw new ExplainedError(`${location} is not empty, and there is no backup in it`, "choose an empty folder");
}

/** Of what is not there yet, too: what is there of it leads somewhere. */
function realPathOf(path: string): string {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return realpathSync(path);
  return join(realPathOf(dirname(path)), basename(path));
}

class BackupRun {
  readonly #request: BackupRequest;
  readonly #folder: BackupFolder;
  readonly #source: Layout;
  readonly #startedAt: number;
  readonly #id: string;
  readonly #progress = { copiedBlobs: 0, copiedBytes: 0, blobs: 0, bytes: 0 };
  readonly #damaged = new Set<string>();

  constructor(request: BackupRequest, folder: BackupFolder) {
    this.#request = request;
    this.#folder = folder;
    this.#source = new Layout(request.data);
    this.#startedAt = request.now();
    const time = new Date(this.#startedAt).toISOString().replaceAll(":", "-").slice(0, 19);
    this.#id = `${time}-${process.pid}`;
  }

  get #snapshot(): string {
    return this.#folder.snapshot(this.#id);
  }

  async run(): Promise<BackupReport> {
    const former = this.#folder.readCatalogue();
    const { passphrase, mayDropKeys, to } = this.#request;
    if (former?.keys === "sealed" && passphrase === undefined && !mayDropKeys)
      throw new ExplainedError(
        `the backup in ${to} has the keys, and this one would not`,
        "name the file with the passphrase: --keys-passphrase-file FILE; or say --without-keys",
      );
    await this.#removeLeftOvers(former);
    for (const path of [this.#folder.incoming, this.#folder.layout.blobs, this.#snapshot])
      await mkdir(path, { recursive: true, mode: 0o700 });
    const content = await this.#copyDatabaseAndBlobs(former);
    try {
      await checkRows(content, ({ digest }) => this.#damaged.add(digest));
      const catalogue = await this.#complete(content);
      const removedBlobs = await this.#removeUnneeded(content);
      const { copiedBlobs, copiedBytes } = this.#progress;
      return { catalogue, copiedBlobs, copiedBytes, removedBlobs, damagedImages: this.#damagedImages(content) };
    } finally {
      content.close();
    }
  }

  /** What this run has not ended takes room; the blobs that it has copied are good for the next one. */
  async cleanUp(): Promise<void> {
    if (this.#folder.readCatalogue()?.id === this.#id) return;
    for (const path of [this.#snapshot, this.#folder.incoming])
      await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }

  async #removeLeftOvers(former: Catalogue | undefined): Promise<void> {
    await rm(this.#folder.incoming, { recursive: true, force: true });
    for (const name of namesIn(this.#folder.snapshots))
      if (name !== former?.id) await rm(this.#folder.snapshot(name), { recursive: true, force: true });
  }

  /**
   * A blob that the snapshot names and that has no file was deleted since, or is lost. A later snapshot tells: what it still names
   * is lost.
   */
  async #copyDatabaseAndBlobs(former: Catalogue | undefined): Promise<SnapshotContent> {
    let missingBefore = new Set<string>();
    for (let round = 1; ; round += 1) {
      const content = await this.#copyDatabase(former);
      try {
        await this.#plan(content);
        const missing = await this.#copyBlobs(content);
        const isSettled = [...missing.keys()].every((key) => missingBefore.has(key));
        if (isSettled || round === mostRounds) {
          for (const digest of missing.values()) this.#damaged.add(digest);
          return content;
        }
        missingBefore = new Set(missing.keys());
      } catch (error) {
        content.close();
        throw error;
      }
      content.close();
    }
  }

  async #copyDatabase(former: Catalogue | undefined): Promise<SnapshotContent> {
    const file = join(this.#snapshot, "dozo.db");
    await rm(file, { force: true });
    const source = join(this.#request.data, "dozo.db");
    await this.#assertRoomFor((await lstat(source)).size, "the database");
    await snapshotDatabase(source, file);
    const content = new SnapshotContent(file);
    if (former?.registry === undefined || former.registry === content.registry) return content;
    content.close();
    throw new ExplainedError(
      `the backup in ${this.#request.to} is of another registry`,
      "choose a folder of its own for this one",
    );
  }

  /** What is to be copied, and whether there is room for it. */
  async #plan(content: SnapshotContent): Promise<void> {
    let [blobs, bytes] = [0, 0];
    await inParallel(content.files(), width, async ({ key, sizeBytes }) => {
      if (await this.#isCopied(key, sizeBytes)) return;
      blobs += 1;
      bytes += sizeBytes;
    });
    await this.#assertRoomFor(bytes, "the blobs that it does not have yet");
    const { copiedBlobs, copiedBytes } = this.#progress;
    Object.assign(this.#progress, { blobs: copiedBlobs + blobs, bytes: copiedBytes + bytes });
    this.#request.onProgress(this.#progress);
  }

  /** Answers those that have no file: their digests, by their keys. */
  async #copyBlobs(content: SnapshotContent): Promise<ReadonlyMap<string, string>> {
    const missing = new Map<string, string>();
    await inParallel(content.files(), width, async (file) => {
      if (await this.#isCopied(file.key, file.sizeBytes)) return;
      const outcome = await this.#copyBlob(file);
      if (outcome === "missing") missing.set(file.key, file.digest);
      if (outcome === "damaged") this.#damaged.add(file.digest);
    });
    return missing;
  }

  async #copyBlob({ key, digest, sizeBytes }: SnapshotFile): Promise<"copied" | "missing" | "damaged"> {
    const incoming = join(this.#folder.incoming, basename(key));
    const onBytes = (count: number): void => {
      this.#progress.copiedBytes += count;
      this.#request.onProgress(this.#progress);
    };
    try {
      const options = { algorithm: algorithmOf(digest), mode: 0o400, onBytes };
      const facts = await copyFile(this.#source.blob(key), incoming, options);
      if (facts.sizeBytes !== sizeBytes || facts.hex !== hexOf(digest)) {
        await rm(incoming);
        return "damaged";
      }
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      return error.code === "ENOENT" ? "missing" : "damaged";
    }
    await place(incoming, this.#folder.layout.blob(key));
    this.#progress.copiedBlobs += 1;
    return "copied";
  }

  async #isCopied(key: string, sizeBytes: number): Promise<boolean> {
    const found = await lstat(this.#folder.layout.blob(key)).catch(() => undefined);
    return found?.isFile() === true && found.size === sizeBytes;
  }

  /** Writes what is not in the database, makes everything durable, and says that this is the backup. */
  async #complete(content: SnapshotContent): Promise<Catalogue> {
    const { data, passphrase, settings, programVersion, now } = this.#request;
    const hasRecord = lstatSync(join(data, "audit.db"), { throwIfNoEntry: false }) !== undefined;
    if (hasRecord) await snapshotDatabase(join(data, "audit.db"), join(this.#snapshot, "audit.db"));
    await writeFile(join(this.#snapshot, "settings.yaml"), settings);
    const kept = findKeptFiles(data);
    for (const path of kept.plain) {
      await mkdir(join(this.#snapshot, "data", path, ".."), { recursive: true, mode: 0o700 });
      await writeFile(join(this.#snapshot, "data", path), await readFile(join(data, path), "utf8"));
    }
    if (passphrase !== undefined) {
      const keys: Record<string, string> = {};
      for (const path of kept.keys) keys[path] = await readFile(join(data, path), "utf8");
      await writeFile(join(this.#snapshot, "keys.sealed"), sealKeys(keys, passphrase));
    }
    await this.#syncFolders();
    const files = [];
    for (const path of filesBelow(this.#snapshot)) {
      const { sizeBytes, hex } = await hashFile(join(this.#snapshot, path), "sha256");
      files.push({ path, sizeBytes, sha256: hex });
    }
    const { blobs, bytes: blobBytes } = content.totals();
    const catalogue: Catalogue = {
      format: 1,
      id: this.#id,
      registry: content.registry,
      startedAt: new Date(this.#startedAt).toISOString(),
      endedAt: new Date(now()).toISOString(),
      programVersion,
      files,
      blobs,
      blobBytes,
      keys: passphrase === undefined ? "left out" : "sealed",
      damaged: [...this.#damaged].toSorted(),
    };
    this.#folder.writeCatalogue(catalogue);
    return catalogue;
  }

  /** All of them: one that was killed may have left names that nothing has made durable. */
  async #syncFolders(): Promise<void> {
    const { location, snapshots, layout } = this.#folder;
    for (const folder of [this.#snapshot, layout.blobs])
      for (const path of [...foldersBelow(folder), folder]) await syncFolder(path);
    for (const path of [snapshots, location]) await syncFolder(path);
  }

  async #removeUnneeded(content: SnapshotContent): Promise<number> {
    let removed = 0;
    const { layout, snapshots, incoming } = this.#folder;
    for (const key of filesBelow(layout.blobs)) {
      if (!isKey(key) || content.hasFile(key)) continue;
      await rm(layout.blob(key));
      removed += 1;
    }
    for (const name of namesIn(snapshots))
      if (name !== this.#id) await rm(join(snapshots, name), { recursive: true, force: true });
    await rm(incoming, { recursive: true, force: true });
    return removed;
  }

  #damagedImages(content: SnapshotContent): readonly string[] {
    const images = [...this.#damaged].flatMap((digest) =>
      content.imagesWith(digest as SnapshotFile["digest"], mostImages),
    );
    return [...new Set(images)].slice(0, mostImages);
  }

  async #assertRoomFor(bytes: number, what: string): Promise<void> {
    const { bavail, bsize } = await statfs(this.#folder.location);
    if (bytes <= bavail * bsize) return;
    throw noRoom(this.#request.to, `: ${what} needs ${bytes} bytes, and ${bavail * bsize} are free`);
  }
}

function noRoom(to: string, more: string): ExplainedError {
  return new ExplainedError(
    `there is no room in ${to}${more}`,
    "the former backup is whole; make room and run dozo backup again, which goes on where this one was",
  );
}

function explain(error: unknown, to: string): unknown {
  if (error instanceof ExplainedError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT" || message.includes("disk is full")) return noRoom(to, "");
  if (code === "EACCES" || code === "EPERM" || code === "EROFS" || code === "ENOTDIR")
    return new ExplainedError(
      `this user may not write in ${to} (${code})`,
      `dozo backup works as the owner of the data folder: chown that folder to it`,
      error,
    );
  return error;
}
