import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { parseContentRange, parseRange } from "./byte-range.ts";
import { parsePageRequest } from "./page.ts";

function outcome(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}

describe("Range of a download of 100 bytes (RFC 9110 section 14)", () => {
  test.each<[string | null, unknown]>([
    [null, undefined],
    ["bytes=0-0", { start: 0, end: 1 }],
    ["bytes=10-19", { start: 10, end: 20 }],
    ["bytes=10-", { start: 10, end: 100 }],
    ["bytes=90-500", { start: 90, end: 100 }],
    ["bytes=-10", { start: 90, end: 100 }],
    ["bytes=-500", { start: 0, end: 100 }],
    [" bytes=10-19 ", { start: 10, end: 20 }],
    ["bytes=100-", "RANGE_INVALID"],
    ["bytes=500-1000", "RANGE_INVALID"],
    ["bytes=50-0", "RANGE_INVALID"],
    ["bytes=-0", "RANGE_INVALID"],
    ["bytes=99999999999999999999-", "RANGE_INVALID"],
    ["bytes=0-1,5-6", undefined],
    ["bytes=", undefined],
    ["bytes=-", undefined],
    ["bytes=a-b", undefined],
    ["bytes=1.5-2", undefined],
    ["bytes=+1-2", undefined],
    ["items=0-1", undefined],
  ])("RNG: %j is %j", (header, expected) => {
    expect(outcome(() => parseRange(header, 100))).toEqual(expected);
  });

  test("lies inside whatever was asked for, or is refused", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(1000), (first, last, sizeBytes) => {
        const range = outcome(() => parseRange(`bytes=${first}-${last}`, sizeBytes));
        if (first >= sizeBytes || last < first) expect(range).toBe("RANGE_INVALID");
        else expect(range).toEqual({ start: first, end: Math.min(last + 1, sizeBytes) });
      }),
    );
  });

  test("of nothing cannot be satisfied", () => {
    expect(outcome(() => parseRange("bytes=0-", 0))).toBe("RANGE_INVALID");
    expect(outcome(() => parseRange("bytes=-1", 0))).toBe("RANGE_INVALID");
  });
});

describe("Content-Range of a chunk", () => {
  test.each<[string, unknown]>([
    ["0-9", { start: 0, end: 10 }],
    ["10-10", { start: 10, end: 11 }],
    ["bytes 0-9/10", { start: 0, end: 10 }],
    ["bytes=0-9", { start: 0, end: 10 }],
    ["0-9/*", { start: 0, end: 10 }],
    ["0-", "BLOB_UPLOAD_INVALID"],
    ["-9", "BLOB_UPLOAD_INVALID"],
    ["9-0", "BLOB_UPLOAD_INVALID"],
    ["", "BLOB_UPLOAD_INVALID"],
    ["0-9,20-29", "BLOB_UPLOAD_INVALID"],
    ["0-99999999999999999", "BLOB_UPLOAD_INVALID"],
    ["a-b", "BLOB_UPLOAD_INVALID"],
  ])("UPL-02: %j is %j", (header, expected) => {
    expect(outcome(() => parseContentRange(header))).toEqual(expected);
  });
});

describe("n and last of a list", () => {
  test.each<[string | undefined, unknown]>([
    [undefined, { limit: 1000, last: "x" }],
    ["0", { limit: 0, last: "x" }],
    ["7", { limit: 7, last: "x" }],
    ["1000000000000", { limit: 1000, last: "x" }],
    ["9223372036854775808", { limit: 1000, last: "x" }],
    ["-1", "PAGINATION_NUMBER_INVALID"],
    ["1e3", "PAGINATION_NUMBER_INVALID"],
    ["", "PAGINATION_NUMBER_INVALID"],
    [" 1", "PAGINATION_NUMBER_INVALID"],
    ["9".repeat(21), "PAGINATION_NUMBER_INVALID"],
  ])("LIST-01: n=%j is %j", (n, expected) => {
    expect(outcome(() => parsePageRequest(n, "x", 1000))).toEqual(expected);
  });
});
