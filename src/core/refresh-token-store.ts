/** A refresh token, as it is kept: not itself, but its SHA-256. */
export interface RefreshTokenRecord {
  /** SHA-256 in hexadecimal digits, lower case. */
  readonly hash: string;
  /** Who has it and by what, in a form that is the token service's own. */
  readonly holder: string;
  /** What all tokens have in common that one credential got. */
  readonly credential: string;
  readonly usedAt: number;
}

/** The refresh tokens. Reading answers the state after every acknowledged change. */
export interface RefreshTokenStore {
  findRefreshToken(hash: string): Promise<RefreshTokenRecord | undefined>;
  /** Of more than `most` tokens of one credential the one goes that was used longest ago. */
  addRefreshToken(token: RefreshTokenRecord, most: number): Promise<void>;
  /** Nothing where there is none of this hash. */
  noteRefreshTokenUse(hash: string, at: number): Promise<void>;
  removeRefreshToken(hash: string): Promise<void>;
  /** Removes those that were not used since; answers how many. */
  removeRefreshTokensIdleSince(at: number): Promise<number>;
}
