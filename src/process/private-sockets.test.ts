import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { preparePrivateSockets } from "./private-sockets.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "dozo-sockets-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

test("no two names are the same, and none is longer than the control socket's", () => {
  const sockets = preparePrivateSockets(join(folder, "control.sock"));
  const names = Array.from({ length: 100 }, () => sockets.fresh());

  expect(new Set(names).size).toBe(100);
  expect(names.every((name) => name.length === join(folder, "control.sock").length)).toBe(true);
});

test("sockets that an earlier process left are removed, and nothing else is", async () => {
  const left = preparePrivateSockets(join(folder, "control.sock")).fresh();
  const servers = [left, join(folder, "control.sock")].map((path) => createServer().listen(path));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once("listening", resolve))));
  writeFileSync(join(folder, "AAAAAAAAAAAA"), "a file");

  preparePrivateSockets(join(folder, "control.sock"));

  expect(readdirSync(folder).toSorted()).toEqual(["AAAAAAAAAAAA", "control.sock"]);
  expect(existsSync(left)).toBe(false);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
});
