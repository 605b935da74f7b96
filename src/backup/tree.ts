import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** What is in a folder; nothing where there is none. */
export function namesIn(folder: string): readonly string[] {
  return lstatSync(folder, { throwIfNoEntry: false }) === undefined ? [] : readdirSync(folder);
}

/** Every file below a folder, by its path in it. */
export function* filesBelow(folder: string, prefix = ""): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) yield* filesBelow(join(folder, entry.name), `${prefix}${entry.name}/`);
    else yield `${prefix}${entry.name}`;
  }
}

/** Every folder below one, the innermost first. */
export function* foldersBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    yield* foldersBelow(join(folder, entry.name));
    yield join(folder, entry.name);
  }
}
