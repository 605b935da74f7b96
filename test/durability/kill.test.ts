import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../load/peers.ts";
import { AcknowledgedSet } from "./acknowledged.ts";
import { runKills } from "./kill-run.ts";
import { Pusher } from "./pusher.ts";
import { RegistryProcess } from "./registry-process.ts";

const folder = mkdtempSync(join(tmpdir(), "dozo-kill-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const kills = Number(process.env["DOZO_TEST_KILLS"] ?? 100);

test(
  `${kills} kills in the middle of pushes lose nothing that was acknowledged, and no start needs a repair`,
  async () => {
    const report = await runKills({ folder: join(folder, "kills"), kills, pushers: 6, log: () => undefined });

    expect(report.losses).toEqual([]);
    expect(report.acknowledged).toBeGreaterThan(kills);
  },
  kills * 2900,
);

test("the reader of the acknowledged set reports a blob that is missing and one that was changed", async () => {
  const registryFolder = join(folder, "planted");
  const { acknowledged, port } = await pushSome(registryFolder);
  const [missing = "", changed = ""] = blobFiles(join(registryFolder, "data", "blobs"));
  rmSync(missing);
  const bytes = readFileSync(changed);
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  writeFileSync(changed, bytes);

  const registry = await RegistryProcess.start(registryFolder, port);
  const losses = await acknowledged.verify(registry.endpoint);
  await registry.stop();
  acknowledged.close();

  expect(losses).toHaveLength(2);
  expect(losses.join("\n")).toMatch(/has another digest/);
}, 30_000);

async function pushSome(registryFolder: string): Promise<{ acknowledged: AcknowledgedSet; port: number }> {
  rmSync(registryFolder, { recursive: true, force: true });
  const port = await freePort();
  const acknowledged = new AcknowledgedSet(join(folder, "planted.jsonl"));
  const registry = await RegistryProcess.start(registryFolder, port);
  let images = 0;
  const pusher = new Pusher("durable/planted", acknowledged, () => {
    images += 1;
  });
  await pusher.run(registry.endpoint, () => images > 20);
  expect(await acknowledged.verify(registry.endpoint)).toEqual([]);
  await registry.stop();
  return { acknowledged, port };
}

function blobFiles(blobs: string): string[] {
  return readdirSync(blobs, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
