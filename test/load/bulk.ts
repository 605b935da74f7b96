import { type ChildProcessByStdio, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { Job, Report } from "./bulk-client.ts";

const client = join(import.meta.dirname, "bulk-client.ts");

/** A job that a process of its own does, at low priority, so that it takes no time away from the server. */
export class BulkClient {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #reports: AsyncIterator<string>;

  constructor(job: Job) {
    this.#child = spawn("nice", ["-n", "15", process.execPath, client], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#reports = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#child.stdin.write(`${JSON.stringify(job)}\n`);
  }

  /** Returns when the job holds all its connections, or is done. Throws what went wrong with it. */
  async report(): Promise<Report> {
    const line = await this.#reports.next();
    if (line.done === true) throw new Error("the bulk client ended without an answer");
    const report = JSON.parse(line.value) as Report;
    if (report.state === "failed") throw new Error(report.error);
    return report;
  }

  /** Lets a job that holds its connections go on, and waits for its end. */
  async finish(): Promise<void> {
    this.#child.stdin.write("\n");
    await this.report();
  }

  /** Ends the process, whatever it does. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

/** Does a job from beginning to end and answers how long it took, in seconds. */
export async function runBulk(job: Job): Promise<number> {
  const bulk = new BulkClient(job);
  try {
    const { seconds } = await bulk.report();
    return seconds ?? 0;
  } finally {
    bulk.kill();
  }
}
