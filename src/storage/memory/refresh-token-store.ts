import type { RefreshTokenRecord, RefreshTokenStore } from "../../core/refresh-token-store.ts";

/** The refresh tokens in a map, for tests. */
export class MemoryRefreshTokenStore implements RefreshTokenStore {
  readonly #byHash = new Map<string, RefreshTokenRecord>();

  async findRefreshToken(hash: string): Promise<RefreshTokenRecord | undefined> {
    return this.#byHash.get(hash);
  }

  async addRefreshToken(token: RefreshTokenRecord, most: number): Promise<void> {
    this.#byHash.set(token.hash, token);
    const siblings = [...this.#byHash.values()].filter(({ credential }) => credential === token.credential);
    const newestFirst = siblings.toSorted((one, other) => other.usedAt - one.usedAt);
    for (const { hash } of newestFirst.slice(most)) this.#byHash.delete(hash);
  }

  async noteRefreshTokenUse(hash: string, at: number): Promise<void> {
    const token = this.#byHash.get(hash);
    if (token !== undefined) this.#byHash.set(hash, { ...token, usedAt: at });
  }

  async removeRefreshToken(hash: string): Promise<void> {
    this.#byHash.delete(hash);
  }

  async removeRefreshTokensIdleSince(at: number): Promise<number> {
    const idle = [...this.#byHash.values()].filter(({ usedAt }) => usedAt < at);
    for (const { hash } of idle) this.#byHash.delete(hash);
    return idle.length;
  }
}
