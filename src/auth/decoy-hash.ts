import { randomBytes } from "node:crypto";

import { hashPassword } from "./password.ts";
import type { StoredHash } from "./stored-hash.ts";

/** A hash that nobody's password has, and how long such a one takes. */
export interface DecoyHash {
  readonly hash: StoredHash;
  readonly tookMs: number;
}

/**
 * Makes a decoy of the costliest scheme among these and dozo's own: what is computed for a user who does not exist. The costs are
 * relative, as measured: they only have to be in the right order.
 */
export async function makeDecoyHash(hashes: Iterable<StoredHash>): Promise<DecoyHash> {
  let costliest: StoredHash = { scheme: "argon2id", text: "" };
  for (const hash of hashes) if (costOf(hash) > costOf(costliest)) costliest = hash;
  const startedAt = performance.now();
  const hash = await decoyLike(costliest);
  return { hash, tookMs: performance.now() - startedAt };
}

async function decoyLike(hash: StoredHash): Promise<StoredHash> {
  const secret = randomBytes(24).toString("base64");
  if (hash.scheme === "bcrypt")
    return { ...hash, text: await Bun.password.hash(secret, { algorithm: "bcrypt", cost: hash.cost }) };
  // Of a user's own hash, with a result that no password has: a digest whose last character stands for bits it cannot have.
  if (hash.scheme === "sha256" || hash.scheme === "sha512") return { ...hash, encoded: "decoy" };
  return { scheme: "argon2id", text: await hashPassword(secret) };
}

/** Milliseconds on a machine of 2026. */
function costOf(hash: StoredHash): number {
  switch (hash.scheme) {
    case "argon2id":
      return 50;
    case "bcrypt":
      return 0.08 * 2 ** hash.cost;
    case "sha256":
    case "sha512":
      return hash.rounds * 0.002;
    case "apr1":
      return 3;
    case "sha1":
      return 0;
  }
}
