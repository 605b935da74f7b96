import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Database, openWriter } from "./database.ts";
import { migrations } from "./migrations/all.ts";
import { migrate } from "./migrations/migrate.ts";

const folder = mkdtempSync(join(tmpdir(), "dozo-plan-"));
let db: Database;

beforeAll(() => {
  db = openWriter(join(folder, "dozo.db"));
  migrate(db, migrations, "1.2.3");
});

afterAll(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

// What may be read whole: tables of one row, users, their certificates, a list that the statement was given, and the repositories for the rare search and the totals.
const mayBeScanned = [
  /^SCAN totals/,
  /^SCAN principals/,
  /^SCAN client_certificates/,
  /^SCAN json_each VIRTUAL TABLE/,
  /^SCAN repositories/,
  /^SCAN uploads USING COVERING INDEX/,
  /^SCAN blobs USING COVERING INDEX unreferenced_blobs/,
  /^SCAN CONSTANT ROW/,
  // Next to nothing, and all of it is asked for.
  /^SCAN (?:blobs|manifest_contents) USING INDEX damaged_/,
  // What is to be done next, of which a part is asked for.
  /^SCAN unlinks/,
  /^SCAN r USING INDEX empty_repositories/,
  // The rules of access: all of them are held in memory.
  /^SCAN rules$/,
  // And all groups, memberships and access keys.
  /^SCAN groups$/,
  /^SCAN members/,
  /^SCAN keys$/,
];

/** Every statement in the sources of this folder: the literals that begin with one of SQL's verbs. */
function statements(): readonly (readonly [statement: string, file: string])[] {
  return readdirSync(import.meta.dir)
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && file !== "database.ts")
    .flatMap((file) => {
      const source = readFileSync(join(import.meta.dir, file), "utf8");
      const literals = source.matchAll(/(["`])\s*((?:SELECT|INSERT INTO|UPDATE|DELETE FROM)\s[^`]*?)\1/g);
      return [...literals].map((literal) => [(literal[2] ?? "").replaceAll(/\s+/g, " ").trim(), file] as const);
    });
}

function planOf(statement: string): readonly string[] {
  const values = [...new Set(statement.match(/\?[0-9]+/g))].map(() => 1);
  return db
    .query<{ detail: string }, number[]>(`EXPLAIN QUERY PLAN ${statement}`)
    .all(...values)
    .map((row) => row.detail);
}

describe("a statement finds its rows by an index, however many there are", () => {
  test("all of them are looked at", () => {
    expect(statements().length).toBeGreaterThan(50);
  });

  test.each([...statements()])("%s", (statement) => {
    const scans = planOf(statement).filter(
      (step) => step.startsWith("SCAN") && !mayBeScanned.some((allowed) => allowed.test(step)),
    );

    expect(scans).toEqual([]);
  });

  test("LIST-03: pages come out of an index in their order, without being sorted", () => {
    const pages = statements().filter(([statement]) => statement.includes("LIMIT"));

    const sorted = pages.filter(([statement]) => planOf(statement).some((step) => step.includes("TEMP B-TREE")));

    // The repositories that have one blob are few, and asked for by a rare kind of mount.
    expect(sorted.map(([, file]) => file)).toEqual(["blobs.ts"]);
  });
});
