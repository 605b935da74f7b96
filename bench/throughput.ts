import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Content } from "../test/load/content.ts";
import { type ContentFile, curlPull, curlPush, writeContent } from "../test/load/curl.ts";
import { isThere, type Peer, type PeerName, peerNames, startPeer } from "../test/load/peers.ts";
import { cpuSeconds, peakResidentBytes } from "../test/load/process-usage.ts";
import { formatTable, median, megabytes } from "../test/load/table.ts";

/*
 * `npm run bench`: pushes and pulls 1 GiB through TLS to dozo and to the other registries that are there, in turns,
 * and shows the server's processor time per GB and the wall time: the median of three rounds, and the range. Figures
 * of different runs cannot be compared: machines differ, and from minute to minute. With `--check` it ends with 1 where
 * dozo is not as good as it has to be: pulls better than all, pushes no worse in processor time and better in wall time.
 */

const { values: flags } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    check: { type: "boolean", default: false },
    rounds: { type: "string", default: "3" },
    registry: { type: "string", multiple: true },
    mebibytes: { type: "string", default: "1024" },
  },
});
const sizeBytes = Number(flags.mebibytes) * 1024 * 1024;
const repository = "bench/throughput";

/** What is measured: the two ways up, and the way down. */
const works = ["push (POST, PATCH, PUT)", "push (POST, PUT)", "pull"] as const;
type Work = (typeof works)[number];

interface Sample {
  readonly registry: PeerName;
  readonly work: Work;
  readonly cpuSecondsPerGb: number;
  readonly wallSeconds: number;
}

async function runOnce(peer: Peer, work: Work, files: ReadonlyMap<Work, ContentFile>): Promise<Sample> {
  const file = files.get(work === "pull" ? works[0] : work);
  if (file === undefined) throw new Error(`there is nothing to ${work}`);
  const before = cpuSeconds(peer.pid);
  const wallSeconds =
    work === "pull"
      ? await curlPull(peer, repository, file.digest)
      : await curlPush(peer, repository, file, work === works[0] ? "docker" : "put");
  const cpuSecondsPerGb = (cpuSeconds(peer.pid) - before) / (sizeBytes / 1e9);
  return { registry: peer.name, work, cpuSecondsPerGb, wallSeconds };
}

/** New contents for each round: what a registry has already it may treat otherwise. */
function contentsOf(round: number): ReadonlyMap<Work, ContentFile> {
  const pushes = works.filter((work) => work !== "pull");
  return new Map(
    pushes.map((work, index) => [
      work,
      writeContent(new Content(`${work} ${round}`, sizeBytes), join(folder, `content-${index}`)),
    ]),
  );
}

function spread(values: readonly number[]): string {
  return `${median(values).toFixed(2)} (${Math.min(...values).toFixed(2)}..${Math.max(...values).toFixed(2)})`;
}

function rowOf(registry: PeerName, work: Work, samples: readonly Sample[]): string[] {
  const mine = samples.filter((sample) => sample.registry === registry && sample.work === work);
  return [
    `${work}: ${registry}`,
    spread(mine.map((sample) => sample.cpuSecondsPerGb)),
    spread(mine.map((sample) => sample.wallSeconds)),
  ];
}

/** What does not hold of "pulls better than both, pushes no worse in processor time and better in wall time". */
function shortfalls(samples: readonly Sample[]): string[] {
  const middle = (registry: PeerName, work: Work, field: "cpuSecondsPerGb" | "wallSeconds"): number =>
    median(samples.filter((one) => one.registry === registry && one.work === work).map((one) => one[field]));
  const registries = [...new Set(samples.map((sample) => sample.registry))];
  return registries
    .filter((name) => name.startsWith("dozo"))
    .flatMap((own) =>
      registries
        .filter((name) => !name.startsWith("dozo"))
        .flatMap((other) =>
          works.flatMap((work) =>
            (["cpuSecondsPerGb", "wallSeconds"] as const)
              .filter((field) => middle(own, work, field) > middle(other, work, field))
              .map((field) => `${work}: ${own} is behind ${other} in ${field}`),
          ),
        ),
    );
}

const folder = mkdtempSync(join(tmpdir(), "dozo-bench-"));
const peers: Peer[] = [];
const samples: Sample[] = [];
const peaks: Record<string, number> = {};
try {
  for (const name of peerNames.filter((one) => isThere(one) && (flags.registry?.includes(one) ?? true)))
    peers.push(await startPeer(name, join(folder, String(peers.length))));
  for (let round = 0; round < Number(flags.rounds); round += 1) {
    const files = contentsOf(round);
    for (const work of works)
      for (const at of peers.keys()) {
        const peer = peers[(at + round) % peers.length];
        if (peer !== undefined) samples.push(await runOnce(peer, work, files));
      }
  }
  for (const peer of peers) peaks[peer.name] = peakResidentBytes(peer.pid);
} finally {
  await Promise.all(peers.map((peer) => peer.stop()));
  rmSync(folder, { recursive: true, force: true });
}

const problems = shortfalls(samples);
const rows = works.flatMap((work) => peers.map((peer) => rowOf(peer.name, work, samples)));
process.stdout.write(
  flags.json
    ? `${JSON.stringify({ samples, peakResidentBytes: peaks, problems }, undefined, 2)}\n`
    : [
        formatTable([["", "CPU-s/GB", "wall s"], ...rows]),
        `\npeak resident MB: ${Object.entries(peaks)
          .map(([name, bytes]) => `${name} ${megabytes(bytes)}`)
          .join(", ")}\n`,
        ...problems.map((problem) => `${problem}\n`),
      ].join(""),
);
process.exitCode = flags.check && problems.length > 0 ? 1 : 0;
