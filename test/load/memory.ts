import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { heldUploads, type MemoryFigures, oneLargeBlob, slowPulls } from "./memory-runs.ts";
import { isThere, type PeerName, peerNames, startPeer } from "./peers.ts";
import { formatTable, megabytes } from "./table.ts";

/*
 * `npm run load`: the server's resident memory under large bodies and many of them. With `--peers` the other registries
 * of the machine go through the same; with `--json` the figures are for programs. Ends with 1 where dozo is above a limit.
 */

const { values: flags } = parseArgs({
  options: { peers: { type: "boolean", default: false }, json: { type: "boolean", default: false } },
});

async function runOn(name: PeerName): Promise<MemoryFigures[]> {
  const folder = mkdtempSync(join(tmpdir(), "dozo-load-"));
  try {
    const peer = await startPeer(name, folder);
    try {
      return [
        ...(await oneLargeBlob(peer, 5e9)),
        await heldUploads(peer, 50, 200e6, 5000),
        ...(await slowPulls(peer, 200, 1e9, 15_000)),
      ];
    } catch (error) {
      const log = readFileSync(join(folder, "server.log"), "utf8").slice(-3000);
      throw new Error(`${name} failed; its log ends with:\n${log}`, { cause: error });
    } finally {
      await peer.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const names = peerNames.filter((name) => isThere(name) && (flags.peers || name.startsWith("dozo")));
const results: (MemoryFigures & { readonly registry: PeerName })[] = [];
for (const registry of names) for (const figures of await runOn(registry)) results.push({ registry, ...figures });

const rows = results.map(({ registry, what, peakBytes, limitBytes, seconds }) => [
  `${registry}: ${what}`,
  megabytes(peakBytes),
  megabytes(limitBytes),
  seconds.toFixed(1),
]);
process.stdout.write(
  flags.json ? `${JSON.stringify(results, undefined, 2)}\n` : formatTable([["", "peak MB", "limit MB", "s"], ...rows]),
);
process.exitCode = results.some((run) => run.registry.startsWith("dozo") && run.peakBytes >= run.limitBytes) ? 1 : 0;
