import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The program as a person runs it. */
export const program = join(import.meta.dir, "../../dozo");

/** A command that has ended. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command that runs, with what it has written so far. */
export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly text: () => string;
  /** Resolves when the pattern stands in what was written; rejects when the process ends before. */
  readonly untilSaid: (pattern: RegExp) => Promise<RegExpExecArray>;
  readonly ended: Promise<Ended>;
}

/** A home folder and a data folder of the test's own, gone with `dispose`. */
export interface Sandbox {
  readonly home: string;
  readonly data: string;
  readonly start: (words: readonly string[], options?: StartOptions) => Running;
  readonly run: (words: readonly string[], options?: StartOptions) => Promise<Ended>;
  /** Ends what still runs, and removes the folders. */
  readonly dispose: () => Promise<void>;
}

interface StartOptions {
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** What is run instead of the program alone: `sh -c …`, `script …`. */
  readonly command?: readonly [string, ...string[]];
}

/** Makes a sandbox in which nothing of this machine's settings is seen. */
export function makeSandbox(): Sandbox {
  const home = mkdtempSync(join(tmpdir(), "dozo-cli-"));
  const running = new Set<Running>();
  const start = (words: readonly string[], options: StartOptions = {}): Running => {
    const [command, ...before] = options.command ?? [program];
    const child = spawn(command, [...before, ...words], {
      env: { PATH: process.env["PATH"] ?? "", HOME: home, XDG_DATA_HOME: join(home, "share"), ...options.environment },
      stdio: "pipe",
    });
    child.stdin.end(options.input ?? "");
    const result = watch(child);
    running.add(result);
    void result.ended.then(() => running.delete(result));
    return result;
  };
  const data = join(home, "data");
  return {
    home,
    data,
    start,
    run: (words, options) => start(words, options).ended,
    dispose: async () => {
      for (const each of running) each.child.kill("SIGKILL");
      await Promise.all([...running].map((each) => each.ended));
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function watch(child: ChildProcess): Running {
  let out = "";
  let err = "";
  const waiting = new Set<() => void>();
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    for (const look of waiting) look();
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    err += text;
    for (const look of waiting) look();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (code) => resolve({ code, out, err }));
  });
  const untilSaid = (pattern: RegExp): Promise<RegExpExecArray> => {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const look = (): void => {
      const found = pattern.exec(`${out}\n${err}`);
      if (found !== null) resolve(found);
    };
    waiting.add(look);
    void ended.then(() => reject(new Error(`it ended without saying ${String(pattern)}:\n${out}\n${err}`)));
    look();
    return promise.finally(() => waiting.delete(look));
  };
  return { child, pid: child.pid ?? 0, text: () => `${out}\n${err}`, untilSaid, ended };
}
