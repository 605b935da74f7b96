import { expect } from "bun:test";
import type { Machine, Person } from "./machine.ts";
import { differences, readTree, type Tree } from "./tree.ts";

/** Everything on a machine that enrolment could write to: the system's settings, and each home. */
export async function readEverything(machine: Machine, people: readonly Person[]): Promise<Tree> {
  const homes = people.map(({ home }) => home);
  return readTree(machine, ["/etc", "/usr/local/share", "/var/lib/dozo-enroll", `${machine.folder}/home`, ...homes]);
}

// What the system's tools and the clients themselves write anew, as it was, with other times each time.
const isMade = (path: string): boolean => path.startsWith("/etc/ssl/certs/") || path.endsWith("/.docker/config.json");

/** Fails unless a machine is what it was, but for the times of what other programs write. */
export function expectSame(before: Tree, after: Tree): void {
  expect(differences(withoutTimes(before), withoutTimes(after))).toEqual([]);
}

function withoutTimes(tree: Tree): Tree {
  return new Map([...tree].map(([path, facts]) => [path, isMade(path) ? facts.replace(/ \d+\.\d{10} /, " ") : facts]));
}

/** The files that came or were changed; folders, and what other programs write, are left out. */
export function writtenFiles(before: Tree, after: Tree): string[] {
  return [...after]
    .filter(([path, facts]) => facts.startsWith("f ") && before.get(path) !== facts && !isMade(path))
    .map(([path]) => path);
}
