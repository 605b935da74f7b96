import { afterEach, beforeEach, expect, test } from "bun:test";
import type { BlobStore, FileVerdict } from "./blob-store.ts";
import { type Digest, digestOf } from "./digest.ts";
import type { UploadStore } from "./upload-store.ts";
import type { UploadId } from "./upload-session.ts";

/** A blob store under test, and the upload store that fills it. */
export interface BlobStoreSetup {
  readonly blobs: BlobStore;
  readonly uploads: UploadStore;
  /** Ends both and removes what they left. */
  readonly end: () => Promise<void>;
}

const id = "01ARZ3NDEKTSV4RRFFQ69G5FAV" as UploadId;
const secondId = "01ARZ3NDEKTSV4RRFFQ69G5FAW" as UploadId;

/** Bytes that differ from place to place. */
export function patternBytes(sizeBytes: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(sizeBytes);
  for (let index = 0; index < sizeBytes; index += 1) bytes[index] = (index * 31 + (index >>> 8)) & 0xff;
  return bytes;
}

/** What every blob store promises. `make` answers an empty one. */
export function describeBlobStore(make: () => Promise<BlobStoreSetup>): void {
  let setup: BlobStoreSetup;

  beforeEach(async () => {
    setup = await make();
  });
  afterEach(() => setup.end());

  async function store(bytes: Uint8Array<ArrayBuffer>, upload = id): Promise<string> {
    const request = new Request("http://registry/", { method: "PUT", body: bytes });
    const bounds = { offset: 0, lengthBytes: undefined, maxBytes: bytes.byteLength };
    await setup.uploads.append(upload, { request, lengthBytes: bytes.byteLength }, bounds);
    const { content } = await setup.uploads.commit(upload, digestOf(bytes));
    if (content.kind === "inline") throw new Error("too small for a file");
    return content.key;
  }

  async function bytesOf(key: string, sizeBytes: number, start: number, end: number): Promise<Digest> {
    const { content, lengthBytes } = await setup.blobs.open(key, sizeBytes, { start, end });
    const bytes = await new Response(content as BodyInit).bytes();
    expect(lengthBytes).toBe(end - start);
    return digestOf(bytes);
  }

  test.each([70_000, 300_000, 3_000_000])("a blob of %d bytes comes back as it went in", async (sizeBytes) => {
    const bytes = patternBytes(sizeBytes);
    const key = await store(bytes);

    const { content, lengthBytes } = await setup.blobs.open(key, sizeBytes);

    expect(lengthBytes).toBe(sizeBytes);
    expect(digestOf(await new Response(content as BodyInit).bytes())).toBe(digestOf(bytes));
    expect(digestOf(await setup.blobs.read(key, sizeBytes))).toBe(digestOf(bytes));
  });

  test("a range is exactly the bytes from its start up to its end", async () => {
    const bytes = patternBytes(2_000_000);
    const key = await store(bytes);
    const ranges = [
      [0, 1],
      [1_999_999, 2_000_000],
      [4_095, 4_097],
      [100, 1_500_000],
      [1, 2_000_000],
    ] as const;

    for (const [start, end] of ranges)
      expect(await bytesOf(key, bytes.byteLength, start, end)).toBe(digestOf(bytes.subarray(start, end)));
  });

  test("what is missing can be restored from the same bytes, and what is there is left alone", async () => {
    const bytes = patternBytes(300_000);
    const key = await store(bytes);
    const spare = await store(bytes, secondId);

    expect(await setup.blobs.restore(key, bytes.byteLength, spare)).toBe(false);
    await setup.blobs.delete(key);
    expect(await setup.blobs.restore(key, bytes.byteLength, spare)).toBe(true);

    expect(digestOf(await setup.blobs.read(key, bytes.byteLength))).toBe(digestOf(bytes));
    expect(await setup.blobs.read(spare, bytes.byteLength).catch((error: unknown) => error)).toMatchObject({
      code: "UNAVAILABLE",
    });
  });

  test("what has another length than it should have is not served", async () => {
    const key = await store(patternBytes(100_000));

    expect(await setup.blobs.open(key, 99_999).catch((error: unknown) => error)).toMatchObject({ code: "UNAVAILABLE" });
    expect(await setup.blobs.read(key, 100_001).catch((error: unknown) => error)).toMatchObject({
      code: "UNAVAILABLE",
    });
  });

  test("I5: what is whole is told from what has other bytes and from what is not there", async () => {
    const bytes = patternBytes(300_000);
    const key = await store(bytes);
    const verdict = (digest: Digest, sizeBytes = bytes.byteLength): Promise<FileVerdict> =>
      setup.blobs.verify(key, sizeBytes, digest, Infinity);

    expect(await verdict(digestOf(bytes))).toBe("good");
    expect(await verdict(digestOf(bytes, "sha512"))).toBe("good");
    expect(await verdict(digestOf(patternBytes(299_999)))).toBe("damaged");
    expect(await verdict(digestOf(bytes), 299_999)).toBe("damaged");
    await setup.blobs.delete(key);
    expect(await verdict(digestOf(bytes))).toBe("missing");
  });

  test("a deleted blob is gone, and to delete it again is no error", async () => {
    const key = await store(patternBytes(100_000));

    await setup.blobs.delete(key);
    await setup.blobs.delete(key);

    expect(await setup.blobs.open(key, 100_000).catch((error: unknown) => error)).toMatchObject({
      code: "UNAVAILABLE",
    });
  });

  test("the disk's space is told", async () => {
    const { freeBytes, totalBytes } = await setup.blobs.space();

    expect(freeBytes).toBeGreaterThan(0);
    expect(totalBytes).toBeGreaterThanOrEqual(freeBytes);
  });
}
