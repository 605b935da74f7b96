import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answersOf, violations } from "./order-rules.ts";
import { runOrder } from "./order-run.ts";
import { parseTrace } from "./system-calls.ts";

const folder = mkdtempSync(join(tmpdir(), "dozo-order-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const inOrder = [
  '11 pwrite64(7</d/uploads/u>, "x"..., 9, 0) = 9',
  "11 fdatasync(7</d/uploads/u> <unfinished ...>",
  "12 <... epoll_wait resumed>) = 1",
  "11 <... fdatasync resumed>) = 0",
  '11 mkdir("/d/blobs/sha256/ab", 0700) = 0',
  "11 fsync(8</d/blobs/sha256>) = 0",
  '11 rename("/d/uploads/u", "/d/blobs/sha256/ab/k") = 0',
  "11 fsync(8</d/blobs/sha256/ab>) = 0",
  '12 pwrite64(5</d/dozo.db-wal>, "y"..., 9, 0) = 9',
  "12 fdatasync(5</d/dozo.db-wal>) = 0",
  '10 sendto(9<socket:[1]>, "HTTP/1.1 201 Created\\r\\n"..., 99, 0, NULL, 0) = 99',
];

function violationsIn(lines: readonly string[]): string[] {
  const calls = parseTrace(lines.join("\n"));
  const [answer] = answersOf(calls);
  if (answer === undefined) throw new Error("the trace has no answer");
  return violations({ what: "a push", hasFile: true }, calls, undefined, answer);
}

describe("the linter of the order of system calls", () => {
  test("finds nothing where data, name, folder, commit and answer follow each other", () => {
    expect(violationsIn(inOrder)).toEqual([]);
  });

  test.each([
    ["the sync of the data is missing", 3, /data was not synced/],
    ["the sync of the new folder's folder is missing", 5, /folder of a new folder was not synced/],
    ["the rename is missing", 6, /no file was given its final name/],
    ["the sync of the folder is missing", 7, /folder was not synced/],
    ["the commit is missing", 8, /nothing was written to the database's log/],
    ["the sync of the commit is missing", 9, /log was not synced/],
  ])("reports it when %s", (_what, line, message) => {
    expect(violationsIn(inOrder.filter((_, index) => index !== line)).join("\n")).toMatch(message);
  });

  test("reports a folder that is synced behind the commit", () => {
    const late = [...inOrder.slice(0, 7), ...inOrder.slice(8, 10), ...inOrder.slice(7, 8), ...inOrder.slice(10)];

    expect(violationsIn(late).join("\n")).toMatch(/folder was not synced/);
  });
});

test.skipIf(Bun.which("strace") === null)(
  "the server acknowledges nothing before its data, name, folder and commit are synced, in this order",
  async () => {
    const report = await runOrder(join(folder, "registry"));

    expect(report.violations).toEqual([]);
    expect(report.changes).toBe(14);
  },
  60_000,
);
