import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Where a client's files and programs are looked for. Tests give another root, and programs that answer what they like. */
export interface ClientMachine {
  /** In front of every absolute path; empty for the machine itself. */
  readonly root: string;
  /** The person's home folder, as clients see it (without `root`). */
  readonly home: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
  /** Standard output of a program, or undefined where it failed, is not there, or took longer than a few seconds. */
  readonly run: (program: string, words: readonly string[]) => Promise<string | undefined>;
}

const programTimeoutMs = 5000;

/** The machine that this process runs on. */
export function thisMachine(environment: ClientMachine["environment"]): ClientMachine {
  return { root: "", home: environment["HOME"] ?? "/root", environment, now: () => Date.now(), run: runProgram };
}

/** A file of the client's machine, for reading only. */
export interface SeenFile {
  /** As clients see it. */
  readonly path: string;
  /** Undefined: it may not be read. */
  readonly text: string | undefined;
  /** Whether every user of the machine may read it, as far as its own mode tells. */
  readonly isForEverybody: boolean;
  readonly changedAt: number;
}

/** A file as it is now; undefined where there is none. */
export function seeFile({ root }: ClientMachine, path: string): SeenFile | undefined {
  try {
    const { mode, mtimeMs } = statSync(root + path);
    return {
      path,
      text: readText(root + path),
      isForEverybody: (mode & 0o004) !== 0,
      changedAt: mtimeMs,
    };
  } catch {
    return undefined;
  }
}

/** The names in a folder; undefined where there is none (or it is none). */
export function seeFolder({ root }: ClientMachine, path: string): readonly string[] | undefined {
  try {
    return readdirSync(root + path);
  } catch {
    return undefined;
  }
}

/** Whether a program is in PATH or in a folder for administrators. */
export function hasProgram({ root, environment }: ClientMachine, name: string): boolean {
  const folders = [...(environment["PATH"] ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return folders.filter((folder) => folder !== "").some((folder) => existsSync(join(root, folder, name)));
}

/** When a running process of that name began; undefined where none runs (proc(5)). */
export function startOf({ root }: ClientMachine, name: string): number | undefined {
  const boot = /^btime (\d+)/m.exec(readText(`${root}/proc/stat`) ?? "")?.[1];
  if (boot === undefined) return undefined;
  for (const entry of seeProcesses(root)) {
    if (readText(`${root}/proc/${entry}/comm`)?.trim() !== name) continue;
    const fields = (readText(`${root}/proc/${entry}/stat`) ?? "").split(") ").at(-1)?.split(" ") ?? [];
    // Field 22 of the file, in ticks, of which every Linux has 100 a second.
    return Number(boot) * 1000 + Number(fields[19]) * 10;
  }
  return undefined;
}

function seeProcesses(root: string): readonly string[] {
  try {
    return readdirSync(`${root}/proc`).filter((entry) => /^[0-9]+$/.test(entry));
  } catch {
    return [];
  }
}

function readText(path: string): string | undefined {
  try {
    accessSync(path, constants.R_OK);
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function runProgram(program: string, words: readonly string[]): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  execFile(program, [...words], { timeout: programTimeoutMs, encoding: "utf8" }, (error, stdout) =>
    resolve(error === null ? stdout : undefined),
  );
  return promise;
}
