import { describe, expect, test } from "bun:test";
import { digestOf } from "../../src/core/digest.ts";
import { errorCode, pushBlob } from "./content.ts";
import { makeRegistry } from "./registry.ts";

const blob = Uint8Array.from({ length: 2048 }, (_, index) => index % 251);
const digest = digestOf(blob);

describe("RNG-01: a range", () => {
  const ranges: readonly [string, number, number, number][] = [
    ["bytes=0-0", 206, 0, 1],
    ["bytes=500-1499", 206, 500, 1500],
    ["bytes=500-", 206, 500, 2048],
    ["bytes=-500", 206, 1548, 2048],
    ["bytes=-5000", 206, 0, 2048],
    ["bytes=2000-5000", 206, 2000, 2048],
    ["bytes=0-18446744073709551616", 206, 0, 2048],
    ["bytes=500-0", 416, 0, 0],
    ["bytes=5-4", 416, 0, 0],
    ["bytes=5000-10000", 416, 0, 0],
    ["bytes=2048-", 416, 0, 0],
    ["bytes=-0", 416, 0, 0],
    ["-1", 200, 0, 2048],
    ["x", 200, 0, 2048],
    ["items=0-5", 200, 0, 2048],
    ["bytes=", 200, 0, 2048],
    ["bytes=a-b", 200, 0, 2048],
    ["bytes=0-1,3-4", 200, 0, 2048],
    [`bytes=${"0-,".repeat(1000)}0-`, 200, 0, 2048],
  ];
  test.each(ranges)("of %.40p gets %p", async (range, status, start, end) => {
    const registry = makeRegistry();
    await pushBlob(registry, "a", blob);

    const answer = await registry.call("GET", `/v2/a/blobs/${digest}`, { headers: { range } });

    expect(answer.status).toBe(status);
    if (status === 416) {
      expect(answer.headers.get("content-range")).toBe("bytes */2048");
      expect(await errorCode(answer)).toBe("RANGE_INVALID");
      return;
    }
    expect(await answer.bytes()).toEqual(blob.subarray(start, end));
    expect(answer.headers.get("content-range")).toBe(status === 206 ? `bytes ${start}-${end - 1}/2048` : null);
    expect(answer.headers.get("docker-content-digest")).toBe(digest);
  });

  test("of something else than what is there now is ignored", async () => {
    const registry = makeRegistry();
    await pushBlob(registry, "a", blob);
    const get = (ifRange: string) =>
      registry.call("GET", `/v2/a/blobs/${digest}`, { headers: { range: "bytes=0-0", "if-range": ifRange } });

    expect((await get(`"${digest}"`)).status).toBe(206);
    expect((await get('"sha256:stale"')).status).toBe(200);
    expect((await get("Wed, 21 Oct 2015 07:28:00 GMT")).status).toBe(200);
  });

  test("of a large blob is cut out of its file", async () => {
    const registry = makeRegistry();
    const large = Uint8Array.from({ length: 200_000 }, (_, index) => index % 251);
    const largeDigest = await pushBlob(registry, "a", large);

    const answer = await registry.call("GET", `/v2/a/blobs/${largeDigest}`, {
      headers: { range: "bytes=100000-100009" },
    });

    expect(await answer.bytes()).toEqual(large.subarray(100_000, 100_010));
  });

  test("of HEAD is ignored", async () => {
    const registry = makeRegistry();
    await pushBlob(registry, "a", blob);

    const answer = await registry.call("HEAD", `/v2/a/blobs/${digest}`, { headers: { range: "bytes=5000-" } });

    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-length")).toBe("2048");
  });

  test("that stands in two headers is refused", async () => {
    const registry = makeRegistry();
    await pushBlob(registry, "a", blob);

    const range = "bytes=0-1, bytes=3-4";
    const answer = await registry.call("GET", `/v2/a/blobs/${digest}`, { headers: { range } });

    expect(answer.status).toBe(400);
  });
});
