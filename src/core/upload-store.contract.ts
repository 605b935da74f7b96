import { afterEach, beforeEach, expect, test } from "bun:test";
import { type BlobStoreSetup, patternBytes } from "./blob-store.contract.ts";
import { maxInlineBytes } from "./blob-store.ts";
import { digestOf } from "./digest.ts";
import type { AppendBounds, IncomingBody, UploadStore } from "./upload-store.ts";
import type { UploadId } from "./upload-session.ts";

const first = "01ARZ3NDEKTSV4RRFFQ69G5FAV" as UploadId;
const second = "01BX5ZZKBKACTAV9WEVGEMMVRZ" as UploadId;
const anyBounds: AppendBounds = { offset: undefined, lengthBytes: undefined, maxBytes: 2 ** 40 };

/** A body as a client with a Content-Length sends it. */
function counted(bytes: Uint8Array<ArrayBuffer>): IncomingBody {
  const request = new Request("http://registry/", { method: "PATCH", body: bytes });
  return { request, lengthBytes: bytes.byteLength };
}

/** A body as a client with chunked encoding sends it. */
function chunked(...chunks: Uint8Array<ArrayBuffer>[]): IncomingBody {
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const chunk = chunks.shift();
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
    },
  });
  return { request: new Request("http://registry/", { method: "PATCH", body }), lengthBytes: undefined };
}

function refusal(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: unknown) => error);
}

