import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { descriptorPath, parseTrace } from "../durability/system-calls.ts";
import { runBulk } from "./bulk.ts";
import { Connection } from "./connection.ts";
import { Content } from "./content.ts";
import { type ContentFile, curlPush, writeContent } from "./curl.ts";
import { dropFromPageCache, filesBelow } from "./page-cache.ts";
import { isThere, type Peer, type PeerName, peerNames, type StartOptions, startPeer } from "./peers.ts";
import { Probe } from "./probe.ts";
import { pushSmallImage } from "./push-pull.ts";
import { formatTable, median, percentile } from "./table.ts";

/*
 * How long small GETs take while others push and pull: with every write to a file delayed by 15 ms, with every read of one,
 * and with eight uploads at full speed (there beside distribution, in turns). Needs strace. Ends with 1 where dozo
 * misses a limit.
 */

const { values: flags } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "3" },
    only: { type: "string" },
    registry: { type: "string", multiple: true },
  },
});

const mebibyte = 1024 * 1024;
const repository = "load/latency";
const small = new Content("the small blob", 4096);

/** What a scenario saw, and what it may be. */
interface Figures {
  readonly scenario: string;
  readonly registry: PeerName;
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly bulkSeconds: number;
  readonly limitP99Ms: number | undefined;
}

/** Runs `bulk` with small GETs beside it, and times them. */
async function measure(
  peer: Peer,
  about: Pick<Figures, "scenario" | "limitP99Ms">,
  bulk: () => Promise<number>,
): Promise<Figures> {
  const targets = [`/v2/${repository}/manifests/latest`, `/v2/${repository}/blobs/${small.digest()}`];
  // A login costs one slow hash, and a fresh server has nothing in memory: what is measured is everyday life.
  const connection = await Connection.open(peer.endpoint);
  for (const target of targets) await connection.request("GET", target);
  connection.close();
  const probe = new Probe({ endpoint: peer.endpoint, targets, connections: 4, everyMs: 50 });
  try {
    const bulkSeconds = await bulk();
    const latencies = await probe.finish();
    return {
      ...about,
      registry: peer.name,
      requests: latencies.length,
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
      maxMs: Math.max(...latencies),
      bulkSeconds,
    };
  } finally {
    probe.kill();
  }
}

async function withPeer<Result>(
  name: PeerName,
  folder: string,
  options: StartOptions,
  work: (peer: Peer) => Promise<Result>,
): Promise<Result> {
  const peer = await startPeer(name, folder, options);
  try {
    return await work(peer);
  } finally {
    await peer.stop();
  }
}

async function pushSmall(peer: Peer): Promise<void> {
  const connection = await Connection.open(peer.endpoint);
  await pushSmallImage(connection, repository, "latest", small);
  connection.close();
}

function pushJob(peer: Peer, count: number, sizeBytes: number, mark: string): () => Promise<number> {
  const seeds = Array.from({ length: count }, (_, index) => `${mark} ${index}`);
  const digests = seeds.map((seed) => new Content(seed, sizeBytes).digest());
  return () =>
    runBulk({ kind: "push", flow: "docker", endpoint: peer.endpoint, repository, sizeBytes, seeds, digests });
}

/** strace's arguments that delay the named system calls by 15 ms, where they go to one of `files`, if any are named. */
function delaying(calls: string, files: readonly string[]): string[] {
  const quiet = ["strace", "-f", "--seccomp-bpf", "-qqq", "-o", "/dev/null"];
  return [
    ...quiet,
    "-e",
    `trace=${calls}`,
    "-e",
    `inject=${calls}:delay_enter=15000`,
    ...files.flatMap((file) => ["-P", file]),
  ];
}

/**
 * Four uploads while every write to a file takes 15 ms longer. dozo and its database write files by pwrite64 only, which
 * is looked at first; the runtime's pwritev2 goes to pipes, which are no files.
 */
async function slowWrites(name: PeerName, folder: string): Promise<Figures> {
  await withPeer(name, folder, {}, pushSmall);
  await assertWritesByPositionOnly(name, folder);
  const under = delaying("pwrite64", []);
  return withPeer(name, folder, { under }, (peer) =>
    measure(
      peer,
      { scenario: "four uploads of 32 MiB, every file write + 15 ms", limitP99Ms: 50 },
      pushJob(peer, 4, 32 * mebibyte, "slow writes"),
    ),
  );
}

async function assertWritesByPositionOnly(name: PeerName, folder: string): Promise<void> {
  const trace = join(folder, "writes");
  const quiet = ["strace", "-f", "-y", "--seccomp-bpf", "-qqq", "-s", "0", "-o", trace];
  const under = [...quiet, "-e", "trace=write,writev,pwrite64,pwritev,pwritev2,sendfile,splice,copy_file_range"];
  await withPeer(name, folder, { under }, async (peer) => {
    await pushJob(peer, 4, 8 * mebibyte, "which calls")();
  });
  const stored = new RegExp(`^${RegExp.escape(join(folder, "data"))}/(?:blobs/|uploads/|dozo\\.db)`);
  const calls = parseTrace(readFileSync(trace, "utf8")).filter((call) => stored.test(descriptorPath(call) ?? ""));
  const others = new Set(calls.map((call) => call.name).filter((call) => call !== "pwrite64"));
  if (calls.length === 0 || others.size > 0)
    throw new Error(
      `the server writes files with ${[...others].join(", ") || "no call that is known"}: delay that, too`,
    );
}

