import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Connection } from "./connection.ts";
import { Content } from "./content.ts";
import { type Peer, startPeer } from "./peers.ts";
import { expectStatus, pushBlob, startUpload } from "./push-pull.ts";

const folder = mkdtempSync(join(tmpdir(), "dozo-descriptors-"));
const layer = new Content("a layer that comes through a pipe", 1e6);
let peer: Peer;

beforeAll(async () => {
  peer = await startPeer("dozo", folder);
}, 30_000);

afterAll(async () => {
  await peer.stop();
  rmSync(folder, { recursive: true, force: true });
}, 30_000);

/** The server's lowest free descriptor: with that as its limit it can open nothing more. */
function lowestFreeDescriptor(): number {
  const open = new Set(readdirSync(`/proc/${peer.pid}/fd`).map(Number));
  for (let descriptor = 0; ; descriptor += 1) if (!open.has(descriptor)) return descriptor;
}

/** The running server may open descriptors below `count`. */
function limitDescriptors(count: number): void {
  const { status, stderr } = spawnSync("prlimit", [`--pid=${peer.pid}`, `--nofile=${count}:`], { encoding: "utf8" });
  if (status !== 0) throw new Error(`prlimit failed: ${stderr}`);
}

test("an upload for which no descriptor is left is to come again in a moment, the log says why, and then it is taken", async () => {
  const limit = Number(/open files\s+(\d+)/.exec(readFileSync(`/proc/${peer.pid}/limits`, "utf8"))?.[1]);
  const connection = await Connection.open(peer.endpoint);
  // Everything that is opened once and kept has been by then.
  const first = new Content("the first", 1e6);
  await pushBlob(connection, "load/descriptors", first, first.digest(), "docker");
  const target = await startUpload(connection, "load/descriptors");
  limitDescriptors(lowestFreeDescriptor());
  const refused = await connection.request("PATCH", target, {
    body: Buffer.concat([...layer.parts(0, layer.sizeBytes)]),
  });
  limitDescriptors(limit);

  expect(refused.status).toBe(503);
  expect(refused.headers.get("retry-after")).toBe("5");
  expect(readFileSync(join(folder, "server.log"), "utf8")).toContain("ulimit -n");
  const again = await Connection.open(peer.endpoint);
  await pushBlob(again, "load/descriptors", layer, layer.digest(), "docker");
  expectStatus("GET /v2/ afterwards", await again.request("GET", "/v2/"), 200);
  again.close();
  connection.close();
}, 60_000);
