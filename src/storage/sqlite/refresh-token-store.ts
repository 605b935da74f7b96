import type { RefreshTokenRecord, RefreshTokenStore } from "../../core/refresh-token-store.ts";
import type { changes, reads } from "./operations.ts";
import type { DatabaseThread } from "./thread.ts";

/** The refresh tokens over the two threads of the database. */
export class SqliteRefreshTokenStore implements RefreshTokenStore {
  readonly #reader: DatabaseThread<typeof reads>;
  readonly #writer: DatabaseThread<typeof changes>;

  constructor(reader: DatabaseThread<typeof reads>, writer: DatabaseThread<typeof changes>) {
    this.#reader = reader;
    this.#writer = writer;
  }

  findRefreshToken(hash: string): Promise<RefreshTokenRecord | undefined> {
    return this.#reader.call("findRefreshToken", hash);
  }

  addRefreshToken(token: RefreshTokenRecord, most: number): Promise<void> {
    return this.#writer.call("addRefreshToken", token, most);
  }

  noteRefreshTokenUse(hash: string, at: number): Promise<void> {
    return this.#writer.call("noteRefreshTokenUse", hash, at);
  }

  removeRefreshToken(hash: string): Promise<void> {
    return this.#writer.call("removeRefreshToken", hash);
  }

  removeRefreshTokensIdleSince(at: number): Promise<number> {
    return this.#writer.call("removeRefreshTokensIdleSince", at);
  }
}