/** Four pulls while every read of a blob's file or of the database takes 15 ms longer, and nothing is in the page cache. */
async function slowReads(name: PeerName, folder: string): Promise<Figures> {
  const sizeBytes = 32 * mebibyte;
  await withPeer(name, folder, {}, async (peer) => {
    await pushSmall(peer);
    await pushJob(peer, 4, sizeBytes, "slow reads")();
  });
  const files = filesBelow(join(folder, "data"));
  for (const file of files) dropFromPageCache(file);
  const digests = Array.from({ length: 4 }, (_, index) => new Content(`slow reads ${index}`, sizeBytes).digest());
  return withPeer(name, folder, { under: delaying("read,readv,pread64,preadv,preadv2", files) }, (peer) =>
    measure(peer, { scenario: "four pulls of 32 MiB, every file read + 15 ms", limitP99Ms: 50 }, () =>
      runBulk({ kind: "pull", endpoint: peer.endpoint, repository, sizeBytes, digests }),
    ),
  );
}

/** Eight uploads at full speed, in turns with distribution. */
async function fullSpeed(names: readonly PeerName[], folder: string): Promise<Figures[]> {
  const figures: Figures[] = [];
  const files = Array.from({ length: 8 }, (_, index) =>
    writeContent(new Content(`full speed ${index}`, 256e6), join(folder, `content-${index}`)),
  );
  for (let round = 0; round < Number(flags.rounds); round += 1)
    for (const name of names) {
      const own = join(folder, `${round} ${name}`);
      const one = await withPeer(name, own, {}, async (peer) => {
        await pushSmall(peer);
        return measure(
          peer,
          { scenario: "eight uploads of 256 MB at full speed", limitP99Ms: name.startsWith("dozo") ? 100 : undefined },
          () => pushAtOnce(peer, files),
        );
      });
      figures.push(one);
      rmSync(own, { recursive: true, force: true });
    }
  return names.map((name) => medianOf(figures.filter((one) => one.registry === name)));
}

async function pushAtOnce(peer: Peer, files: readonly ContentFile[]): Promise<number> {
  return Math.max(...(await Promise.all(files.map((file) => curlPush(peer, repository, file, "docker")))));
}

function medianOf(rounds: readonly Figures[]): Figures {
  const [first] = rounds;
  if (first === undefined) throw new Error("nothing was measured");
  const middle = (field: "p50Ms" | "p99Ms" | "maxMs" | "bulkSeconds" | "requests"): number =>
    median(rounds.map((round) => round[field]));
  return {
    ...first,
    requests: middle("requests"),
    p50Ms: middle("p50Ms"),
    p99Ms: middle("p99Ms"),
    maxMs: middle("maxMs"),
    bulkSeconds: middle("bulkSeconds"),
  };
}

function shortfalls(figures: readonly Figures[]): string[] {
  const rival = figures.find((one) => one.registry.startsWith("distribution"));
  return figures.flatMap((one) => {
    const name = `${one.registry}, ${one.scenario}`;
    const isLate = one.limitP99Ms !== undefined && one.p99Ms >= one.limitP99Ms;
    const isSlower =
      rival !== undefined &&
      one.scenario === rival.scenario &&
      one.registry.startsWith("dozo") &&
      one.bulkSeconds >= rival.bulkSeconds;
    return [
      ...(isLate ? [`${name}: p99 is ${one.p99Ms.toFixed(1)} ms, at or above ${one.limitP99Ms} ms`] : []),
      ...(isSlower ? [`${name}: takes longer than ${rival.registry}`] : []),
    ];
  });
}

const names = peerNames.filter((name) => isThere(name) && (flags.registry?.includes(name) ?? true));
const figures: Figures[] = [];
const folder = mkdtempSync(join(tmpdir(), "dozo-latency-"));
try {
  for (const name of names.filter((one) => one.startsWith("dozo"))) {
    if (flags.only === undefined || flags.only === "writes")
      figures.push(await slowWrites(name, join(folder, `writes ${name}`)));
    if (flags.only === undefined || flags.only === "reads")
      figures.push(await slowReads(name, join(folder, `reads ${name}`)));
  }
  if (flags.only === undefined || flags.only === "speed")
    figures.push(
      ...(await fullSpeed(
        names.filter((one) => one !== "docker-registry 2.8"),
        folder,
      )),
    );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const problems = shortfalls(figures);
const rows = figures.map((one) => [
  `${one.scenario}: ${one.registry}`,
  ...[one.p50Ms, one.p99Ms, one.maxMs].map((value) => value.toFixed(1)),
  String(one.requests),
  one.bulkSeconds.toFixed(1),
]);
process.stdout.write(
  flags.json
    ? `${JSON.stringify({ figures, problems }, undefined, 2)}\n`
    : `${formatTable([["small GETs meanwhile", "p50 ms", "p99 ms", "max ms", "count", "bulk s"], ...rows])}${problems.map((problem) => `${problem}\n`).join("")}`,
);
process.exitCode = problems.length > 0 ? 1 : 0;
