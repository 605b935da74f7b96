import { createHash } from "node:crypto";

/** Which password a stored hash is of: another for another hash, and of no use to who wants to know either. */
export function passwordVersion(storedHash: string): string {
  return createHash("sha256").update(storedHash).digest("base64url");
}
