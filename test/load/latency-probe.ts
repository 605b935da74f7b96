import { Connection, type Endpoint } from "./connection.ts";

/*
 * Measures how long small GETs take while something else keeps the server busy: in a process of its own, at ordinary
 * priority, over connections that are kept alive. Requests fall due at a fixed rate, and each is timed from the moment at which
 * it was due: a server that stands still for a second is seen by every request of that second, not by one.
 */

/** What to ask for, and how often. */
export interface ProbeJob {
  readonly endpoint: Endpoint;
  readonly targets: readonly string[];
  readonly connections: number;
  /** Between the requests of one connection. */
  readonly everyMs: number;
}

async function probe(job: ProbeJob, latenciesMs: number[], isOver: () => boolean): Promise<void> {
  const connection = await Connection.open(job.endpoint);
  let dueAt = performance.now();
  for (let count = 0; !isOver(); count += 1) {
    const early = dueAt - performance.now();
    if (early > 0) await Bun.sleep(early);
    const target = job.targets[count % job.targets.length] ?? "/v2/";
    const { status } = await connection.request("GET", target, {
      headers: { Accept: "*/*, application/vnd.oci.image.manifest.v1+json" },
    });
    if (status !== 200) throw new Error(`a small GET was answered with ${status}`);
    latenciesMs.push(performance.now() - dueAt);
    dueAt += job.everyMs;
  }
  connection.close();
}

if (import.meta.main) {
  const lines = console[Symbol.asyncIterator]();
  const job = JSON.parse((await lines.next()).value ?? "") as ProbeJob;
  const latenciesMs: number[] = [];
  let isOver = false;
  const probes = Promise.all(Array.from({ length: job.connections }, () => probe(job, latenciesMs, () => isOver)));
  await Promise.race([lines.next(), probes]);
  isOver = true;
  await probes;
  process.stdout.write(`${JSON.stringify(latenciesMs)}\n`);
  process.exit();
}
