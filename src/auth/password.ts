import { randomInt } from "node:crypto";

/** A longer one is refused, at creation and at login, so that nobody can make the hash expensive by length. */
export const maxPasswordBytes = 1024;

// OWASP's floor for argon2id: 19 MiB, two passes; about 50 ms.
const parameters = { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 } as const;

/** Whether this can be anybody's password: 1 to 1024 bytes, no NUL (bcrypt and crypt(3) would end there). */
export function isPossiblePassword(password: string): boolean {
  const sizeBytes = Buffer.byteLength(password);
  return sizeBytes > 0 && sizeBytes <= maxPasswordBytes && !password.includes("\0");
}

/** argon2id in PHC string form, off the calling thread. Throws a `RangeError` for what cannot be a password. */
export async function hashPassword(password: string): Promise<string> {
  if (!isPossiblePassword(password)) throw new RangeError(`a password has 1 to ${maxPasswordBytes} bytes and no NUL`);
  return Bun.password.hash(password, parameters);
}

/** Compares with an argon2id hash in PHC string form, off the calling thread. False for what cannot be a password. */
export async function verifyPassword(password: string, passwordHash: string): Promise<boolean> {
  return isPossiblePassword(password) && Bun.password.verify(password, passwordHash);
}

// Without what is mistaken for something else: 0 and o, 1, l and i.
const alphabet = "23456789abcdefghjkmnpqrstuvwxyz";

/** A new password of 99 random bits, to be read and typed: four groups of five letters and digits. */
export function generatePassword(): string {
  return Array.from({ length: 4 }, randomGroup).join("-");
}

function randomGroup(): string {
  return Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join("");
}
