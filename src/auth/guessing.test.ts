import { beforeEach, describe, expect, test } from "bun:test";

import { Guessing, type LoginOutcome } from "./guessing.ts";

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const here = "192.0.2.0/24";
const elsewhere = "198.51.100.0/24";

let now: number;
let guessing: Guessing;

beforeEach(() => {
  now = 0;
  guessing = make();
});

function make(maxCounters?: number): Guessing {
  return new Guessing({ now: () => now, ...(maxCounters === undefined ? {} : { maxCounters }) });
}

/** Zero where the password was looked at, else the seconds to wait. */
function attempt(name: string, network: string, outcome: LoginOutcome, key = `${name} ${now} ${outcome}`): number {
  const begun = guessing.begin({ name, network, key });
  if (begun.kind === "refused") return begun.retryAfterSeconds;
  begun.end(outcome);
  return 0;
}

function attempts(count: number, name: (index: number) => string, network: string): number[] {
  return Array.from({ length: count }, (_, index) => attempt(name(index), network, "wrong"));
}

function reasonFrom(network: string): string {
  const begun = guessing.begin({ name: "alice", network, key: "" });
  return begun.kind === "refused" ? begun.reason : "";
}

const alice = (): string => "alice";

describe("AUTH-09: wrong passwords for a name from a network", () => {
  test("are ten; the eleventh try is refused, whether it is right or not", () => {
    expect(attempts(10, alice, here)).toEqual(Array(10).fill(0));

    expect(attempt("alice", here, "wrong")).toBe(10);
    expect(attempt("alice", here, "right")).toBe(10);
  });

  test("do not touch the name in another network, nor another name in the network", () => {
    attempts(20, alice, here);

    expect(attempt("alice", elsewhere, "right")).toBe(0);
    expect(attempt("bob", here, "right")).toBe(0);
  });

  test("make the pause longer each time, up to a quarter of an hour, and never endless", () => {
    attempts(10, alice, here);
    const pauses: number[] = [];
    for (let count = 0; count < 2000; count += 1) {
      const pause = attempt("alice", here, "wrong");
      pauses.push(pause);
      now += pause * secondMs;
      attempt("alice", here, "wrong");
    }

    expect(pauses.slice(0, 8)).toEqual([10, 20, 40, 80, 160, 320, 640, 900]);
    expect(pauses.at(-1)).toBe(900);
  });

  test("are not made more by tries that were refused: the pause is not begun again", () => {
    attempts(10, alice, here);
    for (let second = 0; second < 10; second += 1) {
      expect(attempt("alice", here, "wrong")).toBe(10 - second);
      now += secondMs;
    }

    expect(attempt("alice", here, "right")).toBe(0);
  });

  test("are forgotten with the right one, and after an hour", () => {
    attempts(9, alice, here);
    attempt("alice", here, "right");
    expect(attempts(10, alice, here)).toEqual(Array(10).fill(0));

    now += hourMs;
    expect(attempts(10, alice, here)).toEqual(Array(10).fill(0));
  });

  test("are counted while they are looked at, so that many at once are no more than ten", () => {
    const begun = Array.from({ length: 50 }, (_, index) =>
      guessing.begin({ name: "alice", network: here, key: `${index}` }),
    );

    expect(begun.filter(({ kind }) => kind === "admitted")).toHaveLength(10);
  });

  test("are not what nobody has looked at", () => {
    for (let count = 0; count < 30; count += 1) expect(attempt("alice", here, "unknown")).toBe(0);
    attempts(10, alice, here);
    now += 10 * secondMs;

    expect(attempt("alice", here, "unknown")).toBe(0);
    expect(attempt("alice", here, "right")).toBe(0);
  });

  test("are of one name in whatever letters it is written", () => {
    for (const name of ["alice", "Alice", "ALICE", "ａlice", "aLice"]) attempts(2, () => name, here);

    expect(attempt("alicE", here, "wrong")).toBe(10);
  });
});

