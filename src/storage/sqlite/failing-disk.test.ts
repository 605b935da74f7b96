import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "dozo-failing-disk-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Adds users until that fails, twice more, and tells how each of the last three ended and what faults were told of. */
const script = `
  import { openSqlite } from ${JSON.stringify(join(import.meta.dir, "open.ts"))};
  const faults = [];
  const sqlite = await openSqlite({ file: process.argv[2], programVersion: "1", onFault: (reason) => faults.push(reason) });
  const change = { by: "01ARZ3NDEKTSV4RRFFQ69G5FAV", at: 1 };
  const add = (name) =>
    sqlite.accounts.createUser({ id: name, name, isAdmin: false, passwordHash: "x".repeat(1000) }, change).then(
      () => "added",
      (error) => error.code,
    );
  let count = 0;
  let end = "added";
  while (end === "added" && count < 5000) end = await add("user" + count++);
  const ends = [end, await add("one"), await add("two")];
  await sqlite.close();
  console.log(JSON.stringify({ ends, faults }));
  process.exit(1);
`;

test("a commit that fails with an I/O error ends the writer with one fault, and nothing is written any more", () => {
  const file = join(folder, "run.ts");
  writeFileSync(file, script);

  // The kernel refuses to let a file grow beyond 1 MiB (EFBIG), which SQLite reports as an I/O error, not as a full disk.
  const command = `trap "" XFSZ; ulimit -S -f 1024; exec ${process.execPath} ${file} ${join(folder, "dozo.db")}`;
  const { stdout, stderr } = Bun.spawnSync(["bash", "-c", command]);

  expect(stderr.toString()).toBe("");
  const { ends, faults } = JSON.parse(stdout.toString()) as { ends: string[]; faults: string[] };
  expect(ends).toEqual(["UNAVAILABLE", "UNAVAILABLE", "UNAVAILABLE"]);
  expect(faults).toEqual(["the database's disk failed: disk I/O error"]);
});
