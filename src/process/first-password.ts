import { readFileSync, rmSync } from "node:fs";
import { replaceFile } from "./folder-check.ts";

/** Where the first user's password stands until somebody has seen it or logged in with it. */
export function firstPasswordFile(folder: string): string {
  return `${folder}/first-password`;
}

/** Keeps the password (0600, synced) before the user is made: whoever is killed in between finds it again. */
export function keepFirstPassword(folder: string, password: string): void {
  replaceFile(firstPasswordFile(folder), `${password}\n`);
}

/** The password that nobody has seen yet; undefined where there is none. */
export function findFirstPassword(folder: string): string | undefined {
  try {
    return readFileSync(firstPasswordFile(folder), "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** One that is not there is no error. */
export function removeFirstPassword(folder: string): void {
  rmSync(firstPasswordFile(folder), { force: true });
}
