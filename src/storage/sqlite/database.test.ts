import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkSettings, checkSqliteVersion, type Database, openReader, openWriter } from "./database.ts";

let folder: string;
let file: string;
const open: Database[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "dozo-database-"));
  file = join(folder, "dozo.db");
});

afterEach(() => {
  for (const db of open.splice(0)) db.close();
  rmSync(folder, { recursive: true });
});

function writer(): Database {
  const db = openWriter(file);
  open.push(db);
  return db;
}

function reader(): Database {
  const db = openReader(file);
  open.push(db);
  return db;
}

/** A thread's program: locks the database that it is told of, says so, and lets go. */
const holdLocked = `
  import { Database } from "bun:sqlite";
  addEventListener("message", ({ data }) => {
    const db = new Database(data);
    db.run("PRAGMA locking_mode = EXCLUSIVE");
    db.run("INSERT INTO t VALUES (1)");
    postMessage("held");
    Bun.sleepSync(200);
    db.close(true);
  });
`;

describe("openWriter", () => {
  const strangers: Readonly<Record<string, () => void>> = {
    link: () => symlinkSync(join(folder, "target"), file),
    folder: () => mkdirSync(file),
    pipe: () => void Bun.spawnSync(["mkfifo", file]),
  };
  test.each(Object.entries(strangers))("FS-02: refuses a %s in the place of the database", (_, place) => {
    place();

    expect(writer).toThrow("is not a regular file");
    expect(existsSync(join(folder, "target"))).toBe(false);
  });

  test("syncs every commit to the disk", () => {
    expect(writer().query("PRAGMA synchronous").get()).toEqual({ synchronous: 2 });
  });

  test("waits for a connection that has the database locked for a moment, as one that recovers the log has", async () => {
    writer().run("CREATE TABLE t (a)");
    for (const db of open.splice(0)) db.close(true);
    const holder = new Worker(URL.createObjectURL(new Blob([holdLocked], { type: "text/javascript" })));
    const held = new Promise((resolve) => {
      holder.addEventListener("message", resolve, { once: true });
    });
    holder.postMessage(file, []);
    await held;

    expect(() => writer()).not.toThrow();
    holder.terminate();
  });

  test("makes the database, its log and the log's index for the owner alone", () => {
    const db = writer();
    db.run("CREATE TABLE t (a)");

    for (const suffix of ["", "-wal", "-shm"]) expect(statSync(file + suffix).mode & 0o777).toBe(0o600);
  });

  test("takes the rights of others away from a database that has them", () => {
    writer().close();
    chmodSync(file, 0o644);

    writer();

    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});

describe("openReader", () => {
  test("sees what the writer has committed, and refuses to change it", () => {
    const db = writer();
    db.run("CREATE TABLE t (a)");
    db.run("INSERT INTO t VALUES (7)");

    const other = reader();

    expect(other.query("SELECT a FROM t").get()).toEqual({ a: 7 });
    expect(() => other.run("INSERT INTO t VALUES (8)")).toThrow(/readonly/);
  });

  test("does not make a database that is not there", () => {
    expect(() => reader()).toThrow();
  });
});

describe("checkSettings", () => {
  const broken: readonly (readonly [name: string, sql: string])[] = [
    ["synchronous", "PRAGMA synchronous = NORMAL"],
    ["journal_mode", "PRAGMA journal_mode = DELETE"],
    ["foreign_keys", "PRAGMA foreign_keys = OFF"],
    ["busy_timeout", "PRAGMA busy_timeout = 0"],
    ["memory", "PRAGMA mmap_size = 1048576"],
  ];

  test.each(broken)("refuses a connection whose %s is wrong", (name, sql) => {
    const db = writer();
    expect(() => checkSettings(db)).not.toThrow();

    db.run(sql);

    expect(() => checkSettings(db)).toThrow(name);
  });
});

describe("checkSqliteVersion", () => {
  test.each(["3.6.23", "3.7.0", "3.40.1", "3.44.6", "3.50.6", "3.50.8", "3.51.0", "3.51.2", ""])(
    "refuses SQLite %s",
    (version) => {
      expect(() => checkSqliteVersion(version)).toThrow("WAL-reset");
    },
  );

  test.each(["3.50.7", "3.51.3", "3.54.1", "4.0.0"])("takes SQLite %s", (version) => {
    expect(() => checkSqliteVersion(version)).not.toThrow();
  });
});
