import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findControlSocket, prepareControlSocket } from "./control-socket.ts";
import { openDataFolder, prepareDataFolder } from "./data-folder.ts";
import { checkFolder } from "./folder-check.ts";

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "dozo-folder-"));
});
afterEach(() => rmSync(base, { recursive: true }));

test("a missing folder is made for its owner alone", () => {
  prepareDataFolder(join(base, "a/b"));
  expect(statSync(join(base, "a/b")).mode & 0o777).toBe(0o700);
});

test("an empty folder that others may read gets its mode, one that others may write in is refused", () => {
  const empty = join(base, "empty");
  mkdirSync(empty);
  chmodSync(empty, 0o777);
  prepareDataFolder(empty);
  expect(statSync(empty).mode & 0o777).toBe(0o700);

  writeFileSync(join(empty, "something"), "");
  chmodSync(empty, 0o770);
  expect(() => prepareDataFolder(empty)).toThrow("others may write in the data folder");
});

test("a folder without a registry is not opened", () => {
  expect(() => openDataFolder(base)).toThrow("there is no registry in the data folder");
  expect(() => openDataFolder(join(base, "missing"))).toThrow("there is no registry in the data folder");
});

test("FS-05: the folder is tried, and nothing is left of it", () => {
  expect(checkFolder(base).filter((warning) => !warning.includes("tmpfs"))).toEqual([]);
  expect(readdirSync(base)).toEqual([]);
  expect(() => checkFolder(join(base, "missing"))).toThrow("cannot do what a registry needs of it (ENOENT)");
});

test("FS-05: a folder that a restart empties is warned about", () => {
  const folder = mkdtempSync("/dev/shm/dozo-folder-");
  const warnings = checkFolder(folder);
  rmSync(folder, { recursive: true });

  expect(warnings).toEqual([`${folder} is on tmpfs: everything is lost when the machine stops: use a disk (--data)`]);
});

test("FS-06: a leftover of a check that was killed is no obstacle", () => {
  writeFileSync(join(base, ".check-a"), "x");
  writeFileSync(join(base, ".check-b"), "x");
  checkFolder(base);
  expect(readdirSync(base)).toEqual([]);
});

test("the socket for commands is in the folder, or in a short one where that path is too long", () => {
  expect(prepareControlSocket(base)).toBe(`${base}/run/control.sock`);
  expect(findControlSocket(base)).toBe(`${base}/run/control.sock`);
  const long = join(base, "x".repeat(100));
  prepareDataFolder(long);
  const path = prepareControlSocket(long);
  expect(Buffer.byteLength(path)).toBeLessThan(108);
  expect(statSync(join(path, "..")).mode & 0o777).toBe(0o700);
  expect(findControlSocket(long)).toBe(path);
  rmSync(join(path, ".."), { recursive: true });
});
