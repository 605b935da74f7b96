import { describe, expect, test } from "bun:test";

import type { Ulid } from "../core/ulid.ts";
import { type VerifiedCredential, VerifiedCredentials } from "./verified-credentials.ts";

const alice: VerifiedCredential = {
  name: "alice",
  principal: { id: "01ARZ3NDEKTSV4RRFFQ69G5FAV" as Ulid, name: "alice", isAdmin: false, kind: "user", source: "dozo" },
  credential: { kind: "password" },
  changes: 0,
  htpasswdHash: undefined,
};

describe("AUTH-10: what is remembered of a verified password", () => {
  test("lasts a minute, and no longer by being used", () => {
    const verified = new VerifiedCredentials();
    const key = verified.keyOf({ name: "alice", password: "secret" });
    verified.remember(key, alice, 1000);

    expect(verified.recall(key, 31_000)).toMatchObject(alice);
    expect(verified.recall(key, 60_999)).toMatchObject(alice);
    expect(verified.recall(key, 61_000)).toBeUndefined();
    expect(verified.recall(key, 1000)).toBeUndefined();
  });

  test("does not last longer when the clock is set back", () => {
    const verified = new VerifiedCredentials();
    verified.remember("key", alice, 1_000_000);

    expect(verified.recall("key", 900_000)).toBeUndefined();
  });

  test("stands under a key that differs for every name, password and process", () => {
    const verified = new VerifiedCredentials();
    const pairs = [
      ["a", "b"],
      ["a", "c"],
      ["ab", ""],
      ["a\0b", ""],
      ["a", "\0b"],
      ["b", "a"],
      ["", "ab"],
    ] as const;

    const keys = [verified, new VerifiedCredentials()].flatMap((each) =>
      pairs.map(([name, password]) => each.keyOf({ name, password })),
    );

    expect(new Set(keys).size).toBe(2 * pairs.length);
    expect(verified.keyOf({ name: "a", password: "b" })).toBe(keys[0] ?? "");
  });

  test("is bounded: of 10,001 the oldest is gone", () => {
    const verified = new VerifiedCredentials();
    for (let index = 0; index <= 10_000; index++) verified.remember(`key ${index}`, alice, 0);

    expect(verified.recall("key 0", 1)).toBeUndefined();
    expect(verified.recall("key 1", 1)).toMatchObject(alice);
    expect(verified.recall("key 10000", 1)).toMatchObject(alice);
  });
});
