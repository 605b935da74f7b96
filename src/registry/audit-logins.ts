/** A credential that was used so short a time ago is no new login. */
const windowMs = 5 * 60_000;
const mostCredentials = 10_000;

/** Tells which use of a credential counts as a login: the first in five minutes. */
export class AuditLogins {
  /** When each was counted last, the oldest first. */
  readonly #countedAt = new Map<string, number>();

  isFirst(credential: string, at: number): boolean {
    const countedAt = this.#countedAt.get(credential);
    // A clock that was set back must not silence it for longer.
    if (countedAt !== undefined && at - countedAt < windowMs && at >= countedAt) return false;
    this.#countedAt.delete(credential);
    this.#countedAt.set(credential, at);
    if (this.#countedAt.size > mostCredentials) this.#forgetOldest();
    return true;
  }

  #forgetOldest(): void {
    for (const credential of this.#countedAt.keys()) {
      this.#countedAt.delete(credential);
      return;
    }
  }
}
