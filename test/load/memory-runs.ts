import { BulkClient, runBulk } from "./bulk.ts";
import { Connection } from "./connection.ts";
import { Content } from "./content.ts";
import { dropFromPageCache, filesBelow } from "./page-cache.ts";
import type { Peer } from "./peers.ts";
import { openDescriptors, residentBytes, watchPeak } from "./process-usage.ts";
import { expectStatus } from "./push-pull.ts";

/** What a run saw of the server. */
export interface MemoryFigures {
  readonly what: string;
  /** The largest of samples taken every 100 ms. */
  readonly peakBytes: number;
  readonly limitBytes: number;
  readonly seconds: number;
}

const gigabyte = 1e9;

/** The most memory that the server may have resident (acceptance of the first release). */
const memoryLimits = { oneBlobBytes: 150e6, manyConnectionsBytes: 200e6 };

/** One blob up, in Docker's flow, and down again: from the page cache, as far as it is there, and from the disk. */
export async function oneLargeBlob(peer: Peer, sizeBytes: number): Promise<MemoryFigures[]> {
  const seed = `one large blob ${sizeBytes}`;
  const digest = new Content(seed, sizeBytes).digest();
  const job = { endpoint: peer.endpoint, repository: "load/large", sizeBytes };
  const size = `${(sizeBytes / gigabyte).toFixed(1)} GB`;
  return [
    await measure(peer, `a blob of ${size} up`, memoryLimits.oneBlobBytes, async () => {
      await runBulk({ ...job, kind: "push", flow: "docker", seeds: [seed], digests: [digest] });
    }),
    await measure(peer, `a blob of ${size} down`, memoryLimits.oneBlobBytes, async () => {
      await runBulk({ ...job, kind: "pull", digests: [digest] });
    }),
    await measure(peer, `a blob of ${size} down from the disk`, memoryLimits.oneBlobBytes, async () => {
      emptyPageCache(peer);
      await runBulk({ ...job, kind: "pull", digests: [digest] });
    }),
  ];
}

/** Many uploads that stop in mid-body; half of them then go on to the end, the others break off. */
export async function heldUploads(
  peer: Peer,
  count: number,
  sizeBytes: number,
  holdMs: number,
): Promise<MemoryFigures> {
  const seeds = Array.from({ length: count }, (_, index) => `held upload ${index}`);
  const what = `${count} uploads of ${megabytesOf(sizeBytes)} held open in mid-body`;
  return measure(peer, what, memoryLimits.manyConnectionsBytes, () =>
    holdAndFinish(
      new BulkClient({ kind: "hold uploads", endpoint: peer.endpoint, repository: "load/held", sizeBytes, seeds }),
      holdMs,
    ),
  );
}

/**
 * Many pulls of one blob whose readers take 64 KiB a second, and who go away in the middle; the same from the disk, as far
 * as one pull does not bring the bytes into memory for the next.
 */
export async function slowPulls(
  peer: Peer,
  count: number,
  sizeBytes: number,
  holdMs: number,
): Promise<MemoryFigures[]> {
  const seed = `slow pulls ${sizeBytes}`;
  const digest = new Content(seed, sizeBytes).digest();
  const job = { endpoint: peer.endpoint, repository: "load/slow", sizeBytes };
  await runBulk({ ...job, kind: "push", flow: "put", seeds: [seed], digests: [digest] });
  const what = `${count} slow downloads of a blob of ${megabytesOf(sizeBytes)}`;
  const hold = (): Promise<void> =>
    holdAndFinish(
      new BulkClient({ ...job, kind: "slow pulls", seed, digest, connections: count, bytesPerSecond: 64 * 1024 }),
      holdMs,
    );
  return [
    await measure(peer, what, memoryLimits.manyConnectionsBytes, hold),
    await measure(peer, `${what} from the disk`, memoryLimits.manyConnectionsBytes, () => {
      emptyPageCache(peer);
      return hold();
    }),
  ];
}

/** Waits until the server has no more descriptors open than `before`; throws after ten seconds. */
export async function untilDescriptorsAreBack(peer: Peer, before: number): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (openDescriptors(peer.pid) > before) {
    if (Date.now() > deadline)
      throw new Error(`the server keeps ${openDescriptors(peer.pid) - before} descriptors of clients that have gone`);
    await Bun.sleep(50);
  }
}

async function measure(peer: Peer, what: string, limitBytes: number, run: () => Promise<void>): Promise<MemoryFigures> {
  await untilSettled(peer);
  const startedAt = performance.now();
  const watch = watchPeak(() => residentBytes(peer.pid));
  try {
    await run();
  } finally {
    watch.stop();
  }
  await expectAlive(peer);
  return { what, peakBytes: watch.stop(), limitBytes, seconds: (performance.now() - startedAt) / 1000 };
}

/** What a start, a login or an earlier run used is given back after a moment; it is not what is measured. */
async function untilSettled(peer: Peer): Promise<void> {
  let before = Number.POSITIVE_INFINITY;
  for (let looks = 0; looks < 40; looks += 1) {
    const now = residentBytes(peer.pid);
    if (Math.abs(before - now) < 1e6) return;
    before = now;
    await Bun.sleep(500);
  }
}

async function holdAndFinish(client: BulkClient, holdMs: number): Promise<void> {
  try {
    await client.report();
    await Bun.sleep(holdMs);
    await client.finish();
  } finally {
    client.kill();
  }
}

function emptyPageCache(peer: Peer): void {
  for (const file of filesBelow(peer.dataFolder)) dropFromPageCache(file);
}

async function expectAlive(peer: Peer): Promise<void> {
  const connection = await Connection.open(peer.endpoint);
  expectStatus("GET /v2/ afterwards", await connection.request("GET", "/v2/"), 200);
  connection.close();
}

function megabytesOf(sizeBytes: number): string {
  return `${(sizeBytes / 1e6).toFixed(0)} MB`;
}
