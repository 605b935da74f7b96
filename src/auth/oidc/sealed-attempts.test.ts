import { beforeEach, expect, test } from "bun:test";

import { SealedAttempts } from "./sealed-attempts.ts";

const attempt = { state: "canary-state", nonce: "n", codeVerifier: "v", next: "/keys", session: undefined };
let now: number;
const clock = { now: () => now };

beforeEach(() => {
  now = 1_000_000;
});

test("what was sealed is opened for ten minutes, and shows nothing of itself", () => {
  const attempts = new SealedAttempts(clock);
  const sealed = attempts.seal(attempt);

  expect(attempts.open(sealed)).toEqual(attempt);
  expect(Buffer.from(sealed, "base64url").toString("latin1")).not.toContain("canary");
  now += 10 * 60_000;
  expect(attempts.open(sealed)).toBeUndefined();
});

test("nothing is opened that another process sealed, that was changed, or that is not sealed at all", () => {
  const attempts = new SealedAttempts(clock);
  const sealed = attempts.seal(attempt);
  const bytes = Buffer.from(sealed, "base64url");

  expect(new SealedAttempts(clock).open(sealed)).toBeUndefined();
  for (let place = 0; place < bytes.length; place += 1) {
    const changed = Buffer.from(bytes);
    changed[place] = (changed[place] ?? 0) ^ 1;
    expect(attempts.open(changed.toString("base64url"))).toBeUndefined();
  }
  for (const text of ["", "x", "A".repeat(37), sealed.slice(0, -4), btoa(JSON.stringify(attempt))])
    expect(attempts.open(text)).toBeUndefined();
});
