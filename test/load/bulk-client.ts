import { Connection, type Endpoint } from "./connection.ts";
import { Content } from "./content.ts";
import { endChunked, pullBlob, pushBlob, type PushFlow } from "./push-pull.ts";
import { expectStatus, locationOf, sendChunked, startUpload, withDigest } from "./push-pull.ts";

/*
 * The client of the load programs, in a process of its own: `bulk-client.ts` reads one job as a line of JSON, does it,
 * and answers with a line. A job that holds connections open answers twice: when all of them are where they shall stop,
 * and, after the next line of input, when it is done.
 */

/** What a client is to do. `seeds` name the contents, one connection each. */
export type Job = { readonly endpoint: Endpoint; readonly repository: string; readonly sizeBytes: number } & (
  | {
      readonly kind: "push";
      readonly flow: PushFlow;
      readonly seeds: readonly string[];
      readonly digests: readonly string[];
    }
  | { readonly kind: "pull"; readonly digests: readonly string[] }
  | { readonly kind: "hold uploads"; readonly seeds: readonly string[] }
  | {
      readonly kind: "slow pulls";
      readonly seed: string;
      readonly digest: string;
      readonly connections: number;
      readonly bytesPerSecond: number;
    }
);

/** What a client answers. */
export interface Report {
  readonly state: "holding" | "done" | "failed";
  readonly error?: string;
  /** How long a job without a stop took, without the start of the process. */
  readonly seconds?: number;
}

async function perform(job: Job, next: () => Promise<unknown>): Promise<number> {
  const contents = job.kind === "push" ? job.seeds.map((seed) => new Content(seed, job.sizeBytes)) : [];
  const startedAt = performance.now();
  if (job.kind === "push")
    await Promise.all(contents.map((content, index) => push(job, content, job.digests[index] ?? "")));
  else if (job.kind === "pull") await Promise.all(job.digests.map((digest) => pull(job, digest)));
  else if (job.kind === "hold uploads") await holdUploads(job, next);
  else await pullSlowly(job, next);
  return (performance.now() - startedAt) / 1000;
}

async function push(job: Job & { kind: "push" }, content: Content, digest: string): Promise<void> {
  const connection = await Connection.open(job.endpoint);
  await pushBlob(connection, job.repository, content, digest, job.flow);
  connection.close();
}

async function pull(job: Job & { kind: "pull" }, digest: string): Promise<void> {
  const connection = await Connection.open(job.endpoint);
  await pullBlob(connection, job.repository, digest);
  connection.close();
}

/** Sends half of each upload, waits for the word, finishes every second one and breaks the others off. */
async function holdUploads(job: Job & { kind: "hold uploads" }, next: () => Promise<unknown>): Promise<void> {
  const contents = job.seeds.map((seed) => new Content(seed, job.sizeBytes));
  // All are begun before any sends its bytes: those would keep this process from its handshakes, and a server waits for
  // a request's head only so long.
  const uploads = await Promise.all(contents.map((content) => HeldUpload.begin(job, content)));
  const { promise: word, resolve: giveWord } = Promise.withResolvers<void>();
  const half = Math.floor(job.sizeBytes / 2);
  const halves = uploads.map((upload) => upload.send(half));
  const held = uploads.map(async (upload, index) => {
    await halves[index];
    await upload.trickleUntil(word);
  });
  await Promise.race([Promise.all(halves), Promise.all(held)]);
  report({ state: "holding" });
  await next();
  giveWord();
  await Promise.all(held);
  for (const [index, upload] of uploads.entries()) if (index % 2 === 1) upload.breakOff();
  await Promise.all(uploads.filter((_, index) => index % 2 === 0).map((upload) => upload.finish()));
}

/** An upload that stops in mid-body. */
class HeldUpload {
  readonly #connection: Connection;
  readonly #content: Content;
  #sentBytes = 0;

  private constructor(connection: Connection, content: Content) {
    this.#connection = connection;
    this.#content = content;
  }

  static async begin(job: Job, content: Content): Promise<HeldUpload> {
    const connection = await Connection.open(job.endpoint);
    const target = await startUpload(connection, job.repository);
    await connection.sendHead("PATCH", target, { "Transfer-Encoding": "chunked" });
    return new HeldUpload(connection, content);
  }

  /** Sends the content up to `end`. */
  async send(end: number): Promise<void> {
    await sendChunked(this.#connection, this.#content, this.#sentBytes, end);
    this.#sentBytes = end;
  }

  /** Sends a few bytes now and then: a server may end an upload of which it hears nothing for a minute. */
  async trickleUntil(word: Promise<void>): Promise<void> {
    let isOver = false;
    const over = word.then(() => {
      isOver = true;
    });
    for (;;) {
      await Promise.race([over, Bun.sleep(10_000)]);
      if (isOver) return;
      await this.send(this.#sentBytes + 1024);
    }
  }

  async finish(): Promise<void> {
    await this.send(this.#content.sizeBytes);
    await endChunked(this.#connection);
    const patched = await this.#connection.readHead();
    expectStatus("PATCH of an upload", patched, 202);
    const target = withDigest(locationOf(patched), this.#content.digest());
    expectStatus("PUT of an upload", await this.#connection.request("PUT", target, { body: "" }), 201);
    this.#connection.close();
  }

  breakOff(): void {
    this.#connection.abort();
  }
}

/** Begins many pulls of one blob, reads each at a low rate until the word comes, and goes away in the middle. */
async function pullSlowly(job: Job & { kind: "slow pulls" }, next: () => Promise<unknown>): Promise<void> {
  const content = new Content(job.seed, job.sizeBytes);
  let reading = 0;
  let isOver = false;
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  const { promise: allReading, resolve: allRead } = Promise.withResolvers<void>();
  const pulls = Array.from({ length: job.connections }, async () => {
    const connection = await Connection.open(job.endpoint);
    await connection.sendHead("GET", `/v2/${job.repository}/blobs/${job.digest}`);
    const head = await connection.readHead();
    expectStatus("GET of a blob", head, 200);
    reading += 1;
    if (reading === job.connections) allRead();
    let offset = 0;
    await connection
      .readBody("GET", head, async (part) => {
        if (!content.matches(part, offset)) throw new Error(`a pull has wrong bytes at ${offset}`);
        offset += part.length;
        connection.pause();
        await Promise.race([over, Bun.sleep((part.length / job.bytesPerSecond) * 1000)]);
        if (isOver) connection.abort();
      })
      .catch((error: unknown) => {
        if (!isOver) throw error;
      });
  });
  await Promise.race([allReading, Promise.all(pulls)]);
  report({ state: "holding" });
  await next();
  isOver = true;
  end();
  await Promise.all(pulls);
}

function report(answer: Report): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

if (import.meta.main) {
  const lines = console[Symbol.asyncIterator]();
  const job = JSON.parse((await lines.next()).value ?? "") as Job;
  try {
    const seconds = await perform(job, () => lines.next());
    report({ state: "done", seconds });
  } catch (error) {
    report({ state: "failed", error: error instanceof Error ? error.message : String(error) });
  }
  process.exit();
}
