/** A longer one is refused, at creation and at login, so that nobody can make the hash expensive by length. */
const maxPasswordBytes = 1024;

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
