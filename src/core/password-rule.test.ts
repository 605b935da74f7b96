import { expect, test } from "bun:test";
import { isAcceptablePassword, isPossiblePassword } from "./password-rule.ts";

test.each([
  ["", false, false],
  ["a", true, true],
  ["a".repeat(1024), true, true],
  ["a".repeat(1025), false, false],
  ["é".repeat(512), true, true],
  ["é".repeat(513), false, false],
  ["a\0b", false, false],
  ["a\nb", true, false],
  ["a\u0085b", true, false],
  ["pass word: ü", true, true],
])("%p can be a password: %p, and can become one: %p", (password, isPossible, isAcceptable) => {
  expect(isPossiblePassword(password)).toBe(isPossible);
  expect(isAcceptablePassword(password)).toBe(isAcceptable);
});
