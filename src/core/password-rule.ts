/** A longer one is refused, at creation and at login, so that nobody can make the hash expensive by length. */
const maxPasswordBytes = 1024;

/** What a new password may be, for the person whose password was refused. */
export const passwordRule = `a password has 1 to ${maxPasswordBytes} bytes and no control characters`;

/**
 * Whether this can be anybody's password at a login: 1 to 1024 bytes, no NUL (bcrypt and crypt(3) would end there). Wider
 * than `isAcceptablePassword`, for the passwords of an htpasswd file were chosen elsewhere.
 */
export function isPossiblePassword(password: string): boolean {
  const sizeBytes = new TextEncoder().encode(password).length;
  return sizeBytes > 0 && sizeBytes <= maxPasswordBytes && !password.includes("\0");
}

/** Whether this may become a user's password: also without control characters, which RFC 7617 section 2 forbids. */
export function isAcceptablePassword(password: string): boolean {
  return isPossiblePassword(password) && !/\p{Cc}/u.test(password);
}
