import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, open, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Log } from "../log.ts";
import { HtpasswdFile } from "./htpasswd.ts";

// Three of the same length, so that only the content tells them apart.
const one = "one:$2y$04$TjWPqO15/HX9uvNIxbWfbu64yR10kKW3cdLabmzmYPoBx7dX9qTHK\n";
const two = one.replace("one", "two");
const six = one.replace("one", "six");

let folder: string;
let path: string;
let lines: string[];
let files: HtpasswdFile[];

const log: Log = {
  debug: () => {},
  info: () => {},
  warn: (message) => lines.push(`warn ${message}`),
  error: (message, fields) => lines.push(`error ${message} ${String(fields?.["reason"])}`),
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "dozo-htpasswd-"));
  path = join(folder, "htpasswd");
  lines = [];
  files = [];
  await writeFile(path, one, { mode: 0o600 });
});

afterEach(async () => {
  for (const file of files) file.stop();
  await rm(folder, { recursive: true });
});

async function openFile(): Promise<HtpasswdFile> {
  const file = await HtpasswdFile.open({ path, clock: { now: () => Date.now() }, log });
  files.push(file);
  return file;
}

function names(file: HtpasswdFile): readonly string[] {
  return [...file.users.keys()];
}

describe("AUTH-01: opening an htpasswd file", () => {
  test("fails for a line that cannot be read, with the file and the line's number", async () => {
    await writeFile(path, `${one}bob:secret\n`);

    const error = await openFile().catch((reason: unknown) => reason);

    expect(error).toHaveProperty("message", expect.stringContaining(`${path} cannot be used: line 2: `));
  });

  test("fails for a file that is not there", async () => {
    await rm(path);

    expect(await openFile().catch((reason: unknown) => reason)).toHaveProperty(
      "message",
      expect.stringContaining(path),
    );
  });

  test("FS-01: warns of a file that everybody on the machine may read", async () => {
    await chmod(path, 0o644);

    await openFile();

    expect(lines).toEqual([expect.stringContaining("chmod o=")]);
  });

  test("warns of weak hashes", async () => {
    await writeFile(path, `${one}bob:{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=\n`);

    await openFile();

    expect(lines).toEqual([expect.stringContaining('warn htpasswd file: line 2: the password of "bob"')]);
  });
});

describe("AUTH-02: an htpasswd file that is replaced", () => {
  test("in place is read again, and whoever wants to know is told", async () => {
    const file = await openFile();
    let changes = 0;
    file.onChange(() => changes++);
    await writeFile(path, two);

    await file.refresh();
    await file.refresh();

    expect(names(file)).toEqual(["two"]);
    expect(changes).toBe(1);
  });

  test("by a rename is read again", async () => {
    const file = await openFile();
    await writeFile(`${path}.new`, two);
    await rename(`${path}.new`, path);

    await file.refresh();

    expect(names(file)).toEqual(["two"]);
  });

  test("by another target of a symbolic link, as Kubernetes does it, is read again", async () => {
    await mkdir(join(folder, "v1"));
    await mkdir(join(folder, "v2"));
    await writeFile(join(folder, "v1", "htpasswd"), one, { mode: 0o600 });
    await writeFile(join(folder, "v2", "htpasswd"), two);
    await symlink("v1", join(folder, "data"));
    path = join(folder, "data", "htpasswd");
    const file = await openFile();
    await symlink("v2", join(folder, "data.new"));
    await rename(join(folder, "data.new"), join(folder, "data"));

    await file.refresh();

    expect(names(file)).toEqual(["two"]);
  });

  test("many times within one tick of the kernel's clock is read each time", async () => {
    const file = await openFile();
    for (let round = 0; round < 100; round++) {
      await writeFile(path, round % 2 === 0 ? two : six);
      await file.refresh();

      expect(names(file)).toEqual([round % 2 === 0 ? "two" : "six"]);
    }
  });

  test("by nothing, then by half of it, then by all of it never leaves nobody", async () => {
    const file = await openFile();
    const handle = await open(path, "w");
    await file.refresh();
    expect(names(file)).toEqual(["one"]);
    await handle.write(two.slice(0, 30));
    await file.refresh();
    expect(names(file)).toEqual(["one"]);
    await handle.write(two.slice(30));
    await handle.close();
    await file.refresh();

    expect(names(file)).toEqual(["two"]);
    expect(lines).toEqual([expect.stringContaining("no user in it"), expect.stringContaining("line 1: ")]);
  });

  test("by a broken version keeps its users, and says so once", async () => {
    const file = await openFile();
    await writeFile(path, "bob:secret\n");

    await file.refresh();
    await file.refresh();

    expect(names(file)).toEqual(["one"]);
    expect(lines).toEqual([expect.stringContaining("the users of its last good version stay line 1: ")]);
  });

  test("by nothing at all keeps its users, and comes back with what stands there next", async () => {
    const file = await openFile();
    await rm(path);
    await file.refresh();
    expect(names(file)).toEqual(["one"]);
    await writeFile(path, two);

    await file.refresh();

    expect(names(file)).toEqual(["two"]);
    expect(lines).toEqual([expect.stringContaining("ENOENT")]);
  });
});

test("a login looks at the file at most once a second", async () => {
  let now = Date.now();
  const file = await HtpasswdFile.open({ path, clock: { now: () => now }, log });
  file.stop();
  await writeFile(path, two);

  now += 999;
  await file.refreshIfDue();
  expect(names(file)).toEqual(["one"]);
  now += 1;
  await file.refreshIfDue();
  expect(names(file)).toEqual(["two"]);
});
