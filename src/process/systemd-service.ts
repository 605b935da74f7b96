import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { ExplainedError } from "./explained-error.ts";

/** The user that the system service runs as. */
export const serviceUser = "dozo";

/** Where the executable of the system service is put, so that its user can run it. */
export const systemExecutable = "/usr/local/bin/dozo";

const unitName = "dozo.service";

export interface ServiceScope {
  readonly scope: "system" | "user";
  /** Where unit files of this scope stand. */
  readonly unitFolder: string;
}

/** The whole machine's systemd for root, else the user's own. */
export function serviceScope(uid: number, environment: Readonly<Record<string, string | undefined>>): ServiceScope {
  if (uid === 0) return { scope: "system", unitFolder: "/etc/systemd/system" };
  const config = environment["XDG_CONFIG_HOME"] ?? join(environment["HOME"] ?? "", ".config");
  return { scope: "user", unitFolder: join(config, "systemd/user") };
}

/** Writes the unit and starts it, also at every boot. `say` hears of each thing that was done. */
export function installUnit(where: ServiceScope, text: string, say: (line: string) => void): void {
  const path = join(where.unitFolder, unitName);
  mkdirSync(where.unitFolder, { recursive: true });
  writeFileSync(`${path}.new`, text, { mode: 0o644 });
  renameSync(`${path}.new`, path);
  say(`wrote ${path}`);
  systemctl(where, "daemon-reload");
  systemctl(where, "enable", unitName);
  systemctl(where, "restart", unitName);
  say(`started ${unitName}, now and at every ${where.scope === "system" ? "boot" : "login"}`);
}

/** Stops the unit and removes its file; the data stays. */
export function uninstallUnit(where: ServiceScope, say: (line: string) => void): void {
  const path = join(where.unitFolder, unitName);
  if (!existsSync(path)) throw new ExplainedError(`there is no ${path}`, "dozo service install writes one");
  requireSystemd();
  systemctl(where, "disable", "--now", unitName);
  rmSync(path);
  systemctl(where, "daemon-reload");
  say(`stopped ${unitName} and removed ${path}; the data folder is untouched`);
}

export interface UnitState {
  readonly isInstalled: boolean;
  /** `active`, `inactive`, `failed` …, as `systemctl is-active` says; `unknown` without systemd. */
  readonly active: string;
  readonly enabled: string;
}

export function unitState(where: ServiceScope): UnitState {
  const ask = (question: string): string =>
    spawnSync("systemctl", [...scopeFlag(where), question, unitName], { encoding: "utf8" }).stdout?.trim() || "unknown";
  const isInstalled = existsSync(join(where.unitFolder, unitName));
  return { isInstalled, active: ask("is-active"), enabled: ask("is-enabled") };
}

/** Makes the system user of the service where it is missing, and gives it the data folder. */
export function prepareServiceUser(dataFolder: string, say: (line: string) => void): void {
  if (idOf("-u") === undefined) {
    run("useradd", ["--system", "--user-group", "--home-dir", dataFolder, "--shell", "/usr/sbin/nologin", serviceUser]);
    say(`made the system user ${serviceUser}`);
  }
  const uid = idOf("-u") ?? 0;
  const gid = idOf("-g") ?? 0;
  if (uid === 0)
    throw new ExplainedError(`the system user ${serviceUser} has the number of root`, "give it another one");
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  chmodSync(dataFolder, 0o700);
  giveTo(dataFolder, uid, gid);
  say(`gave ${dataFolder} to ${serviceUser}`);
}

/** Copies the executable to where the service's user can run it. */
export function placeExecutable(executable: string, say: (line: string) => void): void {
  if (executable === systemExecutable) return;
  mkdirSync(dirname(systemExecutable), { recursive: true });
  copyFileSync(executable, `${systemExecutable}.new`);
  chmodSync(`${systemExecutable}.new`, 0o755);
  renameSync(`${systemExecutable}.new`, systemExecutable);
  say(`copied ${executable} to ${systemExecutable}`);
}

/** Throws an `ExplainedError` where systemd does not run; to be asked before anything is made. */
export function requireSystemd(): void {
  if (existsSync("/run/systemd/system")) return;
  throw new ExplainedError(
    "systemd does not run on this machine",
    "dozo service install --print shows the unit; or let your service manager run: dozo up",
  );
}

function systemctl(where: ServiceScope, ...words: readonly string[]): void {
  run("systemctl", [...scopeFlag(where), ...words]);
}

function scopeFlag(where: ServiceScope): readonly string[] {
  return where.scope === "user" ? ["--user"] : [];
}

function run(program: string, words: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, words, { encoding: "utf8" });
  if (status === 0) return;
  const command = [program, ...words].join(" ");
  const why = error?.message ?? stderr.trim().split("\n")[0] ?? "";
  throw new ExplainedError(`${command} failed: ${why}`, `try it by hand: ${command}`);
}

function idOf(flag: "-u" | "-g"): number | undefined {
  const { status, stdout } = spawnSync("id", [flag, serviceUser], { encoding: "utf8" });
  return status === 0 ? Number(stdout) : undefined;
}

function giveTo(folder: string, uid: number, gid: number): void {
  chownSync(folder, uid, gid);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) giveTo(path, uid, gid);
    else lchownSync(path, uid, gid);
  }
}
