import { lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { algorithmOf, type Digest, hexOf } from "../core/digest.ts";
import { prepareDataFolder } from "../process/data-folder.ts";
import { ExplainedError } from "../process/explained-error.ts";
import { lockFolder, takeLock } from "../process/folder-lock.ts";
import { markRestore, unmarkRestore } from "../process/restore-mark.ts";
import { Layout } from "../storage/filesystem/layout.ts";
import { forgetUploads, SnapshotContent, type SnapshotFile } from "../storage/sqlite/snapshot-content.ts";
import { BackupFolder, type Catalogue } from "./catalogue.ts";
import { checkRows } from "./check-rows.ts";
import { inParallel } from "./in-parallel.ts";
import { isUsefulAlone } from "./kept-files.ts";
import { unsealKeys, UnsealingError } from "./sealed-keys.ts";
import { copyFile, place, SourceError, syncFolder, writeFile } from "./synced-file.ts";
import { foldersBelow } from "./tree.ts";

export interface RestoreRequest {
  readonly from: string;
  /** The data folder; it has to be empty, or not to be there. */
  readonly data: string;
  /** Opens the keys. Undefined: they are left out. */
  readonly passphrase: string | undefined;
  /** Leave out what is damaged in the backup, instead of ending there. */
  readonly isDamageAccepted: boolean;
  readonly onProgress: (progress: { readonly readBytes: number; readonly bytes: number }) => void;
}

/** What was restored. */
export interface RestoreReport {
  readonly catalogue: Catalogue;
  readonly hasKeys: boolean;
  /** Digests of what could not be restored, in the backup or before. */
  readonly lost: readonly string[];
  readonly lostImages: readonly string[];
}

const width = 4;
const mostImages = 20;

/**
 * Makes a data folder of a backup, with every digest compared on the way; starts nothing. One that is broken off leaves a folder
 * that no server takes. Throws `ExplainedError`.
 */
export async function restoreBackup(request: RestoreRequest): Promise<RestoreReport> {
  const folder = new BackupFolder(request.from);
  const catalogue = folder.requireCatalogue();
  // Before anything is written: a passphrase is mistyped easily.
  const keys = readKeys(folder, catalogue, request.passphrase);
  assertEmpty(request.data);
  prepareDataFolder(request.data);
  const releaseBackup = lockBackup(folder);
  const release = lockFolder(request.data);
  try {
    markRestore(request.data);
    const report = await new RestoreRun(request, folder, catalogue, keys).run();
    unmarkRestore(request.data);
    return report;
  } catch (error) {
    throw explain(error, request.data);
  } finally {
    release();
    releaseBackup();
  }
}

function readKeys(
  folder: BackupFolder,
  catalogue: Catalogue,
  passphrase: string | undefined,
): Readonly<Record<string, string>> | undefined {
  if (passphrase === undefined || catalogue.keys === "left out") return undefined;
  try {
    return unsealKeys(readFileSync(folder.file(catalogue, "keys.sealed"), "utf8"), passphrase);
  } catch (error) {
    if (!(error instanceof UnsealingError)) throw error;
    throw new ExplainedError(
      error.message,
      "name the file with the passphrase of then: --keys-passphrase-file FILE",
      error,
    );
  }
}

function assertEmpty(data: string): void {
  if (lstatSync(data, { throwIfNoEntry: false }) === undefined) return;
  const names = readdirSync(data).filter((name) => name !== "lost+found");
  if (names.length === 0) return;
  throw new ExplainedError(
    `${data} is not empty`,
    "choose an empty folder: --data DIR; a restore never overwrites anything",
  );
}

/** A backup on a medium that cannot be written to needs no lock. */
function lockBackup(folder: BackupFolder): () => void {
  let release: (() => void) | undefined;
  try {
    release = takeLock(folder.lock);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EROFS" || code === "EACCES" || code === "EPERM") return () => undefined;
    throw error;
  }
  if (release === undefined)
    throw new ExplainedError(`dozo backup works on ${folder.location}`, "wait until it has ended");
  return release;
}

class RestoreRun {
  readonly #request: RestoreRequest;
  readonly #folder: BackupFolder;
  readonly #catalogue: Catalogue;
  readonly #keys: Readonly<Record<string, string>> | undefined;
  readonly #target: Layout;
  readonly #lost = new Set<string>();
  readonly #bytes: number;
  #readBytes = 0;

  constructor(
    request: RestoreRequest,
    folder: BackupFolder,
    catalogue: Catalogue,
    keys: Readonly<Record<string, string>> | undefined,
  ) {
    this.#request = request;
    this.#folder = folder;
    this.#catalogue = catalogue;
    this.#keys = keys;
    this.#target = new Layout(request.data);
    this.#bytes = catalogue.blobBytes + catalogue.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  async run(): Promise<RestoreReport> {
    const { data } = this.#request;
    this.#target.prepare();
    await this.#restoreFiles();
    const content = new SnapshotContent(this.#folder.file(this.#catalogue, "dozo.db"));
    try {
      await checkRows(content, ({ digest }) => this.#lose(digest, `${digest} in dozo.db`));
      await inParallel(content.files(), width, (file) => this.#restoreBlob(file));
      for (const path of foldersBelow(data)) await syncFolder(path);
      forgetUploads(join(data, "dozo.db"));
      await syncFolder(data);
      return {
        catalogue: this.#catalogue,
        hasKeys: this.#keys !== undefined,
        lost: [...this.#lost].toSorted(),
        lostImages: this.#lostImages(content),
      };
    } finally {
      content.close();
    }
  }

  async #restoreFiles(): Promise<void> {
    for (const { path, sizeBytes, sha256 } of this.#catalogue.files) {
      const to = this.#placeOf(path);
      if (to === undefined) continue;
      await mkdir(dirname(to), { recursive: true, mode: 0o700 });
      const options = { algorithm: "sha256", mode: 0o600, onBytes: (count: number) => this.#onBytes(count) } as const;
      const facts = await copyFile(this.#folder.file(this.#catalogue, path), to, options);
      if (facts.sizeBytes !== sizeBytes || facts.hex !== sha256)
        throw new ExplainedError(
          `${path} of the backup is damaged, and without it there is nothing to restore`,
          "use another copy of the backup",
        );
    }
    for (const [path, text] of Object.entries(this.#keys ?? {})) {
      const to = join(this.#request.data, ...path.split("/"));
      await mkdir(dirname(to), { recursive: true, mode: 0o700 });
      await writeFile(to, text);
    }
  }

  /** Undefined for what is not put back. */
  #placeOf(path: string): string | undefined {
    const { data } = this.#request;
    if (!path.startsWith("data/")) return path === "keys.sealed" ? undefined : join(data, path);
    const inData = path.slice("data/".length);
    return this.#keys !== undefined || isUsefulAlone(inData) ? join(data, inData) : undefined;
  }

  async #restoreBlob({ key, digest, sizeBytes }: SnapshotFile): Promise<void> {
    const to = this.#target.blob(key);
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    const from = this.#folder.layout.blob(key);
    const incoming = `${to}.restored`;
    try {
      const options = { algorithm: algorithmOf(digest), mode: 0o400, onBytes: (count: number) => this.#onBytes(count) };
      const facts = await copyFile(from, incoming, options);
      if (facts.sizeBytes === sizeBytes && facts.hex === hexOf(digest)) return await place(incoming, to);
      rmSync(incoming);
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
    }
    this.#lose(digest, join("blobs", key));
  }

  /** What the registry itself had lost before is no reason to end. */
  #lose(digest: Digest, what: string): void {
    this.#lost.add(digest);
    if (this.#request.isDamageAccepted || this.#catalogue.damaged.includes(digest)) return;
    throw new ExplainedError(
      `${what} of the backup is damaged`,
      `dozo backup verify ${this.#request.from} says what else is; --accept-damage restores what is whole`,
    );
  }

  #lostImages(content: SnapshotContent): readonly string[] {
    const images = [...this.#lost].flatMap((digest) => content.imagesWith(digest as Digest, mostImages));
    return [...new Set(images)].slice(0, mostImages);
  }

  #onBytes(count: number): void {
    this.#readBytes += count;
    this.#request.onProgress({ readBytes: this.#readBytes, bytes: this.#bytes });
  }
}

function explain(error: unknown, data: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT")
    return new ExplainedError(`there is no room in ${data}`, `remove ${data}, make room, and restore again`, error);
  if (error instanceof SourceError)
    return new ExplainedError(
      `the backup cannot be read: ${error.message} (${error.code ?? "damaged"})`,
      undefined,
      error,
    );
  return error;
}
