import { createHash, timingSafeEqual } from "node:crypto";

import apacheMd5 from "apache-md5";

import type { HtpasswdHash } from "./htpasswd-entries.ts";
import { shaCrypt } from "./sha-crypt.ts";

// The package's types speak of a default export; what it exports is the function itself.
const apr1 = apacheMd5 as unknown as (password: string, salt: string) => string;

/** What a password is compared with. */
export type StoredHash = HtpasswdHash | { readonly scheme: "argon2id"; readonly text: string };

/**
 * Whether the password is the one of the hash; takes the calling thread for milliseconds, up to a second with a high cost. Throws
 * for a hash that is malformed.
 */
export function matchesHash(password: string, hash: StoredHash): boolean {
  switch (hash.scheme) {
    case "argon2id":
      return Bun.password.verifySync(password, hash.text, "argon2id");
    case "bcrypt":
      return Bun.password.verifySync(cutForBcrypt(password), hash.text, "bcrypt");
    case "sha1":
      return isSame(`{SHA}${createHash("sha1").update(password).digest("base64")}`, hash.text);
    case "apr1":
      // The library takes a character for a byte.
      return isSame(apr1(Buffer.from(password).toString("latin1"), `$apr1$${hash.salt}$`), hash.text);
    case "sha256":
    case "sha512":
      return isSame(shaCrypt(Buffer.from(password), { ...hash, algorithm: hash.scheme }), hash.encoded);
  }
}

/** bcrypt knows 72 bytes and no more. Apache, and so htpasswd, cuts there; the runtime would hash a longer one first. */
function cutForBcrypt(password: string): Uint8Array {
  return Buffer.from(password).subarray(0, 72);
}

/** In a time that does not tell where they differ. */
function isSame(computed: string, stored: string): boolean {
  return timingSafeEqual(sha256(computed), sha256(stored));
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
