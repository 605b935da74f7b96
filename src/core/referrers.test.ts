import { describe, expect, test } from "bun:test";
import type { Descriptor } from "./descriptor.ts";
import { digestOf, parseDigest } from "./digest.ts";
import { fillPage, referrerBytes, referrersIndex, referrersTag } from "./referrers.ts";

function descriptor(name: string, annotation?: string): Descriptor {
  const digest = digestOf(new TextEncoder().encode(name));
  const base = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest, sizeBytes: 7 };
  return annotation === undefined
    ? base
    : { ...base, artifactType: "application/x", annotations: { note: annotation } };
}

describe("the referrers tag (distribution specification, Referrers Tag Schema)", () => {
  test("is the algorithm and the first 64 digits", () => {
    expect(String(referrersTag(parseDigest(`sha256:${"a".repeat(64)}`)))).toBe(`sha256-${"a".repeat(64)}`);
    expect(String(referrersTag(parseDigest(`sha512:${"a".repeat(128)}`)))).toBe(`sha512-${"a".repeat(64)}`);
  });
});

describe("a page of referrers", () => {
  test("is an image index with the fields of the specification, and none for what is not set", () => {
    const [plain, rich] = [descriptor("plain"), descriptor("rich", 'é"')];
    const index: unknown = JSON.parse(new TextDecoder().decode(referrersIndex([plain, rich])));

    expect(index).toEqual({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.index.v1+json",
      manifests: [
        { mediaType: plain.mediaType, digest: plain.digest, size: 7 },
        {
          mediaType: rich.mediaType,
          digest: rich.digest,
          size: 7,
          artifactType: "application/x",
          annotations: { note: 'é"' },
        },
      ],
    });
  });

  test("has exactly the bytes that were counted for its descriptors", () => {
    const descriptors = [descriptor("a"), descriptor("b", "é🙂"), descriptor("c", "x".repeat(1000))];
    const counted = descriptors.reduce((sum, each) => sum + referrerBytes(each), 0);

    expect(referrersIndex(descriptors).length).toBe(referrersIndex([]).length + counted - 1);
  });

  test("REF-02: ends before it has more bytes than it may, or more entries", () => {
    const descriptors = ["a", "b", "c", "d"].map((name) => descriptor(name, "x".repeat(1000)));
    const [first] = descriptors.map(referrerBytes);

    expect(fillPage(descriptors, 10, 3 * (first ?? 0))).toEqual(descriptors.slice(0, 3));
    expect(fillPage(descriptors, 2, 1_000_000)).toEqual(descriptors.slice(0, 2));
    expect(fillPage(descriptors, 10, 1_000_000)).toEqual(descriptors);
  });

  test("has one entry even if that is larger than a page, so that the list can be read to its end", () => {
    const descriptors = ["a", "b"].map((name) => descriptor(name, "x".repeat(1000)));

    expect(fillPage(descriptors, 10, 1)).toEqual(descriptors.slice(0, 1));
  });
});
