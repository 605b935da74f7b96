// One run: a registry, its clients in a process of their own, and so many certificates one after the other. Made to be started
// in a network namespace, whose way with half-open connections the caller has chosen. Says what it has seen as one line of JSON.
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { credentialsOf } from "../api/registry.ts";
import { openDescriptors } from "../load/process-usage.ts";

/** What the clients have seen. */
export interface SwapCounts {
  readonly pulls: number;
  readonly pushes: number;
  readonly slowDownloads: number;
  readonly connections: number;
  readonly lateRequests: number;
  /** Connections that the server ended while they were being accepted. */
  readonly reset: number;
  /** What became of connections whose handshake was over, where the server had not announced their end. */
  readonly broken: readonly string[];
}

/** The whole of a run. */
export interface SwapResult extends SwapCounts {
  readonly swaps: number;
  /** Of the server, a hundred times in the course of the run. */
  readonly descriptors: readonly number[];
  /** By which the server's memory grew with a thousand swaps more. */
  readonly grownBytes: number;
}

/** Much shorter than it would be in the life of a server, and long enough for a client that has to wait for a processor. */
const pauseMs = 15;

async function run(swaps: number): Promise<SwapResult> {
  const server = startScript("swap-server.ts", []);
  const port = Number(await server.line());
  const endpoint = { port, caPem: "any", authorization: credentialsOf("alice") };
  const clients = startScript("swap-clients.ts", [JSON.stringify(endpoint)]);
  await clients.line();
  const descriptors: number[] = [];
  for (let swap = 1; swap <= swaps; swap++) {
    await server.tell("swap\n");
    await server.line();
    await Bun.sleep(pauseMs);
    if (swap % Math.ceil(swaps / 100) === 0) descriptors.push(openDescriptors(server.pid));
  }
  await clients.tell("enough\n");
  const counts = JSON.parse(await clients.line()) as SwapCounts;
  await server.tell("\n");
  return { swaps, descriptors, grownBytes: Number(await server.line()), ...counts };
}

interface Script {
  readonly pid: number;
  readonly line: () => Promise<string>;
  readonly tell: (text: string) => Promise<void>;
}

function startScript(name: string, words: readonly string[]): Script {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, name), ...words], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const lines = createInterface({ input: Readable.fromWeb(child.stdout as never) })[Symbol.asyncIterator]();
  return {
    pid: child.pid,
    line: async () => {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`${name} ended`);
      return value;
    },
    tell: async (text) => {
      await child.stdin.write(text);
      await child.stdin.flush();
    },
  };
}

if (import.meta.main) {
  process.stdout.write(`${JSON.stringify(await run(Number(process.argv[2])))}\n`);
  process.exit(0);
}
