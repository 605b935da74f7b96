import { readFileSync } from "node:fs";
import { join } from "node:path";
import { algorithmOf, type Digest, hexOf } from "../core/digest.ts";
import { SnapshotContent } from "../storage/sqlite/snapshot-content.ts";
import { BackupFolder, type Catalogue } from "./catalogue.ts";
import { checkRows } from "./check-rows.ts";
import { inParallel } from "./in-parallel.ts";
import { unsealKeys, UnsealingError } from "./sealed-keys.ts";
import { hashFile, SourceError } from "./synced-file.ts";

/** Something of a backup that is not what it was when it was written. */
export interface BackupDamage {
  /** A file of the backup, or the digest of what stands in its database. */
  readonly what: string;
  readonly reason: string;
  /** Images that need it. */
  readonly images: readonly string[];
}

export interface VerifyRequest {
  readonly from: string;
  /** Undefined: whether the keys can be opened is not looked at. */
  readonly passphrase: string | undefined;
  readonly onProgress: (progress: VerifyProgress) => void;
}

interface VerifyProgress {
  readonly readBytes: number;
  readonly bytes: number;
}

/** What was found in a backup. */
export interface VerifyReport {
  readonly catalogue: Catalogue;
  readonly damages: readonly BackupDamage[];
}

const width = 4;
const mostImages = 5;

/** Reads all of a backup and compares every digest. Throws `ExplainedError` where there is none, or none that can be read. */
export async function verifyBackup({ from, passphrase, onProgress }: VerifyRequest): Promise<VerifyReport> {
  const folder = new BackupFolder(from);
  const catalogue = folder.requireCatalogue();
  const damages: BackupDamage[] = [];
  const bytes = catalogue.blobBytes + catalogue.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let readBytes = 0;
  const onBytes = (count: number): void => {
    readBytes += count;
    onProgress({ readBytes, bytes });
  };
  damages.push(...(await damagedFiles(folder, catalogue, onBytes)));
  if (passphrase !== undefined && catalogue.keys === "sealed")
    damages.push(...lockedKeys(folder.file(catalogue, "keys.sealed"), passphrase));
  if (damages.some(({ what }) => what === "dozo.db")) return { catalogue, damages };
  const content = new SnapshotContent(folder.file(catalogue, "dozo.db"));
  try {
    const damaged = (what: string, digest: Digest, reason: string): void => {
      damages.push({ what, reason, images: content.imagesWith(digest, mostImages) });
    };
    if (!content.isSound) damages.push({ what: "dozo.db", reason: "its pages do not fit together", images: [] });
    await checkRows(content, ({ kind, digest }) => damaged(digest, digest, `the ${kind} has other bytes`));
    await inParallel(content.files(), width, async ({ key, digest, sizeBytes }) => {
      const reason = await faultOf(folder.layout.blob(key), digest, sizeBytes, onBytes);
      if (reason !== undefined) damaged(join("blobs", key), digest, reason);
    });
  } finally {
    content.close();
  }
  return { catalogue, damages };
}

async function damagedFiles(
  folder: BackupFolder,
  catalogue: Catalogue,
  onBytes: (count: number) => void,
): Promise<readonly BackupDamage[]> {
  const damages: BackupDamage[] = [];
  for (const { path, sizeBytes, sha256 } of catalogue.files) {
    const reason = await faultOf(folder.file(catalogue, path), `sha256:${sha256}` as Digest, sizeBytes, onBytes);
    if (reason !== undefined) damages.push({ what: path, reason, images: [] });
  }
  return damages;
}

function lockedKeys(file: string, passphrase: string): readonly BackupDamage[] {
  try {
    unsealKeys(readFileSync(file, "utf8"), passphrase);
    return [];
  } catch (error) {
    if (!(error instanceof UnsealingError)) throw error;
    return [{ what: "keys.sealed", reason: error.message, images: [] }];
  }
}

/** Undefined where the file is what it should be. */
async function faultOf(
  path: string,
  digest: Digest,
  sizeBytes: number,
  onBytes: (count: number) => void,
): Promise<string | undefined> {
  try {
    const facts = await hashFile(path, algorithmOf(digest), onBytes);
    if (facts.sizeBytes !== sizeBytes) return `it has ${facts.sizeBytes} bytes instead of ${sizeBytes}`;
    return facts.hex === hexOf(digest) ? undefined : "it has other bytes";
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return error.code === "ENOENT" ? "it is missing" : `it cannot be read (${error.code ?? error.message})`;
  }
}
