import { spawn } from "node:child_process";

export interface Hook {
  /** A path, or a name to be found in PATH; no shell reads it. */
  readonly program: string;
  readonly arguments: readonly string[];
  /** Beside the process's own. */
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

const keptOutput = 1000;

/** Runs a program of the operator's to its end. Rejects, in words for the operator, when it cannot be run, fails or lasts too long. */
export function runHook(hook: Hook): Promise<void> {
  const shown = [hook.program, ...hook.arguments].join(" ");
  return new Promise((resolve, reject) => {
    const child = spawn(hook.program, hook.arguments, {
      env: { ...process.env, ...hook.environment },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: hook.timeoutMs,
      killSignal: "SIGKILL",
    });
    let output = "";
    const keep = (text: string): void => {
      output = (output + text).slice(-keptOutput);
    };
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    child.on("error", (cause) => reject(new Error(`${hook.program} could not be run (${cause.message})`, { cause })));
    child.on("close", (code, signal) => {
      if (code === 0) return resolve();
      const how = signal === null ? `failed with ${code ?? "nothing"}` : `was ended by ${signal}`;
      reject(new Error(`${shown} ${how}${output === "" ? "" : `: ${output.trim().replaceAll(/\s+/g, " ")}`}`));
    });
  });
}
