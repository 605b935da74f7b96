// A thread that computes slow password hashes, one at a time.
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

// At the priority of the whole process. A lower one is inherited by what the runtime starts from here and all threads share (its
// compilers, its collector's helpers), for which the serving thread then waits; and on a busy machine a login takes seconds.
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
