import { afterAll, afterEach, describe } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeAccountStore } from "../../core/account-store.contract.ts";
import { describeMetadataStore } from "../../core/metadata-store.contract.ts";
import { openSqlite, type Sqlite } from "./open.ts";

const folder = mkdtempSync(join(tmpdir(), "dozo-sqlite-"));
const open: Sqlite[] = [];
let lastFile = 0;

afterEach(async () => {
  for (const sqlite of open.splice(0)) await sqlite.close();
});

afterAll(() => rmSync(folder, { recursive: true }));

async function openFresh(): Promise<Sqlite> {
  const sqlite = await openSqlite({ file: join(folder, `${(lastFile += 1)}.db`), programVersion: "1.2.3" });
  open.push(sqlite);
  return sqlite;
}

describe("SqliteMetadataStore", () => {
  describeMetadataStore(async () => (await openFresh()).metadata);
});

describe("SqliteAccountStore", () => {
  describeAccountStore(async () => (await openFresh()).accounts);
});
