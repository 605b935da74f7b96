// A thread that computes slow password hashes, one at a time.
import { getPriority, setPriority } from "node:os";
import { parentPort } from "node:worker_threads";

import { matchesHash, type StoredHash } from "./stored-hash.ts";

/** A question to this thread, which is asked the next when it has answered. */
export interface HashQuestion {
  readonly password: string;
  readonly hash: StoredHash;
}

/** `matches` is undefined where the hash could not be computed. */
export interface HashAnswer {
  readonly matches: boolean | undefined;
}

/** Where both want the same core, the serving thread gets nine tenths of it. */
const stepsBelow = 10;

// A thread of its own is not enough: on a machine whose cores are all busy it would take the serving thread's turn. Linux
// alone has a priority for each thread; elsewhere this would slow down the whole process.
if (process.platform === "linux") setPriority(Math.min(19, getPriority() + stepsBelow));

parentPort?.on("message", ({ password, hash }: HashQuestion) => {
  parentPort?.postMessage({ matches: compute(password, hash) } satisfies HashAnswer, []);
});

function compute(password: string, hash: StoredHash): boolean | undefined {
  try {
    return matchesHash(password, hash);
  } catch {
    return undefined;
  }
}
