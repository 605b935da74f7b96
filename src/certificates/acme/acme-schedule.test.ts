import { describe, expect, test } from "bun:test";

import type { OrderFailure } from "./acme-messages.ts";
import { afterFailure, atStart, renewalTime, type Tries } from "./acme-schedule.ts";

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const now = Date.UTC(2026, 10, 20, 12);

function limited(message: string, retryAfterSeconds?: number): OrderFailure {
  return { step: "order", name: undefined, message, problem: "rateLimited", retryAfterSeconds };
}

describe("the schedule of ACME", () => {
  test("renews at two thirds of a life, long or short, and at most a thirtieth later", () => {
    expect(renewalTime({ notBefore: 0, notAfter: 90 * dayMs }, 0)).toBe(60 * dayMs);
    expect(renewalTime({ notBefore: 0, notAfter: 90 * dayMs }, 1)).toBe(63 * dayMs);
    expect(renewalTime({ notBefore: 0, notAfter: 6 * dayMs }, 0)).toBe(4 * dayMs);
  });

  test("tries again more and more seldom: within an hour not five times, in the end once a day", () => {
    const minutes: number[] = [];
    for (let failures = 0; failures < 10; failures += 1)
      minutes.push((afterFailure(failures, undefined, now, 0).nextTryAt - now) / minuteMs);

    expect(minutes).toEqual([5, 15, 60, 120, 240, 480, 960, 1440, 1440, 1440]);
    expect(afterFailure(7, undefined, now, 1).nextTryAt - now).toBeCloseTo(1.1 * dayMs, 0);
  });

  test("does not come before the time that the authority names", () => {
    const named = limited("too many certificates: retry after 2026-11-22 07:30:00 UTC: see https://…");
    expect(afterFailure(0, named, now, 0).nextTryAt).toBe(Date.UTC(2026, 10, 22, 7, 30));
    expect(afterFailure(0, limited("slow down", 7200), now, 0).nextTryAt - now).toBe(120 * minuteMs);
    expect(afterFailure(0, limited("slow down"), now, 0).nextTryAt - now).toBe(60 * minuteMs);
  });

  test("lets somebody who has mended something start at once, but not what starts again and again", () => {
    const tries: Tries = { failures: 2, nextTryAt: now + minuteMs, isLimited: false };
    expect(atStart(tries, now)).toBe(now);
    expect(atStart({ ...tries, failures: 4 }, now)).toBe(now + minuteMs);
    expect(atStart({ ...tries, isLimited: true }, now)).toBe(now + minuteMs);
  });

  test("does not wait for a time that only a wrong clock can have named", () => {
    const tries: Tries = { failures: 9, nextTryAt: now + 400 * dayMs, isLimited: true };
    expect(atStart(tries, now)).toBe(now);
    expect(atStart({ ...tries, nextTryAt: now + 8 * dayMs }, now)).toBe(now + 8 * dayMs);
  });
});
