import { existsSync, rmSync } from "node:fs";
import { ExplainedError } from "./explained-error.ts";
import { replaceFile } from "./folder-check.ts";

function markFile(folder: string): string {
  return `${folder}/restore-unfinished`;
}

/** From now on nobody takes the folder for a registry. */
export function markRestore(folder: string): void {
  replaceFile(markFile(folder), "dozo restore writes here, or was ended while it did\n");
}

/** The registry in the folder is whole. */
export function unmarkRestore(folder: string): void {
  rmSync(markFile(folder));
}

/** Throws an `ExplainedError` for a folder in which a restore works, or was ended while it did. */
export function assertRestored(folder: string): void {
  if (!existsSync(markFile(folder))) return;
  throw new ExplainedError(
    `the restore into ${folder} has not ended: it is no whole registry`,
    `wait for it; where it was ended, remove the folder (rm -r ${folder}) and restore again`,
  );
}
