import { readFileSync, rmSync } from "node:fs";
import { replaceFile } from "./folder-check.ts";

/** Notes the repository of a self-test before anything is in it, so that the next start finds what a killed one left. */
export function markSelfTest(folder: string, repository: string): void {
  replaceFile(markFile(folder), repository);
}

/** The repository of a self-test that did not come to its end; undefined where there is none. */
export function unfinishedSelfTest(folder: string): string | undefined {
  try {
    return readFileSync(markFile(folder), "utf8");
  } catch {
    return undefined;
  }
}

/** To be called once nothing of it is left. */
export function clearSelfTest(folder: string): void {
  rmSync(markFile(folder), { force: true });
}

function markFile(folder: string): string {
  return `${folder}/run/self-test`;
}
