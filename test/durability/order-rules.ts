import { dirname } from "node:path";
import { descriptorPath, quotedPaths, type SystemCall } from "./system-calls.ts";

/** A change that a client made: what it was, and whether its bytes went into a file of their own. */
export interface TracedChange {
  readonly what: string;
  readonly hasFile: boolean;
}

const writes = new Set(["write", "writev", "pwrite64", "pwritev", "pwritev2", "ftruncate"]);
const syncs = new Set(["fsync", "fdatasync"]);
const moves = new Set(["rename", "renameat", "renameat2", "link", "linkat"]);
const sends = new Set(["write", "writev", "sendto", "sendmsg"]);

/** The calls that put the first bytes of an answer on the wire (plain HTTP), in their order. */
export function answersOf(calls: readonly SystemCall[]): SystemCall[] {
  return calls.filter((call) => sends.has(call.name) && /"HTTP\/1\.1 [0-9]{3}/.test(call.args));
}

/**
 * What was acknowledged too early. `answer` is the acknowledgement, `previous` the answer before it: everything in between
 * belongs to this one change. The order that has to be seen: data synced, name given, folder synced, commit synced, answer.
 */
export function violations(
  change: TracedChange,
  calls: readonly SystemCall[],
  previous: SystemCall | undefined,
  answer: SystemCall,
): string[] {
  const window = calls.filter((call) => call.start > (previous?.start ?? -1) && call.end < answer.start);
  const placed = window.filter((call) => moves.has(call.name) && (quotedPaths(call).at(-1) ?? "").includes("/blobs/"));
  const commit = window.findLast((call) => writes.has(call.name) && (descriptorPath(call) ?? "").endsWith(".db-wal"));
  const found: string[] = [];
  if (commit === undefined) found.push("nothing was written to the database's log");
  else if (!isSynced(window, descriptorPath(commit), commit.end, answer.start))
    found.push("the database's log was not synced behind its last write");
  if (change.hasFile && placed.length === 0) found.push("no file was given its final name");
  for (const move of placed) found.push(...placeViolations(calls, move, commit?.start ?? answer.start));
  return found.map((fault) => `${change.what}: ${fault} before the answer`);
}

function placeViolations(calls: readonly SystemCall[], move: SystemCall, committedAt: number): string[] {
  const [source = "", target = ""] = quotedPaths(move);
  const found: string[] = [];
  const lastWrite = calls.findLast(
    (call) => writes.has(call.name) && descriptorPath(call) === source && call.start < committedAt,
  );
  if (lastWrite === undefined) found.push("no write to the file was seen");
  else if (!isSynced(calls, source, lastWrite.end, move.start)) found.push("the file's data was not synced and named");
  if (!isSynced(calls, dirname(target), move.end, committedAt)) found.push("the file's folder was not synced");
  for (const folder of calls.filter((call) => isFolderMadeAbove(call, target)))
    if (!isSynced(calls, dirname(quotedPaths(folder)[0] ?? ""), folder.end, committedAt))
      found.push("the folder of a new folder was not synced");
  return found;
}

function isFolderMadeAbove(call: SystemCall, path: string): boolean {
  return /^mkdir(?:at)?$/.test(call.name) && call.result === 0 && path.startsWith(`${quotedPaths(call)[0]}/`);
}

function isSynced(calls: readonly SystemCall[], path: string | undefined, after: number, before: number): boolean {
  return calls.some(
    (call) =>
      syncs.has(call.name) &&
      call.result === 0 &&
      descriptorPath(call) === path &&
      call.start > after &&
      call.end < before,
  );
}
