import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RegistryError } from "../../core/error.ts";
import { type Database, openReader, openWriter } from "./database.ts";
import type { Call } from "./messages.ts";
import { GroupWriter } from "./run.ts";

let folder: string;
let db: Database;
let writer: GroupWriter;

// Changes that do what a group must survive.
const operations = {
  add: (on: Database, number: number) => on.query("INSERT INTO numbers VALUES (?1)").run(number).changes,
  refuse: (on: Database, number: number) => {
    on.query("INSERT INTO numbers VALUES (?1)").run(number);
    throw new RegistryError("DENIED", "no", { detail: { number }, retryAfterSeconds: 3 });
  },
  break: (on: Database) => on.query("INSERT INTO nowhere VALUES (1)").run(),
  /** Refers to nothing, which is found out at the commit. */
  spoilCommit: (on: Database) => on.query("INSERT INTO children VALUES (99)").run(),
  /** What SQLite does by itself when a disk fails badly enough. */
  endTransaction: (on: Database) => on.query("ROLLBACK").run(),
  changeNothing: () => true,
  log5MiB: (on: Database) => on.query("INSERT INTO bulk VALUES (randomblob(5000000))").run().changes,
  fill: (on: Database) => on.query("INSERT INTO bulk VALUES (zeroblob(100000000))").run(),
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "dozo-run-"));
  db = openWriter(join(folder, "dozo.db"));
  db.run(`
    CREATE TABLE numbers (number INTEGER PRIMARY KEY) STRICT;
    CREATE TABLE bulk (bytes BLOB) STRICT;
    CREATE TABLE children (parent INTEGER REFERENCES numbers (number) DEFERRABLE INITIALLY DEFERRED) STRICT;
  `);
  writer = new GroupWriter(db, operations);
});

afterEach(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

function calls(...asked: readonly (readonly [operation: string, ...args: number[]])[]): readonly Call[] {
  return asked.map(([operation, ...args], id) => ({ id, operation, args }));
}

/** As another connection sees them: what is committed. */
function numbers(): readonly unknown[] {
  const reader = openReader(db.filename);
  try {
    return reader.query("SELECT number FROM numbers ORDER BY number").values().flat();
  } finally {
    reader.close();
  }
}

test("a group is committed when it is answered", () => {
  const outcomes = writer.run(calls(["add", 1], ["add", 2]));

  expect(outcomes).toEqual([
    { id: 0, kind: "answer", value: 1 },
    { id: 1, kind: "answer", value: 1 },
  ]);
  expect(numbers()).toEqual([1, 2]);
});

test("a change that is refused, or breaks, leaves nothing and takes no other with it", () => {
  const outcomes = writer.run(calls(["add", 1], ["refuse", 2], ["break"], ["unheard-of"], ["add", 1], ["add", 3]));

  expect(outcomes.map((outcome) => outcome.kind)).toEqual(["answer", "refusal", "fault", "fault", "fault", "answer"]);
  expect(outcomes[1]).toMatchObject({
    refusal: { code: "DENIED", message: "no", detail: { number: 2 }, retryAfterSeconds: 3 },
  });
  expect(numbers()).toEqual([1, 3]);
});

test("a commit that fails fails the whole group, and the next group is written", () => {
  const outcomes = writer.run(calls(["add", 1], ["spoilCommit"], ["add", 2]));

  expect(outcomes).toHaveLength(3);
  for (const outcome of outcomes) expect(outcome).toMatchObject({ kind: "refusal", refusal: { code: "UNAVAILABLE" } });
  expect(numbers()).toEqual([]);
  expect(writer.run(calls(["add", 3]))).toMatchObject([{ kind: "answer" }]);
  expect(numbers()).toEqual([3]);
});

test("where SQLite ends the transaction by itself nothing behind it is written alone", () => {
  const outcomes = writer.run(calls(["add", 1], ["endTransaction"], ["add", 2]));

  for (const outcome of outcomes) expect(outcome).toMatchObject({ kind: "refusal", refusal: { code: "UNAVAILABLE" } });
  expect(JSON.stringify(outcomes)).toContain("SQLite ended the transaction");
  expect(numbers()).toEqual([]);
  expect(writer.run(calls(["add", 3]))).toMatchObject([{ kind: "answer" }]);
});

test("a database that is full is unavailable, not broken", () => {
  db.run("PRAGMA max_page_count = 20");

  const [outcome] = writer.run(calls(["fill"]));

  expect(outcome).toMatchObject({ kind: "refusal", refusal: { code: "UNAVAILABLE" } });
  expect(writer.run(calls(["add", 1]))).toMatchObject([{ kind: "answer" }]);
});

test("a log that cannot be moved into the file breaks the writer: nothing is tried on the same file again", () => {
  const reader = openReader(db.filename);
  reader.run("BEGIN; SELECT count(*) FROM numbers;");
  // Nothing of it can be moved while somebody reads what was before it.
  writer.run(calls(["log5MiB"]));
  reader.close();
  expect(writer.brokenBy).toBeUndefined();
  truncateSync(`${db.filename}-wal`, 4096);

  const outcomes = writer.run(calls(["changeNothing"]));

  expect(outcomes).toMatchObject([{ kind: "refusal", refusal: { code: "UNAVAILABLE" } }]);
  expect(writer.brokenBy).toContain("the database's disk failed: disk I/O error");
  expect(writer.run(calls(["add", 2]))).toMatchObject([{ kind: "refusal", refusal: { code: "UNAVAILABLE" } }]);
});

test("a connection that cannot even begin fails its group, and those behind it", () => {
  db.close();

  expect(writer.run(calls(["add", 1]))).toMatchObject([{ kind: "refusal", refusal: { code: "UNAVAILABLE" } }]);
  expect(writer.run(calls(["add", 1]))).toMatchObject([{ kind: "refusal", refusal: { code: "UNAVAILABLE" } }]);
});
