import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ExplainedError } from "./explained-error.ts";
import { writeNewFolder } from "./new-folder.ts";

let parent: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "dozo-folder-"));
});

afterEach(() => rmSync(parent, { recursive: true }));

test("the folder and its files are the owner's alone", async () => {
  const folder = join(parent, "new/maria");

  expect(await writeNewFolder(folder, async () => ({ files: { "a.key": "secret" }, result: 7 }))).toBe(7);

  expect(readFileSync(join(folder, "a.key"), "utf8")).toBe("secret");
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, "a.key")).mode & 0o777).toBe(0o600);
});

test("a folder that is there is left as it is, and nothing is made for it", async () => {
  const folder = join(parent, "maria");
  mkdirSync(folder);
  let isAsked = false;

  const refused = writeNewFolder(folder, async () => {
    isAsked = true;
    return { files: {}, result: undefined };
  });

  expect(await refused.catch((error: unknown) => error)).toBeInstanceOf(ExplainedError);
  expect(isAsked).toBe(false);
});

test("nothing is left when there is nothing to put into it", async () => {
  const failed = writeNewFolder(join(parent, "maria"), () => Promise.reject(new Error("there is no user maria")));

  expect(await failed.catch((error: unknown) => String(error))).toBe("Error: there is no user maria");
  expect(readdirSync(parent)).toEqual([]);
});

test("nothing is asked for where the folder cannot be made, and the error says so in words", async () => {
  let isAsked = false;
  const file = join(parent, "file");
  await Bun.write(file, "");

  const refused = writeNewFolder(join(file, "maria"), async () => {
    isAsked = true;
    return { files: {}, result: undefined };
  });

  expect(await refused.catch((error: unknown) => error)).toBeInstanceOf(ExplainedError);
  expect(isAsked).toBeFalse();
});
