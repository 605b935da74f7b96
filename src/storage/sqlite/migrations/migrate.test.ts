import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Database, openWriter } from "../database.ts";
import { migrations } from "./all.ts";
import { type Migration, migrate, NewerFormatError, readFormat } from "./migrate.ts";

let folder: string;
let db: Database;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "dozo-migrate-"));
  db = openWriter(join(folder, "dozo.db"));
});

afterEach(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

const newest = migrations.at(-1)?.number ?? 0;

function tables(): readonly unknown[] {
  return db.query("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
}

test("an empty database gets the newest format and the program's version", () => {
  expect(readFormat(db).number).toBe(0);

  migrate(db, migrations, "1.2.3");

  expect(readFormat(db)).toEqual({ number: newest, programVersion: "1.2.3" });
});

test("the numbers are 1 and up without a gap", () => {
  expect(migrations.map((migration) => migration.number)).toEqual(migrations.map((_, index) => index + 1));
});

test("all tables check the types of what is stored in them", () => {
  migrate(db, migrations, "1.2.3");

  const loose = db
    .query("SELECT name FROM pragma_table_list WHERE schema = 'main' AND strict = 0 AND name NOT LIKE 'sqlite_%'")
    .all();

  expect(loose).toEqual([]);
});

test("a database that has the format is only told the program's version", () => {
  migrate(db, migrations, "1.2.3");
  const before = tables();

  migrate(db, migrations, "1.2.4");

  expect(tables()).toEqual(before);
  expect(readFormat(db)).toEqual({ number: newest, programVersion: "1.2.4" });
});

test("only the steps that are missing are made", () => {
  migrate(db, migrations, "1.2.3");
  const next: Migration = { number: newest + 1, sql: "CREATE TABLE next (a INTEGER) STRICT" };

  migrate(db, [...migrations, next], "1.3.0");
  migrate(db, [...migrations, next], "1.3.0");

  expect(readFormat(db)).toEqual({ number: newest + 1, programVersion: "1.3.0" });
});

test("a database of a newer format is refused with both formats and both versions, and nothing is changed", () => {
  migrate(db, [...migrations, { number: 42, sql: "CREATE TABLE future (a INTEGER) STRICT" }], "9.8.7");

  expect(() => migrate(db, migrations, "1.2.3")).toThrow(NewerFormatError);
  expect(() => migrate(db, migrations, "1.2.3")).toThrow(
    `the data folder has format 42, written by dozo 9.8.7; this is dozo 1.2.3, which knows formats up to ${newest}. Run dozo 9.8.7 or later on it`,
  );
  expect(readFormat(db)).toEqual({ number: 42, programVersion: "9.8.7" });
});

test("a step that breaks off leaves nothing, and the next start makes it whole", () => {
  const created = "CREATE TABLE half (a INTEGER) STRICT;";
  migrate(db, migrations, "1.2.3");
  const before = tables();

  const broken: Migration = { number: newest + 1, sql: `${created} INSERT INTO nowhere VALUES (1);` };
  expect(() => migrate(db, [...migrations, broken], "1.3.0")).toThrow("nowhere");

  expect(tables()).toEqual(before);
  expect(readFormat(db)).toEqual({ number: newest, programVersion: "1.2.3" });
  migrate(db, [...migrations, { number: newest + 1, sql: created }], "1.3.0");
  expect(readFormat(db).number).toBe(newest + 1);
});

test("a start that is killed in the middle of a step leaves what was there before it", () => {
  migrate(db, migrations, "1.2.3");
  const before = tables();
  // What a kill leaves: a transaction that nobody ends, of a connection that is gone.
  const killed = openWriter(db.filename);
  killed.run("BEGIN IMMEDIATE");
  killed.run("CREATE TABLE half (a INTEGER) STRICT");
  killed.close();

  migrate(db, migrations, "1.2.3");

  expect(tables()).toEqual(before);
});
