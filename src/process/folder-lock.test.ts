import { afterAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FolderLockedError, lockFolder, lockHolder } from "./folder-lock.ts";

const folder = mkdtempSync(join(tmpdir(), "dozo-lock-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("the lock names its holder, refuses a second one, and is free again afterwards", () => {
  const release = lockFolder(folder);

  expect(lockHolder(folder)).toBe(process.pid);
  expect(() => lockFolder(folder)).toThrow(FolderLockedError);
  expect(() => lockFolder(folder)).toThrow(`process ${process.pid} works on the data folder`);
  expect(statSync(`${folder}/dozo.lock`).mode & 0o777).toBe(0o600);
  release();
  lockFolder(folder)();
});

test("FS-04: the lock of a process that was killed blocks nothing", () => {
  const script = `const { lockFolder } = await import(${JSON.stringify(join(import.meta.dir, "folder-lock.ts"))});
lockFolder(${JSON.stringify(folder)}); process.kill(process.pid, "SIGKILL");`;
  const killed = spawnSync(process.execPath, ["-e", script]);

  expect(killed.signal).toBe("SIGKILL");
  expect(lockHolder(folder)).toBe(killed.pid);
  lockFolder(folder)();
});

test("a lock file with nonsense in it names nobody", () => {
  writeFileSync(`${folder}/dozo.lock`, "nonsense");
  expect(lockHolder(folder)).toBeUndefined();
});
