import { beforeEach, expect, test } from "bun:test";
import { UnlinkHolds } from "./unlink-holds.ts";

let now: number;
let holds: UnlinkHolds;

beforeEach(() => {
  now = 1_000_000;
  holds = new UnlinkHolds({ now: () => now });
});

test("files are kept as long as one hold is there, and no longer", () => {
  expect(holds.isHeld).toBe(false);
  holds.hold("first");
  holds.hold("second");
  holds.release("first");
  expect(holds.isHeld).toBe(true);
  holds.release("second");
  holds.release("second");
  expect(holds.isHeld).toBe(false);
});

test("a hold whose owner went away ends after a minute, one that is renewed does not", () => {
  holds.hold("gone");
  holds.hold("renewed");
  now += 59_999;
  holds.hold("renewed");
  now += 59_999;
  expect(holds.isHeld).toBe(true);
  now += 1;
  expect(holds.isHeld).toBe(false);
});

test("there are sixteen at most, and those that ended make room", () => {
  for (let index = 0; index < 16; index += 1) expect(holds.hold(`${index}`)).toBe(true);
  expect(holds.hold("one more")).toBe(false);
  expect(holds.hold("3")).toBe(true);
  now += 60_000;
  expect(holds.hold("one more")).toBe(true);
});
