import { beforeEach, expect, test } from "bun:test";
import type { RefreshTokenRecord, RefreshTokenStore } from "./refresh-token-store.ts";

function made(digit: string, usedAt: number, credential = "alice"): RefreshTokenRecord {
  return { hash: digit.repeat(64), holder: `{"name":"${credential}"}`, credential, usedAt };
}

/** What every store of refresh tokens promises. `make` answers an empty one; who makes it also ends it. */
export function describeRefreshTokenStore(make: () => Promise<RefreshTokenStore>): void {
  let store: RefreshTokenStore;

  beforeEach(async () => {
    store = await make();
  });

  async function kept(...digits: readonly string[]): Promise<string> {
    const found = await Promise.all(digits.map((digit) => store.findRefreshToken(digit.repeat(64))));
    return digits.filter((_, index) => found[index] !== undefined).join("");
  }

  test("a refresh token is found by its hash until it is removed", async () => {
    await store.addRefreshToken(made("a", 1), 10);
    await store.addRefreshToken(made("b", 1), 10);

    expect(await store.findRefreshToken("a".repeat(64))).toEqual(made("a", 1));
    expect(await store.findRefreshToken("a")).toBeUndefined();
    await store.removeRefreshToken("a".repeat(64));
    await store.removeRefreshToken("f".repeat(64));

    expect(await kept("a", "b")).toBe("b");
  });

  test("of too many refresh tokens of one credential those go that were used longest ago", async () => {
    for (const [digit, usedAt] of [
      ["a", 3],
      ["b", 1],
      ["c", 2],
    ] as const)
      await store.addRefreshToken(made(digit, usedAt), 3);
    await store.addRefreshToken(made("d", 0, "bob"), 3);
    await store.noteRefreshTokenUse("b".repeat(64), 9);

    await store.addRefreshToken(made("e", 10), 3);

    expect(await kept("a", "b", "c", "d", "e")).toBe("abde");
    await store.addRefreshToken(made("f", 11), 1);
    expect(await kept("a", "b", "c", "d", "e", "f")).toBe("df");
  });

  test("refresh tokens that nobody uses are removed, and counted", async () => {
    for (const [digit, usedAt] of [
      ["a", 1],
      ["b", 2],
      ["c", 3],
    ] as const)
      await store.addRefreshToken(made(digit, usedAt), 10);
    await store.noteRefreshTokenUse("a".repeat(64), 4);
    await store.noteRefreshTokenUse("f".repeat(64), 4);

    expect(await store.removeRefreshTokensIdleSince(3)).toBe(1);

    expect(await kept("a", "b", "c", "f")).toBe("ac");
  });
}