/** What every upload store promises. `make` answers an empty one. */
export function describeUploadStore(make: () => Promise<BlobStoreSetup>): void {
  let setup: BlobStoreSetup;
  let store: UploadStore;

  beforeEach(async () => {
    setup = await make();
    store = setup.uploads;
  });
  afterEach(() => setup.end());

  test("an upload of which nothing has arrived is empty, and not listed", async () => {
    expect(await store.size(first)).toBe(0);
    expect(await store.list()).toEqual([]);
  });

  test.each([0, 1, maxInlineBytes])("a blob of %d bytes is handed back with its bytes", async (sizeBytes) => {
    const bytes = patternBytes(sizeBytes);
    for (const body of [counted(bytes), chunked(bytes)]) {
      expect(await store.append(first, body, anyBounds)).toBe(sizeBytes);

      const { content, ...staged } = await store.commit(first, digestOf(bytes));

      expect(staged).toEqual({ digest: digestOf(bytes), sizeBytes });
      expect(content).toEqual({ kind: "inline", bytes });
      expect(await store.list()).toEqual([]);
    }
  });

  test.each([maxInlineBytes + 1, 300_000, 2_000_000])("a blob of %d bytes gets a key", async (sizeBytes) => {
    const bytes = patternBytes(sizeBytes);
    for (const [id, body] of [[first, counted(bytes)] as const, [second, chunked(bytes)] as const]) {
      expect(await store.append(id, body, anyBounds)).toBe(sizeBytes);

      const { content } = await store.commit(id, digestOf(bytes));

      if (content.kind !== "file") throw new Error("too large for a row");
      expect(content.key).toEndWith(`.${id}`);
      expect(digestOf(await setup.blobs.read(content.key, sizeBytes))).toBe(digestOf(bytes));
      expect(await store.size(id)).toBe(0);
    }
    expect(await store.list()).toEqual([]);
  });

  test("bodies of all sizes follow one another, and the digest is that of all", async () => {
    const whole = patternBytes(1_500_010);
    const cuts = [0, 10, 30_000, 90_000, 90_000, 600_000, 600_001, 1_500_010];
    for (let index = 1; index < cuts.length; index += 1) {
      const part = whole.slice(cuts[index - 1], cuts[index]);
      const bounds = { ...anyBounds, offset: cuts[index - 1], lengthBytes: part.byteLength };

      expect(await store.append(first, index % 2 === 0 ? counted(part) : chunked(part), bounds)).toBe(cuts[index] ?? 0);
      expect(await store.size(first)).toBe(cuts[index] ?? 0);
    }

    expect((await store.commit(first, digestOf(whole))).digest).toBe(digestOf(whole));
  });

  test("sha512 is known too", async () => {
    for (const bytes of [patternBytes(100), patternBytes(1_000_000)]) {
      const digest = digestOf(bytes, "sha512");
      await store.append(first, counted(bytes), anyBounds);

      const { content } = await store.commit(first, digest);

      if (content.kind === "file") expect(content.key).toStartWith("sha512/");
    }
  });

  test("a chunk that does not begin at the end is refused with the true offset", async () => {
    await store.append(first, counted(patternBytes(100)), anyBounds);

    for (const offset of [0, 99, 101, 1_000_000]) {
      const refused = store.append(first, counted(patternBytes(10)), { ...anyBounds, offset });
      expect(await refusal(refused)).toMatchObject({ code: "RANGE_INVALID", offset: 100 });
    }
    expect(await store.size(first)).toBe(100);
  });

  test.each([100, 400_000])("a body that is not as long as announced (%d bytes) leaves nothing", async (sizeBytes) => {
    await store.append(first, counted(patternBytes(70_000)), anyBounds);

    for (const lengthBytes of [sizeBytes - 1, sizeBytes + 1]) {
      const refused = store.append(first, chunked(patternBytes(sizeBytes)), { ...anyBounds, lengthBytes });
      expect(await refusal(refused)).toMatchObject({ code: "SIZE_INVALID" });
      expect(await store.size(first)).toBe(70_000);
    }
    const bytes = patternBytes(70_000);
    expect((await store.commit(first, digestOf(bytes))).sizeBytes).toBe(70_000);
  });

  test("an upload does not grow beyond its bound", async () => {
    await store.append(first, counted(patternBytes(1000)), anyBounds);

    for (const body of [counted(patternBytes(10_000)), chunked(patternBytes(10_000)), counted(patternBytes(500_000))]) {
      const refused = store.append(first, body, { ...anyBounds, maxBytes: 10_999 });
      expect(await refusal(refused)).toMatchObject({ code: "SIZE_INVALID" });
    }
    expect(await store.append(first, chunked(patternBytes(9_999)), { ...anyBounds, maxBytes: 10_999 })).toBe(10_999);
  });

  test.each([10, 1_000_000])("another digest ends an upload of %d bytes", async (sizeBytes) => {
    await store.append(first, counted(patternBytes(sizeBytes)), anyBounds);

    const refused = store.commit(first, digestOf(patternBytes(11)));

    expect(await refusal(refused)).toMatchObject({ code: "DIGEST_INVALID" });
    expect(await store.size(first)).toBe(0);
    expect(await store.list()).toEqual([]);
  });

  test("a cancelled upload is forgotten, and to cancel it again is no error", async () => {
    await store.append(first, counted(patternBytes(10)), anyBounds);
    await store.append(second, counted(patternBytes(1_000_000)), anyBounds);
    expect(await store.list()).toEqual([first, second]);

    for (const id of [first, second, first]) await store.cancel(id);

    expect(await store.list()).toEqual([]);
    expect(await store.size(second)).toBe(0);
  });

  test("uploads do not disturb one another", async () => {
    const ids = Array.from({ length: 12 }, (_, index) => `01ARZ3NDEKTSV4RRFFQ69G5F${index + 10}` as UploadId);
    const pieces = ids.map((_, index) => patternBytes(200_000 + index * 100_000));

    const staged = await Promise.all(
      ids.map(async (id, index) => {
        const bytes = pieces[index] ?? patternBytes(0);
        const half = bytes.byteLength >>> 1;
        await store.append(id, chunked(bytes.slice(0, 10), bytes.slice(10, half)), anyBounds);
        await store.append(id, chunked(bytes.slice(half)), { ...anyBounds, offset: half });
        return store.commit(id, digestOf(bytes));
      }),
    );

    expect(staged.map(({ sizeBytes }) => sizeBytes)).toEqual(pieces.map(({ byteLength }) => byteLength));
  });
}
