import { describe, expect, test } from "bun:test";
import { maxInlineBytes } from "../core/blob-store.ts";
import type { OutgoingBody } from "../core/blob-store.ts";
import {
  alice,
  app,
  codeOf,
  digestOfText,
  memoryRegistry,
  other,
  pushBlob,
  refusalOf,
} from "../../test/registry/memory-registry.ts";

const small = "small";
const large = "large".repeat(maxInlineBytes);

async function textOf({ content }: OutgoingBody): Promise<string> {
  return new Response(content as Uint8Array<ArrayBuffer>).text();
}

describe("a blob", () => {
  test.each([
    ["in the database", small, "inline"],
    ["in a file", large, "file"],
  ] as const)("%s is served whole and in ranges", async (_where, text, kind) => {
    const registry = memoryRegistry();
    const digest = await pushBlob(registry, text);

    const record = await registry.blobs.stat(app, digest);
    expect(record).toMatchObject({ digest, sizeBytes: text.length, content: { kind } });

    const whole = await registry.blobs.open(record);
    expect(whole.lengthBytes).toBe(text.length);
    expect(await textOf(whole)).toBe(text);

    const part = await registry.blobs.open(record, { start: 1, end: 4 });
    expect(part.lengthBytes).toBe(3);
    expect(await textOf(part)).toBe(text.slice(1, 4));
  });

  test("is there in the repositories that have it, and in no other", async () => {
    const registry = memoryRegistry();
    const digest = await pushBlob(registry, small);

    const refusal = await refusalOf(registry.blobs.stat(other, digest));

    expect(`${refusal.code} ${refusal.message}`).toBe(`BLOB_UNKNOWN this repository has no blob ${digest}`);
  });

  test("that is deleted is gone from its repository only", async () => {
    const registry = memoryRegistry();
    const digest = await pushBlob(registry, small);
    await pushBlob(registry, small, other);

    await registry.blobs.delete(app, digest, alice);

    expect(await codeOf(registry.blobs.stat(app, digest))).toBe("BLOB_UNKNOWN");
    expect((await registry.blobs.stat(other, digest)).digest).toBe(digest);
    expect(await codeOf(registry.blobs.delete(app, digest, alice))).toBe("BLOB_UNKNOWN");
  });

  test("that was never pushed is unknown", async () => {
    const registry = memoryRegistry();

    expect(await codeOf(registry.blobs.stat(app, digestOfText("never")))).toBe("BLOB_UNKNOWN");
    expect(await codeOf(registry.blobs.delete(app, digestOfText("never"), alice))).toBe("BLOB_UNKNOWN");
  });
});
