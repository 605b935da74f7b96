// The thread that computes the hashes of htpasswd files that the runtime has no threads of its own for: in JavaScript they
// take milliseconds, in which nobody else would be served.
import { parentPort } from "node:worker_threads";

import { type ComputedHash, matchesHash } from "./htpasswd-hash.ts";

/** A question to this thread; the answer has the same number. */
export interface HashQuestion {
  readonly number: number;
  readonly password: string;
  readonly hash: ComputedHash;
}

export interface HashAnswer {
  readonly number: number;
  readonly matches: boolean;
}

parentPort?.on("message", ({ number, password, hash }: HashQuestion) => {
  const answer: HashAnswer = { number, matches: matchesHash(password, hash) };
  parentPort?.postMessage(answer, []);
});
