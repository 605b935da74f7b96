import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { RegistryProcess } from "../durability/registry-process.ts";
import { freePort } from "../load/peers.ts";
import { Stage } from "./stage.ts";

setDefaultTimeout(120_000);

interface Verdict {
  readonly isWhole: boolean;
  readonly damages: readonly { readonly what: string; readonly reason: string; readonly images: readonly string[] }[];
}

let stage: Stage;
beforeAll(async () => {
  stage = new Stage();
  await stage.start();
  await stage.pushImages(4);
  await stage.stop();
  await stage.makeBackup();
  cpSync(stage.backup, join(stage.folder, "whole"), { recursive: true });
});
afterAll(() => stage.end());
beforeEach(() => {
  rmSync(stage.backup, { recursive: true, force: true });
  cpSync(join(stage.folder, "whole"), stage.backup, { recursive: true });
});

function flipBit(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ 8;
  chmodSync(file, 0o600);
  writeFileSync(file, bytes);
}

function fileOfSnapshot(name: string): string {
  const [id = ""] = readdirSync(join(stage.backup, "snapshots"));
  return join(stage.backup, "snapshots", id, name);
}

async function verdict(): Promise<Verdict & { readonly code: number | null }> {
  const { out, code } = await stage.verifyBackup();
  return { ...(JSON.parse(out) as Verdict), code };
}

test("one flipped bit, a cut file and a missing one are found, with the images that need them", async () => {
  const [flipped = "", cut = "", missing = ""] = stage.blobFiles();
  flipBit(flipped, 1000);
  chmodSync(cut, 0o600);
  truncateSync(cut, 1000);
  rmSync(missing);

  const { code, isWhole, damages } = await verdict();

  expect([code, isWhole]).toEqual([1, false]);
  const reasons = Object.fromEntries(damages.map(({ what, reason }) => [basename(what), reason]));
  expect(reasons).toEqual({
    [basename(flipped)]: "it has other bytes",
    [basename(cut)]: expect.stringMatching(/^it has 1000 bytes instead of/) as string,
    [basename(missing)]: "it is missing",
  });
  for (const { images } of damages) expect(images.join()).toMatch(/^backed-up\/1[:@]/);
});

test.each(["dozo.db", "audit.db", "keys.sealed", "settings.yaml", "data/pki/root.crt"])(
  "a flipped bit in %s is found, and nothing is restored of it",
  async (name) => {
    const file = fileOfSnapshot(name);
    flipBit(file, readFileSync(file).byteLength >> 1);

    const { damages } = await verdict();
    const restored = await stage.restore(`flipped-${basename(name)}`);

    expect(damages.map(({ what }) => what)).toContain(name);
    expect(restored.code).toBe(1);
    const up = await stage.run(["serve", "--data", restored.data, "--listen", "http://127.0.0.1:0"]);
    expect([up.code, up.out]).toEqual([1, ""]);
  },
);

test("a catalogue that was changed is not believed", async () => {
  const file = join(stage.backup, "backup.json");
  writeFileSync(file, readFileSync(file, "utf8").replace("dozo.db", "../../../etc/passwd"));

  for (const ended of [await stage.verifyBackup(), await stage.restore("changed"), await stage.makeBackup()]) {
    expect(ended).toMatchObject({ code: 1, out: "" });
    expect(ended.err).toContain("backup.json in");
  }
});

test("a damaged backup is restored only where that is wanted; what is whole is there then, and the next push heals the rest", async () => {
  const [damaged = ""] = stage.blobFiles();
  flipBit(damaged, 50);

  const refused = await stage.restore("refused");
  const accepted = await stage.restore("accepted", "--accept-damage", "--json");

  expect(refused.code).toBe(1);
  expect(refused.err).toContain("--accept-damage");
  const serve = await stage.run(["serve", "--data", refused.data]);
  expect(serve.err).toContain("the restore into");
  expect(accepted.code).toBe(1);
  const report = JSON.parse(accepted.out) as { lost: readonly string[]; lostImages: readonly string[] };
  const [hex] = basename(damaged).split(".");
  expect(report.lost).toEqual([`sha256:${hex}`]);
  expect(report.lostImages.join()).toMatch(/^backed-up\/1/);
  const registry = await RegistryProcess.start(join(stage.folder, "accepted"), await freePort());
  const losses = await stage.acknowledged.verify(registry.endpoint);
  await registry.stop();
  expect(losses).toEqual([expect.stringContaining(`sha256:${hex}`) as string]);
});

test("what the registry itself has lost is told, and the rest is backed up", async () => {
  const copy = join(stage.folder, "lossy");
  cpSync(stage.data, copy, { recursive: true });
  const [missing = "", flipped = ""] = stage.blobFiles().map((file) => file.slice(stage.backup.length));
  rmSync(join(copy, missing));
  flipBit(join(copy, flipped), 10);
  rmSync(stage.backup, { recursive: true });

  const { code, out, err } = await stage.run(["backup", stage.backup, "--data", copy]);

  expect(code).toBe(1);
  expect(out).toContain("keys            left out");
  expect(err).toContain("the registry itself has lost 2 blobs or manifests");
  expect(err).toMatch(/needed by backed-up\/1/);
  expect(existsSync(join(stage.backup, "backup.json"))).toBe(true);
});

test("a wrong passphrase is told before anything is written", async () => {
  writeFileSync(join(stage.folder, "wrong"), "a passphrase that is long, too\n");
  const words = ["--keys-passphrase-file", join(stage.folder, "wrong")];

  const restored = await stage.run(["restore", stage.backup, "--data", join(stage.folder, "locked"), ...words]);
  const verified = await stage.run(["backup", "verify", stage.backup, ...words]);

  expect(restored).toMatchObject({ code: 1, out: "" });
  expect(existsSync(join(stage.folder, "locked"))).toBe(false);
  expect(verified.code).toBe(1);
  expect(verified.out).toContain("damaged: keys.sealed: the passphrase does not open the keys");
});
