import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { RegistryProcess } from "../durability/registry-process.ts";
import { freePort } from "../load/peers.ts";
import { Stage } from "./stage.ts";

setDefaultTimeout(120_000);

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.end());

test("I12: a backup that was made while clients push and delete restores to all that was acknowledged before it began", async () => {
  await stage.start();
  await stage.pushImages(8);
  let isOver = false;
  const clients = [stage.push(() => isOver), stage.push(() => isOver), stage.push(() => isOver)];

  const first = await stage.makeBackup("--json");
  const fork = stage.acknowledged.fork(join(stage.folder, "fork.jsonl"));
  const second = await stage.makeBackup("--json");
  isOver = true;
  await Promise.all(clients);
  await stage.stop();

  expect([first.err, first.code, second.err, second.code]).toEqual(["", 0, "", 0]);
  const [before, after] = [first, second].map(({ out }) => JSON.parse(out) as { blobs: number; copiedBlobs: number });
  expect(before?.copiedBlobs).toBe(before?.blobs ?? 0);
  // What is there already is not copied again.
  expect(after?.copiedBlobs).toBe((after?.blobs ?? 0) - (before?.blobs ?? 0));
  expect(after?.copiedBlobs).toBeGreaterThan(0);
  expect(JSON.parse((await stage.verifyBackup()).out)).toMatchObject({ isWhole: true, damages: [], lostBefore: [] });
  const restored = await stage.restore("restored");
  expect([restored.err, restored.code]).toEqual(["", 0]);
  expect(statSync(restored.data).mode & 0o777).toBe(0o700);
  expect(statSync(join(restored.data, "pki/ca.key")).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(restored.data, "pki/root.crt"), "utf8")).toBe(
    readFileSync(join(stage.data, "pki/root.crt"), "utf8"),
  );
  const registry = await RegistryProcess.start(join(stage.folder, "restored"), await freePort());
  expect(await fork.verify(registry.endpoint)).toEqual([]);
  const record = await stage.run(["audit", "--data", restored.data, "--what", "push", "--json"]);
  expect(JSON.parse(record.out)).not.toEqual([]);
  await registry.stop();
  fork.close();
});

test("what the registry does not have any more goes from the backup, too, and the next backup of the restored one goes on", async () => {
  await stage.start();
  await stage.pushImages(3);
  await stage.stop();
  await stage.makeBackup();
  const restored = await stage.restore("restored");

  const next = await stage.run(["backup", stage.backup, "--data", restored.data, "--without-keys", "--json"]);

  expect(JSON.parse(next.out)).toMatchObject({ copiedBlobs: 0, removedBlobs: 0, keys: "left out" });
});

test("without the keys it says what is lost, and a backup never loses keys that the one before had", async () => {
  await stage.start();
  await stage.pushImages(1);
  const words = ["backup", stage.backup, "--data", stage.data];
  const without = await stage.run(words);
  expect(without.out).toContain("every client has to enrol again");
  const restored = await stage.run(["restore", stage.backup, "--data", join(stage.folder, "keyless/data")]);
  expect(restored.out).toContain("every client has to enrol again");
  expect(existsSync(join(stage.folder, "keyless/data/pki"))).toBe(false);
  await stage.makeBackup();

  const again = await stage.run(words);
  const unsaid = await stage.run(["restore", stage.backup, "--data", join(stage.folder, "unsaid")]);

  expect(again).toMatchObject({ code: 1, out: "" });
  expect(again.err).toContain("--without-keys");
  expect(unsaid).toMatchObject({ code: 1, out: "" });
  expect(existsSync(join(stage.folder, "unsaid"))).toBe(false);
  const files = JSON.stringify(readFileSync(join(stage.backup, "backup.json"), "utf8"));
  expect(files).not.toContain("ca.key");
});

test("the settings of the server are in it, as a settings file", async () => {
  await stage.start();
  await stage.pushImages(1);
  await stage.makeBackup();

  const { data } = await stage.restore("restored");

  const words = ["up", "--help", "--config", join(data, "settings.yaml")];
  expect(readFileSync(join(data, "settings.yaml"), "utf8")).toMatch(/listen:\n {2}- https:\/\/127\.0\.0\.1:[0-9]+/);
  expect((await stage.run(words)).code).toBe(0);
});

test("a folder that is none of this registry's backup is left alone", async () => {
  await stage.start();
  await stage.pushImages(1);
  await stage.makeBackup();
  const other = new Stage();
  try {
    await other.start();
    const foreign = await other.run(["backup", stage.backup, "--data", other.data, "--without-keys"]);
    expect(foreign.err).toContain("is of another registry");
    const inside = await other.run(["backup", join(other.data, "backup"), "--data", other.data]);
    expect(inside.err).toContain("in the data folder");
    mkdirSync(join(other.folder, "full/of/things"), { recursive: true });
    const full = await other.run(["backup", join(other.folder, "full"), "--data", other.data]);
    expect(full.err).toContain("is not empty");
    expect([foreign.code, inside.code, full.code]).toEqual([1, 1, 1]);
  } finally {
    await other.end();
  }
  expect(JSON.parse((await stage.verifyBackup()).out)).toMatchObject({ isWhole: true });
  const onto = await stage.restore("onto");
  expect(onto.code).toBe(0);
  expect((await stage.restore("onto")).err).toContain("is not empty");
});
