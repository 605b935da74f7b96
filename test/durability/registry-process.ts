import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Endpoint } from "../load/connection.ts";
import { untilReady } from "../load/peers.ts";

const program = resolve(import.meta.dirname, "../../dozo");
const password = "a password for the loopback interface";

/** A dozo in a process group of its own on a data folder, started as a service manager starts it. */
export class RegistryProcess {
  readonly endpoint: Endpoint;
  /** From the start of the process to its first answer. */
  readonly readyAfterMs: number;
  readonly #child: ChildProcess;
  readonly #log: string;

  private constructor(endpoint: Endpoint, child: ChildProcess, log: string, readyAfterMs: number) {
    this.endpoint = endpoint;
    this.#log = log;
    this.#child = child;
    this.readyAfterMs = readyAfterMs;
  }

  /**
   * `dozo up` on a folder without data, `dozo serve`, and nothing else before it, on one that has some.
   * `scheme` `http` is for tests that read what goes over the wire; `under` is a command such as strace with its arguments.
   */
  static async start(
    folder: string,
    port: number,
    { scheme = "https", under = [] }: { scheme?: "http" | "https"; under?: readonly string[] } = {},
  ): Promise<RegistryProcess> {
    const data = join(folder, "data");
    const first = existsSync(data) ? ["serve"] : ["up", "--user", "admin", "--password-stdin"];
    const command = [...under, program, ...first, "--data", data, "--listen", `${scheme}://127.0.0.1:${port}`];
    const log = join(folder, "server.log");
    mkdirSync(folder, { recursive: true });
    const out = openSync(log, "a");
    const startedAt = performance.now();
    const child = spawn(command[0] ?? "", command.slice(1), { detached: true, stdio: ["pipe", out, out] });
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(`${password}\n`);
    const authorization = `Basic ${Buffer.from(`admin:${password}`).toString("base64")}`;
    const caPem = (): string | undefined =>
      scheme === "http" ? undefined : readFileSync(join(data, "pki", "root.crt"), "utf8");
    try {
      await untilReady(() => ({ port, caPem: caPem(), authorization }), child, log);
    } catch (error) {
      if (child.exitCode === null) process.kill(-(child.pid ?? 0), "SIGKILL");
      throw error;
    }
    return new RegistryProcess({ port, caPem: caPem(), authorization }, child, log, performance.now() - startedAt);
  }

  /** Waits for the banner of the `starts`th start in this folder: the self-test, which changes things too, is over by then. */
  async untilSelfTested(starts: number): Promise<void> {
    const deadline = Date.now() + 20_000;
    while (readFileSync(this.#log, "utf8").split(" serves at ").length - 1 < starts) {
      if (Date.now() > deadline) throw new Error("the banner did not come");
      await Bun.sleep(10);
    }
  }

  /** SIGKILL for the whole group; returns when it is gone. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  /** SIGTERM, as a service manager does it. */
  stop(): Promise<void> {
    return this.#end("SIGTERM");
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const { promise, resolve: gone } = Promise.withResolvers<void>();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.once("exit", () => gone());
    process.kill(-(this.#child.pid ?? 0), signal);
    await promise;
  }
}
