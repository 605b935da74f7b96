import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { heldUploads, oneLargeBlob, slowPulls, untilDescriptorsAreBack } from "./memory-runs.ts";
import { type Peer, startPeer } from "./peers.ts";
import { openDescriptors } from "./process-usage.ts";

/*
 * The smaller form of `npm run load`. Memory, unlike time, is the same on every machine: so its limits are asserted. What
 * the runtime has to keep for it: bodies flow back in both directions, and clients that go away are noticed.
 */

const folder = mkdtempSync(join(tmpdir(), "dozo-memory-"));
let peer: Peer;
let idleDescriptors: number;

beforeAll(async () => {
  peer = await startPeer("dozo", folder);
  await oneLargeBlob(peer, 1e6);
  idleDescriptors = openDescriptors(peer.pid) + 4;
}, 30_000);

afterAll(async () => {
  await peer.stop();
  rmSync(folder, { recursive: true, force: true });
}, 30_000);

test("a large blob goes up and down in bounded memory", async () => {
  for (const run of await oneLargeBlob(peer, 1e9)) expect(run.peakBytes).toBeLessThan(run.limitBytes);
}, 120_000);

test("many uploads that stop in mid-body, and break off, stay in bounded memory and leave no descriptor", async () => {
  const run = await heldUploads(peer, 50, 40e6, 2000);

  expect(run.peakBytes).toBeLessThan(run.limitBytes);
  await untilDescriptorsAreBack(peer, idleDescriptors);
}, 120_000);

test("many slow downloads, and their ends in mid-body, stay in bounded memory and leave no descriptor", async () => {
  for (const run of await slowPulls(peer, 200, 256e6, 4000)) expect(run.peakBytes).toBeLessThan(run.limitBytes);
  await untilDescriptorsAreBack(peer, idleDescriptors);
}, 120_000);
