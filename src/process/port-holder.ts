import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** A process that listens on a port, as far as one may see it. */
export interface PortHolder {
  readonly pid: number;
  /** How a message calls it; `another dozo` where it is one. */
  readonly program: string;
}

const listening = "0A";

/** Who listens on a TCP port of this machine; undefined when nobody does or it is another user's process (proc(5)). */
export function findPortHolder(port: number): PortHolder | undefined {
  const sockets = new Set(["/proc/net/tcp", "/proc/net/tcp6"].flatMap((table) => listeningSockets(table, port)));
  if (sockets.size === 0) return undefined;
  for (const entry of list("/proc")) {
    if (!/^[0-9]+$/.test(entry)) continue;
    for (const descriptor of list(`/proc/${entry}/fd`)) {
      if (!sockets.has(link(`/proc/${entry}/fd/${descriptor}`))) continue;
      return { pid: Number(entry), program: programOf(entry) };
    }
  }
  return undefined;
}

/** dozo is an executable of that name, or a runtime with dozo's source. */
function programOf(pid: string): string {
  const [program = "", script = ""] = read(`/proc/${pid}/cmdline`).split("\0");
  const isDozo = program.split("/").at(-1) === "dozo" || (script !== "" && script === process.argv[1]);
  return isDozo || script.endsWith("/dozo/src/main.ts") ? "another dozo" : read(`/proc/${pid}/comm`).trim();
}

function listeningSockets(table: string, port: number): readonly string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return read(table)
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(suffix) === true && state === listening)
    .map((columns) => `socket:[${columns[9] ?? ""}]`);
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