describe("AUTH-09: wrong passwords from a network", () => {
  test("are 60 for whatever names, then one more every five seconds", () => {
    expect(attempts(60, (index) => `user ${index}`, here)).toEqual(Array(60).fill(0));

    expect(attempt("another", here, "right")).toBe(5);
    now += 5 * secondMs;
    expect(attempt("another", here, "wrong")).toBe(0);
    expect(attempt("another", here, "wrong")).toBe(5);
  });

  test("slow down nobody elsewhere", () => {
    attempts(1000, (index) => `user ${index}`, here);

    expect(attempt("user 1", elsewhere, "right")).toBe(0);
  });

  test("of 10,000 names are looked at in no greater number over a day than the pauses allow", () => {
    let lookedAt = 0;
    for (; now < 24 * hourMs; now += 10 * secondMs)
      for (let count = 0; count < 5; count += 1)
        if (attempt(`user ${now} ${count}`, here, "wrong") === 0) lookedAt += 1;

    expect(lookedAt).toBeWithin(17_000, 60 + 17_280 + 1);
  });

  test("are not paid back by right ones, so that a guesser's own login is of no use", () => {
    for (let count = 0; count < 60; count += 1) {
      attempt(`user ${count}`, here, "wrong");
      attempt("mallory", here, "right", "mallory's own");
    }

    expect(attempt("another", here, "wrong")).toBe(5);
  });

  test("are none as long as they are right, in any number at once", () => {
    const begun = Array.from({ length: 500 }, (_, index) =>
      guessing.begin({ name: `user ${index}`, network: here, key: `${index}` }),
    );

    expect(begun.filter(({ kind }) => kind === "refused")).toEqual([]);
  });
});

describe("AUTH-09: a password that was right before", () => {
  test("is looked at for a day while others guess at the name from the same network", () => {
    attempt("alice", here, "right", "alice's");
    attempts(100, alice, here);
    expect(attempt("alice", here, "right", "alice's")).toBe(0);

    now += 24 * hourMs - 1;
    attempts(100, alice, here);
    expect(attempt("alice", here, "right", "alice's")).toBe(0);
    now += 24 * hourMs;
    attempts(100, alice, here);
    expect(attempt("alice", here, "right", "alice's")).toBeGreaterThan(0);
  });

  test("is looked at although the network has no wrong passwords left", () => {
    attempt("alice", here, "right", "alice's");
    attempts(100, (index) => `user ${index}`, here);

    expect(attempt("alice", here, "right", "alice's")).toBe(0);
    expect(attempt("bob", here, "right", "bob's")).toBeGreaterThan(0);
  });

  test("is like any other once it was wrong", () => {
    attempt("alice", here, "right", "the old one");
    attempts(10, alice, here);

    expect(attempt("alice", here, "wrong", "the old one")).toBe(0);
    expect(attempt("alice", here, "wrong", "the old one")).toBeGreaterThan(0);
  });
});

test("AUTH-09: what is counted is bounded: those that tried longest ago are forgotten first", () => {
  guessing = make(100);
  attempts(10, alice, here);
  for (let count = 0; count < 99; count += 1) attempt("alice", `network ${count}`, "wrong");
  expect(attempt("alice", here, "wrong")).toBe(10);

  for (let count = 0; count < 100; count += 1) attempt("alice", `network ${count}`, "wrong");

  expect(attempt("alice", here, "wrong")).toBe(0);
});

test("AUTH-09: a refusal says to the operator from where, and never the name's password", () => {
  attempts(10, alice, here);
  attempts(60, (index) => `user ${index}`, elsewhere);

  expect(reasonFrom(here)).toBe("too many wrong passwords for this name from 192.0.2.0/24");
  expect(reasonFrom(elsewhere)).toMatch(/^too many wrong passwords from 198\.51\.100\.0\/24 .*trustedProxies/);
});
