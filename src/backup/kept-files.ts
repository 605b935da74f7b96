import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** What of a data folder is kept besides databases and blobs, by path in it. */
export interface KeptFiles {
  readonly plain: readonly string[];
  /** Private keys: kept sealed, or not at all. */
  readonly keys: readonly string[];
}

const folders = ["pki", "acme", "tokens"];

/** Looks what there is; what a process was in the middle of writing is left out. */
export function findKeptFiles(data: string): KeptFiles {
  const inFolders = folders.flatMap((folder) => filesIn(data, folder));
  return {
    plain: [...filesIn(data, ".").filter((path) => path === "port"), ...inFolders.filter((path) => !isKey(path))],
    keys: inFolders.filter(isKey),
  };
}

/** Without the keys, certificates are of no use to anybody: only these are put back. */
export function isUsefulAlone(path: string): boolean {
  return path === "port" || path === "pki/names";
}

function isKey(path: string): boolean {
  return path.endsWith(".key");
}

function filesIn(data: string, folder: string): readonly string[] {
  const location = join(data, folder);
  if (lstatSync(location, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  return readdirSync(location, { withFileTypes: true })
    .filter((entry) => entry.isFile() && /^[\w-][\w.-]*$/.test(entry.name))
    .map((entry) => (folder === "." ? entry.name : `${folder}/${entry.name}`));
}
