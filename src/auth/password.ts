import { isPossiblePassword, passwordRule } from "../core/password-rule.ts";

// OWASP's floor for argon2id: 19 MiB, two passes; about 50 ms.
const parameters = { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 } as const;

/** argon2id in PHC string form, off the calling thread. Throws a `RangeError` for what cannot be a password. */
export async function hashPassword(password: string): Promise<string> {
  if (!isPossiblePassword(password)) throw new RangeError(passwordRule);
  return Bun.password.hash(password, parameters);
}

/** Compares with an argon2id hash in PHC string form, off the calling thread. False for what cannot be a password. */
export async function verifyPassword(password: string, passwordHash: string): Promise<boolean> {
  return isPossiblePassword(password) && Bun.password.verify(password, passwordHash);
}
