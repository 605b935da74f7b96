import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFolder } from "./layout.ts";

function failing(): void {
  throw new Error("the disk failed");
}

test("a folder whose name could not be made durable is not taken for durable the next time", () => {
  const folder = mkdtempSync(join(tmpdir(), "dozo-layout-"));
  try {
    const shard = join(folder, "ab");
    const synced: string[] = [];

    expect(() => makeFolder(shard, failing)).toThrow("the disk failed");
    expect(makeFolder(shard, (path) => synced.push(path))).toBe(true);
    expect(makeFolder(shard, (path) => synced.push(path))).toBe(false);

    expect(synced).toEqual([folder]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
