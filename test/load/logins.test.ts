import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compareCredentials, guessBeside, loginStart, prepareLogins } from "./login-runs.ts";
import { type Peer, startPeer } from "./peers.ts";

/*
 * The smaller form of `npm run logins`. How long something takes is this machine's matter: so the figures are printed, and what is
 * asserted is what is the same on every machine: who is let in, who is told to come back, what it takes of memory, and that no
 * request waits for a slow hash.
 */

const folder = mkdtempSync(join(tmpdir(), "dozo-logins-"));
let peer: Peer;

beforeAll(async () => {
  peer = await startPeer("dozo", folder, loginStart);
  await prepareLogins(peer);
}, 30_000);

afterAll(async () => {
  await peer.stop();
  rmSync(folder, { recursive: true, force: true });
}, 30_000);

test("AUTH-10: a remembered password is served like an access key, with no slow hash for each request", async () => {
  const figures = await compareCredentials(peer, 4, 600);

  process.stdout.write(`a remembered password beside an access key: ${JSON.stringify(figures)}\n`);
  // With a slow hash it would be a hundredth; that it is nine tenths is for `npm run logins`, on a machine with nothing else to do.
  expect(figures.ratio).toBeGreaterThan(0.5);
}, 60_000);

test("AUTH-07, AUTH-09: while 100 passwords a second are guessed, remembered users are served and new ones let in", async () => {
  // A request of the remembered user that is not answered with 200 makes it fail, and so does a login that is refused.
  const figures = await guessBeside(peer, { source: "200 networks", rounds: 1, forMs: 8000, newConnections: false });

  process.stdout.write(`beside guesses: ${JSON.stringify(figures)}\n`);
  expect(Object.keys(figures.guesses).toSorted()).toEqual(["401", "429"]);
  expect(figures.residentMegabytes).toBeLessThan(256);
}, 60_000);
