// Clients of a registry whose certificate is replaced all the time: pulls, pushes, slow downloads, and connections that begin
// and end. Runs until something comes on standard input, and then says what it has seen as one line of JSON.
import { Connection, type Endpoint } from "../load/connection.ts";
import { Content } from "../load/content.ts";
import { expectStatus, pushBlob } from "../load/push-pull.ts";
import type { SwapCounts } from "./swap-run.ts";

const endpoint = JSON.parse(process.argv[2] ?? "") as Endpoint;
const repository = "swaps";
const sample = new Content("sample", 256 * 1024);
const large = new Content("large", 24 * 1024 * 1024);

const counts = { pulls: 0, pushes: 0, slowDownloads: 0, connections: 0, lateRequests: 0, reset: 0 };
/** What became of connections whose handshake was over. */
const broken: string[] = [];
const over = new AbortController();

/** A connection that the server ends while it is accepted is only counted: it is the one thing that may happen. */
async function openConnection(): Promise<Connection> {
  for (;;) {
    try {
      const connection = await Connection.open(endpoint);
      counts.connections += 1;
      return connection;
    } catch {
      counts.reset += 1;
    }
  }
}

/** Uses one connection for one request after the other, for as long as the server wants it to. */
async function keepAlive(what: string, work: (connection: Connection) => Promise<boolean>): Promise<void> {
  while (!over.signal.aborted) {
    const connection = await openConnection();
    try {
      while (!over.signal.aborted && (await work(connection)));
    } catch (error) {
      broken.push(`${what}: ${String(error)}`);
    }
    connection.close();
  }
}

async function pull(connection: Connection, content: Content, pauseMs: number): Promise<boolean> {
  const target = `/v2/${repository}/blobs/${content.digest()}`;
  await connection.sendHead("GET", target);
  const head = await connection.readHead();
  expectStatus(`GET ${target}`, head, 200);
  let at = 0;
  await connection.readBody("GET", head, async (part) => {
    if (!content.matches(part, at)) throw new Error("the download has other bytes");
    at += part.length;
    if (pauseMs > 0 && !over.signal.aborted) await Bun.sleep(pauseMs);
  });
  if (at !== content.sizeBytes) throw new Error("the download is too short");
  return head.headers.get("connection") !== "close";
}

/** The three requests of a push may need a connection each. */
async function push(connection: Connection, seed: string): Promise<boolean> {
  const content = new Content(seed, 100 * 1024);
  let current = connection;
  const wrapped = {
    request: async (...words: Parameters<Connection["request"]>) => {
      const answer = await current.request(...words);
      if (answer.headers.get("connection") === "close") current = await openConnection();
      return answer;
    },
    sendHead: (...words: Parameters<Connection["sendHead"]>) => current.sendHead(...words),
    send: (bytes: Uint8Array) => current.send(bytes),
    readHead: async () => {
      const head = await current.readHead();
      isLast = head.headers.get("connection") === "close";
      return head;
    },
    readBody: async (...words: Parameters<Connection["readBody"]>) => {
      await current.readBody(...words);
      if (isLast) current = await openConnection();
    },
  };
  let isLast = false;
  await pushBlob(wrapped as unknown as Connection, repository, content, content.digest(), "docker");
  if (current === connection) return true;
  current.close();
  return false;
}

let pushed = 0;
await openConnection().then(async (connection) => {
  await pushBlob(connection, repository, sample, sample.digest(), "put");
  await pushBlob(connection, repository, large, large.digest(), "put");
  connection.close();
});
const pulling = (): Promise<void> =>
  keepAlive("pulling", async (connection) => {
    const goesOn = await pull(connection, sample, 0);
    counts.pulls += 1;
    await Bun.sleep(5);
    return goesOn;
  });
const pushing = (): Promise<void> =>
  keepAlive("pushing", async (connection) => {
    const goesOn = await push(connection, `push ${++pushed % 4}`);
    counts.pushes += 1;
    await Bun.sleep(20);
    return goesOn;
  });
const downloadingSlowly = (): Promise<void> =>
  keepAlive("downloadingSlowly", async (connection) => {
    const goesOn = await pull(connection, large, 10);
    counts.slowDownloads += 1;
    return goesOn;
  });
/** Begins a connection, and has nothing to say for a while. */
const beingLate = (lateMs: number): Promise<void> =>
  keepAlive(`late by ${lateMs} ms`, async (connection) => {
    if (lateMs > 0) await Bun.sleep(lateMs);
    expectStatus("GET /livez", await connection.request("GET", "/livez"), 200);
    counts.lateRequests += 1;
    return false;
  });
process.stdout.write("ready\n");
const all = [pulling(), pulling(), pushing(), downloadingSlowly(), downloadingSlowly(), downloadingSlowly()];
all.push(beingLate(0), beingLate(20), beingLate(50), beingLate(200), beingLate(200), beingLate(200));
await Bun.stdin.stream().getReader().read();
over.abort();
await Promise.all(all);
const result: SwapCounts = { ...counts, broken };
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);
