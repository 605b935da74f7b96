import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Database } from "bun:sqlite";
import { Connection } from "../load/connection.ts";
import type { RegistryProcess } from "../durability/registry-process.ts";
import { Stage } from "./stage.ts";

setDefaultTimeout(600_000);

const flips = Number(process.env["DOZO_TEST_FLIPS"] ?? 100);
const mediaType = "application/vnd.oci.image.manifest.v1+json";

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.end());

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

async function pushBlob(connection: Connection, bytes: Uint8Array): Promise<string> {
  const digest = digestOf(bytes);
  const head = await connection.request("HEAD", `/v2/team/app/blobs/${digest}`);
  if (head.status === 200) return digest;
  expect(head.status).toBe(404);
  const answer = await connection.request("POST", `/v2/team/app/blobs/uploads/?digest=${digest}`, { body: bytes });
  expect(answer.status).toBe(201);
  return digest;
}

/** Pushes as clients do: only what the registry says that it does not have. */
async function pushImage(registry: RegistryProcess, blobs: readonly Uint8Array[]): Promise<string> {
  const connection = await Connection.open(registry.endpoint);
  const described = [];
  for (const bytes of blobs)
    described.push({ mediaType: "application/x", digest: await pushBlob(connection, bytes), size: bytes.byteLength });
  const [config, ...layers] = described;
  const body = JSON.stringify({ schemaVersion: 2, mediaType, config, layers });
  const put = { headers: { "Content-Type": mediaType }, body };
  expect((await connection.request("PUT", "/v2/team/app/manifests/1", put)).status).toBe(201);
  connection.close();
  return digestOf(Buffer.from(body));
}

async function status(registry: RegistryProcess, path: string): Promise<number> {
  const connection = await Connection.open(registry.endpoint);
  const answer = await connection.request("GET", path);
  connection.close();
  return answer.status;
}

function blobFiles(): readonly string[] {
  return readdirSync(join(stage.data, "blobs"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function flipOneBit(file: string): void {
  const bytes = readFileSync(file);
  const at = Math.floor(Math.random() * bytes.byteLength);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(Math.random() * 8));
  chmodSync(file, 0o600);
  writeFileSync(file, bytes);
}

interface Report {
  readonly damaged: readonly { readonly digest: string; readonly kind: string; readonly images: readonly string[] }[];
}

test(`I3: ${flips} flipped bits are found, each of them and nothing else, answer as absent, and are healed by the next push`, async () => {
  let registry = await stage.start();
  const blobs = Array.from({ length: flips + 5 }, () => randomBytes(66_000));
  await pushImage(registry, blobs);
  const damaged = new Set(blobFiles().slice(0, flips));
  for (const file of damaged) flipOneBit(file);
  const hexes = [...damaged].map((file) => `sha256:${basename(file).split(".")[0]}`).toSorted();

  const found = await stage.run(["verify", "--all", "--data", stage.data, "--json"]);

  expect(found.code).toBe(1);
  const report = JSON.parse(found.out) as Report;
  expect(report.damaged.map(({ digest }) => digest).toSorted()).toEqual(hexes);
  expect(report.damaged.every(({ images }) => images.join() === "team/app:1")).toBe(true);
  expect(await status(registry, `/v2/team/app/blobs/${hexes[0]}`)).toBe(404);
  const alarm = await stage.run(["status", "--data", stage.data]);
  expect(alarm.out).toContain(`ALARM: ${flips} blobs or manifests are damaged`);
  // What is in quarantine stays there over a restart.
  await stage.stop();
  registry = await stage.start();
  expect(await status(registry, `/v2/team/app/blobs/${hexes[0]}`)).toBe(404);

  await pushImage(registry, blobs);

  const again = await stage.run(["verify", "team/app:1", "--data", stage.data]);
  expect([again.err, again.code]).toEqual(["", 0]);
  expect(again.out).toMatch(/^sound: /);
  expect((await stage.run(["status", "--data", stage.data])).out).not.toContain("ALARM");
  for (const bytes of blobs) expect(await status(registry, `/v2/team/app/blobs/${digestOf(bytes)}`)).toBe(200);
});

test("I5: the scrub finds by itself what nobody asks about: files, small blobs and manifests", async () => {
  let registry = await stage.start();
  const blobs = [randomBytes(500), randomBytes(70_000), randomBytes(100)];
  const manifest = await pushImage(registry, blobs);
  await stage.stop();
  for (const file of blobFiles()) flipOneBit(file);
  const db = new Database(join(stage.data, "dozo.db"));
  db.query("UPDATE manifest_contents SET bytes = zeroblob(size_bytes), verified_at = 1 WHERE digest = ?1").run(
    manifest,
  );
  db.query("UPDATE blob_contents SET bytes = zeroblob(length(bytes))").run();
  db.query("UPDATE blobs SET verified_at = 1").run();
  db.close();

  registry = await stage.start();

  const paths = [`manifests/1`, ...blobs.map((bytes) => `blobs/${digestOf(bytes)}`)];
  for (const path of paths) {
    const deadline = Date.now() + 60_000;
    while ((await status(registry, `/v2/team/app/${path}`)) !== 404 && Date.now() < deadline) await Bun.sleep(50);
    expect([path, await status(registry, `/v2/team/app/${path}`)]).toEqual([path, 404]);
  }
  expect(readFileSync(join(stage.folder, "server.log"), "utf8")).toContain(
    "is damaged and answers as if it were not there",
  );
  expect(await pushImage(registry, blobs)).toBe(manifest);
  expect((await stage.run(["verify", "--all", "--data", stage.data])).out).toMatch(/^sound: /);
});

test("a blob whose file is gone is found by who asks for it, and the next push puts it back", async () => {
  const registry = await stage.start();
  const blobs = [randomBytes(100), randomBytes(70_000)];
  await pushImage(registry, blobs);
  const [file = ""] = blobFiles();
  const path = `/v2/team/app/blobs/sha256:${basename(file).split(".")[0]}`;
  expect(statSync(file).size).toBe(70_000);
  rmSync(file);

  expect(await status(registry, path)).toBe(503);
  const deadline = Date.now() + 60_000;
  while ((await status(registry, path)) !== 404 && Date.now() < deadline) await Bun.sleep(50);

  await pushImage(registry, blobs);
  expect(await status(registry, path)).toBe(200);
});
