import type { Machine } from "./machine.ts";

/** What is in some folders of a machine: each path with all that makes it what it is. */
export type Tree = ReadonlyMap<string, string>;

/**
 * Reads whole folders with all that is in them: kind, mode, owner, content, target of links, and for files the time of their last
 * change. A folder that is not there has no entries.
 */
export async function readTree(machine: Machine, folders: readonly string[]): Promise<Tree> {
  const there = `for folder in ${folders.join(" ")}; do [ ! -e "$folder" ] || echo "$folder"; done`;
  const kinds =
    "-type f -printf '%p\\t%y %m %U:%G %T@\\n' -o -type l -printf '%p\\t%y %U:%G %l\\n' -o -printf '%p\\t%y %m %U:%G\\n'";
  const list = await machine.mustRun(`find $(${there}) ${kinds}`);
  const sums = await machine.mustRun(`find $(${there}) -type f -exec sha256sum {} +`);
  const contents = new Map(lines(sums).map((line) => [line.slice(66), line.slice(0, 64)]));
  const entries = lines(list).map((line): [string, string] => {
    const [path = "", facts = ""] = line.split("\t");
    return [path, `${facts} ${contents.get(path) ?? ""}`.trimEnd()];
  });
  return new Map(entries);
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** Every path that came, went or is not what it was, as `+path`, `-path` or `path: before -> after`. */
export function differences(before: Tree, after: Tree): string[] {
  const came = [...after.keys()].filter((path) => !before.has(path)).map((path) => `+${path}`);
  const other = [...before].flatMap(([path, facts]) => {
    const now = after.get(path);
    if (now === undefined) return [`-${path}`];
    return now === facts ? [] : [`${path}: ${facts} -> ${now}`];
  });
  return [...came, ...other].toSorted();
}
