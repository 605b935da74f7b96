import { type ChildProcessByStdio, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { ProbeJob } from "./latency-probe.ts";

const program = join(import.meta.dirname, "latency-probe.ts");

/** Small GETs at a fixed rate, from a process of its own, until `finish`. */
export class Probe {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor(job: ProbeJob) {
    this.#child = spawn(process.execPath, [program], { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#child.stdin.write(`${JSON.stringify(job)}\n`);
  }

  /** Ends it; answers how long each request took, in milliseconds from when it was due. */
  async finish(): Promise<number[]> {
    this.#child.stdin.write("\n");
    const line = await this.#lines.next();
    if (line.done === true) throw new Error("a small GET failed while it was measured");
    return JSON.parse(line.value) as number[];
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
