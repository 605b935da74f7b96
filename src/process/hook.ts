import { spawn } from "node:child_process";

export interface Hook {
  /** A path, or a name to be found in PATH; no shell reads it. */
  readonly program: string;
  readonly arguments: readonly string[];
  /** Beside the process's own. */
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

const keptOutput = 1000;
/** For the last words of a program that has ended while something that it began still holds its output. */
const lastWordsMs = 200;

/**
 * Runs a program of the operator's to its end. Rejects, in words for the operator, when it cannot be run, fails or lasts too long;
 * then whatever it began is ended, too. What it leaves behind when it ends well is not waited for.
 */
export function runHook(hook: Hook): Promise<void> {
  const shown = [hook.program, ...hook.arguments].join(" ");
  if (hook.signal.aborted) return Promise.reject(new Error(`${hook.program} was not run: the registry is stopping`));
  return new Promise((resolve, reject) => {
    const child = spawn(hook.program, hook.arguments, {
      env: { ...process.env, ...hook.environment },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own: a shell's commands are to end with the shell.
      detached: true,
    });
    const end = (): void => endGroup(child.pid);
    const timer = setTimeout(end, hook.timeoutMs);
    hook.signal.addEventListener("abort", end);
    const settle = (): void => {
      clearTimeout(timer);
      hook.signal.removeEventListener("abort", end);
    };
    let output = "";
    const keep = (text: string): void => {
      output = (output + text).slice(-keptOutput);
    };
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    child.on("error", (cause) => {
      settle();
      reject(new Error(`${hook.program} could not be run (${cause.message})`, { cause }));
    });
    child.once("exit", () => {
      settle();
      setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, lastWordsMs);
    });
    child.on("close", (code, signal) => {
      if (code === 0) return resolve();
      const how = signal === null ? `failed with ${code ?? "nothing"}` : `was ended by ${signal}`;
      reject(new Error(`${shown} ${how}${output === "" ? "" : `: ${output.trim().replaceAll(/\s+/g, " ")}`}`));
    });
  });
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
