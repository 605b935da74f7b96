import { Agent, request } from "node:https";
import type { Endpoint } from "./connection.ts";

/*
 * Guesses passwords, in a process of its own: `guess-client.ts` reads one job as a line of JSON, sends wrong passwords at a fixed
 * rate until the next line comes, and answers with two lines: one when it begins, then how often it was answered with which status.
 */

/** Which names are tried in turn, from which addresses in turn, and how often. */
export interface GuessJob {
  readonly endpoint: Endpoint;
  readonly addresses: readonly string[];
  readonly names: readonly string[];
  readonly perSecond: number;
  /** Whether each guess comes over a connection of its own, as with `docker login`, or over one that its address keeps. */
  readonly newConnections: boolean;
}

/** How often each status was answered; `lost` where there was no answer. */
export type GuessReport = Readonly<Record<string, number>>;

class Guesser {
  readonly #job: GuessJob;
  readonly #agents: readonly Agent[];
  readonly #counts: Record<string, number> = {};
  #sent = 0;
  #open = 0;

  constructor(job: GuessJob) {
    this.#job = job;
    this.#agents = job.addresses.map(
      (localAddress) => new Agent({ localAddress, keepAlive: !job.newConnections, maxSockets: 8 }),
    );
  }

  async run(isOver: () => boolean): Promise<GuessReport> {
    const startedAt = performance.now();
    while (!isOver()) {
      const due = ((performance.now() - startedAt) / 1000) * this.#job.perSecond;
      while (this.#sent < due) this.#guess();
      await Bun.sleep(5);
    }
    const deadline = performance.now() + 10_000;
    while (this.#open > 0 && performance.now() < deadline) await Bun.sleep(20);
    return this.#counts;
  }

  #guess(): void {
    const { endpoint, names } = this.#job;
    const number = this.#sent++;
    const name = names[number % names.length] ?? "";
    const authorization = `Basic ${Buffer.from(`${name}:guess ${number}`).toString("base64")}`;
    const asked = request({
      host: "127.0.0.1",
      port: endpoint.port,
      path: "/v2/",
      headers: { Authorization: authorization },
      agent: this.#agents[number % this.#agents.length],
      rejectUnauthorized: false,
    });
    this.#open++;
    asked.on("response", (answer) => {
      answer.resume();
      answer.on("end", () => this.#count(String(answer.statusCode)));
    });
    asked.on("error", () => this.#count("lost"));
    asked.end();
  }

  #count(status: string): void {
    this.#open--;
    this.#counts[status] = (this.#counts[status] ?? 0) + 1;
  }
}

if (import.meta.main) {
  const lines = console[Symbol.asyncIterator]();
  const job = JSON.parse((await lines.next()).value ?? "") as GuessJob;
  let isOver = false;
  const report = new Guesser(job).run(() => isOver);
  process.stdout.write('"begun"\n');
  await lines.next();
  isOver = true;
  process.stdout.write(`${JSON.stringify(await report)}\n`);
  process.exit();
}
