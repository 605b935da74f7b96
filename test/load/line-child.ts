import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** A client in a process of its own that reads its job as a line of JSON and answers with lines of JSON. */
export class LineChild {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  /** At a low priority it takes no time away from the server. */
  constructor(program: string, job: unknown, niceness: number) {
    const command = ["-n", String(niceness), process.execPath, program];
    this.#child = spawn("nice", command, { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#child.stdin.write(`${JSON.stringify(job)}\n`);
  }

  /** Tells it that it is enough. */
  end(): void {
    this.#child.stdin.write("\n");
  }

  /** The next line it answers. Throws when it ends without one. */
  async answer(): Promise<unknown> {
    const line = await this.#lines.next();
    if (line.done === true) throw new Error("a client ended without an answer");
    return JSON.parse(line.value);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
