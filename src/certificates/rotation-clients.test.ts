import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../log.ts";
import { PkiFolder } from "../process/pki-folder.ts";
import { readRotationClients, RotationWatch } from "./rotation-clients.ts";

let parent: string;
let files: PkiFolder;
let now: number;
let watch: RotationWatch;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "dozo-rotation-"));
  files = new PkiFolder(join(parent, "pki"));
  now = 1000;
  watch = new RotationWatch({ files, clock: { now: () => now }, log: silentLog });
});

afterEach(async () => {
  await watch.follow(false);
  rmSync(parent, { recursive: true });
});

test("nobody is noted while no root is announced", async () => {
  await watch.follow(false);

  expect(watch.clients).toBeUndefined();
});

test("who uses the registry and who fetched the root is known by address, and after a restart", async () => {
  await watch.follow(true);
  watch.clients?.used("192.0.2.7", "maria");
  watch.clients?.fetched("192.0.2.8");
  now = 2000;
  watch.clients?.used("192.0.2.7", "ci");
  await watch.stop();

  const again = new RotationWatch({ files, clock: { now: () => now }, log: silentLog });
  await again.follow(true);
  now = 3000;
  again.clients?.fetched("192.0.2.7");

  expect(again.clients?.list()).toEqual([
    { address: "192.0.2.7", users: ["maria", "ci"], usedAt: 2000, fetchedAt: 3000 },
    { address: "192.0.2.8", users: [], usedAt: undefined, fetchedAt: 1000 },
  ]);
  expect((await readRotationClients(files)).map(({ address }) => address)).toEqual(["192.0.2.7", "192.0.2.8"]);
  await again.follow(false);
});

test("a flood of addresses keeps those that were seen last, and no more than so many", async () => {
  await watch.follow(true);

  for (let host = 0; host < 10_050; host++) watch.clients?.fetched(`2001:db8::${host.toString(16)}`);

  expect(watch.clients?.list()).toHaveLength(10_000);
  expect(watch.clients?.list()[0]?.address).toBe(`2001:db8::${(10_049).toString(16)}`);
});
