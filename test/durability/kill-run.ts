import { join } from "node:path";
import { freePort } from "../load/peers.ts";
import { AcknowledgedSet } from "./acknowledged.ts";
import { Pusher } from "./pusher.ts";
import { RegistryProcess } from "./registry-process.ts";

/** What a series of kills came to. */
export interface KillReport {
  readonly kills: number;
  /** Blobs, manifests and tags that were acknowledged and read back at the end. */
  readonly acknowledged: number;
  /** One sentence for each thing that was not as it had been acknowledged, or that was refused. */
  readonly losses: readonly string[];
  /** Uploads that were gone on with after a kill, and those of them that had lost bytes of an acknowledged chunk. */
  readonly resumedUploads: number;
  readonly steppedBackUploads: number;
  /** The longest time from a start to the first answer. */
  readonly slowestStartMs: number;
}

/** How a series is run. `folder` is the caller's to remove. */
export interface KillOptions {
  readonly folder: string;
  readonly kills: number;
  readonly pushers: number;
  readonly log: (line: string) => void;
}

/**
 * Kills a registry again and again while clients push, starts it with nothing but `dozo serve`, reads a part of
 * what was acknowledged back after each start, and all of it, byte by byte, at the end.
 */
export async function runKills({ folder, kills, pushers, log }: KillOptions): Promise<KillReport> {
  const port = await freePort();
  const first = await RegistryProcess.start(folder, port);
  await first.stop();
  const acknowledged = new AcknowledgedSet(join(folder, "acknowledged.jsonl"));
  const moment = new Moment();
  const clients = Array.from(
    { length: pushers },
    (_, index) => new Pusher(`durable/${index}`, acknowledged, () => moment.onAcknowledged()),
  );
  const losses: string[] = [];
  let slowestStartMs = 0;
  for (let kill = 1; kill <= kills; kill += 1) {
    const registry = await RegistryProcess.start(folder, port);
    try {
      slowestStartMs = Math.max(slowestStartMs, registry.readyAfterMs);
      losses.push(...(await acknowledged.verify(registry.endpoint, 20 / Math.max(20, acknowledged.size))));
      losses.push(...(await pushUntilKilled(registry, clients, moment)));
    } finally {
      await registry.kill();
    }
    if (kill % 10 === 0) log(`${kill} kills, ${acknowledged.size} acknowledged, ${losses.length} lost`);
  }
  const last = await RegistryProcess.start(folder, port);
  losses.push(...(await acknowledged.verify(last.endpoint)));
  await last.stop();
  acknowledged.close();
  return {
    kills,
    acknowledged: acknowledged.size,
    losses,
    resumedUploads: clients.reduce((sum, client) => sum + client.resumed, 0),
    steppedBackUploads: clients.reduce((sum, client) => sum + client.steppedBack, 0),
    slowestStartMs,
  };
}

/** What the clients complain of, besides that the connection broke. */
async function pushUntilKilled(
  registry: RegistryProcess,
  clients: readonly Pusher[],
  moment: Moment,
): Promise<readonly string[]> {
  let isKilled = false;
  const results = clients.map(async (client) => {
    try {
      await client.run(registry.endpoint, () => isKilled);
      return undefined;
    } catch (error) {
      const isExpected = isKilled && /closed|connect|reset|EPIPE/i.test(String(error));
      return isExpected ? undefined : String(error);
    }
  });
  await moment.toKill();
  isKilled = true;
  await registry.kill();
  const complaints = await Promise.all(results);
  return complaints.filter((complaint) => complaint !== undefined);
}

/** The moment of a kill: at random, every second time within three milliseconds of an answer. */
class Moment {
  #count = 0;
  #wake: (() => void) | undefined;

  onAcknowledged(): void {
    this.#wake?.();
  }

  async toKill(): Promise<void> {
    this.#count += 1;
    await Bun.sleep(5 + Math.random() * 395);
    if (this.#count % 2 === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await Promise.race([promise, Bun.sleep(1000)]);
    this.#wake = undefined;
    await Bun.sleep(Math.random() * 3);
  }
}
