import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openWriter } from "../database.ts";
import { migrations } from "./all.ts";
import { migrate } from "./migrate.ts";

test("rules, their principals and the removed ones are still there in the format with groups", () => {
  const folder = mkdtempSync(join(tmpdir(), "dozo-groups-"));
  const db = openWriter(join(folder, "dozo.db"));
  migrate(db, migrations.slice(0, 3), "1.0.0");
  db.run(
    "INSERT INTO principals (id, source, name, is_admin, credential_version, created_at) VALUES ('A', 'dozo', 'ann', 1, 3, 7)",
  );
  db.run("INSERT INTO access_rules VALUES ('R', 'deny', 'A', 'team/**', '[\"push\"]', 'A', 8)");

  migrate(db, migrations, "1.1.0");

  expect(db.query("SELECT id, kind, name, is_admin, credential_version, owner_id FROM principals").all()).toEqual([
    { id: "A", kind: "user", name: "ann", is_admin: 1, credential_version: 3, owner_id: null },
  ]);
  expect(
    db.query("SELECT subject_kind, subject_id, repositories, created_at FROM access_rules ORDER BY id DESC").all(),
  ).toEqual([
    { subject_kind: "principal", subject_id: "A", repositories: "team/**", created_at: 8 },
    { subject_kind: "everyone", subject_id: null, repositories: "**", created_at: expect.any(Number) as unknown },
  ]);
  expect(db.query("PRAGMA foreign_key_check").all()).toEqual([]);
  expect(db.query("PRAGMA foreign_key_list(access_rules)").all()).toMatchObject([{ table: "principals" }]);
  expect(db.query("PRAGMA foreign_key_list(principals)").all()).toMatchObject([{ table: "principals" }]);
  db.close();
  rmSync(folder, { recursive: true });
});
