import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A block of commands of a page of docs/how-to, in the order of the page. */
export interface Block {
  /** Which machine it is for: the second word behind the fence. */
  readonly where: string;
  /** Its last command is one that is meant to be refused: the third word. */
  readonly isRefused: boolean;
  readonly commands: readonly string[];
}

/** The settings that a page tells people to write: its first block of YAML. */
export function settingsOf(page: string): string {
  return /^```yaml\n([^`]*)^```$/m.exec(textOf(page))?.[1] ?? "";
}

/** The commands that a page tells people to run: its fenced blocks that say `sh` and a machine. */
export function blocksOf(page: string): readonly Block[] {
  return [...textOf(page).matchAll(/^```sh ([a-z]+)( refused)?\n([^`]*)^```$/gm)].map(
    ([, where = "", refused, lines = ""]) => ({
      where,
      isRefused: refused !== undefined,
      commands: lines.split("\n").filter((line) => line !== ""),
    }),
  );
}

function textOf(page: string): string {
  return readFileSync(join(import.meta.dir, "../../docs/how-to", page), "utf8");
}
