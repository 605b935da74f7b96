import { describe, expect, test } from "bun:test";

import { hashPassword, verifyPassword } from "./password.ts";

describe("a password", () => {
  test("is kept as argon2id of 19 MiB and two passes, in PHC string form", async () => {
    expect(await hashPassword("secret")).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$");
  });

  test("is verified by its hash, all of its bytes", async () => {
    const long = "a".repeat(100);
    const hash = await hashPassword(long);

    expect(await verifyPassword(long, hash)).toBeTrue();
    expect(await verifyPassword(`${long.slice(0, 99)}b`, hash)).toBeFalse();
    expect(await verifyPassword("", hash)).toBeFalse();
  });

  test("that cannot be one is not hashed", async () => {
    expect(await hashPassword("").catch((error: unknown) => error)).toBeInstanceOf(RangeError);
  });
});
