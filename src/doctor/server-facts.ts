import { lstatSync, readdirSync, readFileSync, statfsSync, statSync } from "node:fs";
import { release } from "node:os";
import { getCACertificates } from "node:tls";
import type { ListenerSetting } from "../config/listener.ts";
import type { Settings } from "../config/settings.ts";
import { ExplainedError } from "../process/explained-error.ts";
import { firstPasswordFile } from "../process/first-password.ts";
import { checkFolder } from "../process/folder-check.ts";
import { findHostNames, type HostNames } from "../process/host-names.ts";
import { findPortHolder, type PortHolder } from "../process/port-holder.ts";

/** What a file or folder is to everybody on the machine. */
export interface SeenPath {
  readonly path: string;
  readonly isFolder: boolean;
  readonly uid: number;
  readonly mode: number;
  readonly changedAt: number;
}

/** A text that may be missing or closed. */
export interface SeenText {
  readonly path: string;
  readonly text: string | undefined;
  /** `ENOENT`, `EACCES`; undefined where it could be read. */
  readonly fault: string | undefined;
  readonly mode: number;
}

/** The machine and the data folder of a registry, as they are now. */
export interface ServerFacts {
  readonly folder: string;
  readonly state: "there" | "missing" | "closed";
  /** The folder first, then what is in it that counts. */
  readonly paths: readonly SeenPath[];
  /** What the folder could not do, or warnings. */
  readonly fitness: { readonly warnings: readonly string[]; readonly failure: ExplainedError | undefined };
  readonly space: { readonly freeBytes: number; readonly totalBytes: number; readonly freeFiles: number };
  readonly ports: readonly {
    readonly port: number;
    readonly holder: PortHolder | undefined;
    readonly isHeld: boolean;
  }[];
  readonly names: HostNames;
  readonly pki: Readonly<Record<"root.crt" | "ca.crt" | "ca.key" | "server.crt" | "server.key" | "names", SeenText>>;
  readonly given: readonly { readonly certificate: SeenText; readonly key: SeenText }[];
  /** Roots that clients usually have, PEM; asked for where certificates were given. */
  readonly knownRoots: readonly string[];
  readonly htpasswd: SeenText | undefined;
  readonly firstPassword: SeenPath | undefined;
  readonly kernelVersion: string;
  /** Undefined: the kernel does not have the switch. */
  readonly migratesRequests: boolean | undefined;
  /** Of the running server, else of this process. */
  readonly descriptorLimit: number | undefined;
}

/** Reads everything; tries a few bytes in the data folder, and leaves nothing. `pid` is the running server's. */
export async function seeServer(settings: Settings, pid: number | undefined): Promise<ServerFacts> {
  const folder = settings.data;
  const state = stateOf(folder);
  const isOpen = state === "there";
  const pki = (name: string): SeenText => seeText(`${folder}/pki/${name}`);
  return {
    folder,
    state,
    paths: isOpen ? seePaths(folder) : [],
    fitness: isOpen ? tryFolder(folder) : { warnings: [], failure: undefined },
    space: seeSpace(isOpen ? folder : "/"),
    ports: settings.listen.flatMap(seePort),
    names: await findHostNames(settings.hosts),
    pki: {
      "root.crt": pki("root.crt"),
      "ca.crt": pki("ca.crt"),
      "ca.key": pki("ca.key"),
      "server.crt": pki("server.crt"),
      "server.key": pki("server.key"),
      names: pki("names"),
    },
    given: settings.listen.flatMap(({ tls }) =>
      typeof tls === "string" ? [] : [{ certificate: seeText(tls.certificate), key: seeText(tls.key) }],
    ),
    knownRoots: settings.listen.some(({ tls }) => typeof tls === "object")
      ? [...getCACertificates("bundled"), ...getCACertificates("system")]
      : [],
    htpasswd: settings.htpasswd === undefined ? undefined : seeText(settings.htpasswd),
    firstPassword: seePath(firstPasswordFile(folder)),
    kernelVersion: release(),
    migratesRequests: readSwitch("/proc/sys/net/ipv4/tcp_migrate_req"),
    descriptorLimit: descriptorLimit(pid),
  };
}

function stateOf(folder: string): ServerFacts["state"] {
  try {
    readdirSync(folder);
    return seePath(`${folder}/dozo.lock`) === undefined ? "missing" : "there";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EACCES" ? "closed" : "missing";
  }
}

/** The folder itself, what is in it, and the keys; of the blobs only the folders, of which there are 256. */
function seePaths(folder: string): readonly SeenPath[] {
  const inner = ["", "pki", "blobs", "blobs/sha256", "uploads", "run"];
  const listed = inner.flatMap((name) => {
    const path = name === "" ? folder : `${folder}/${name}`;
    return [path, ...names(path).map((each) => `${path}/${each}`)];
  });
  return [...new Set(listed)].map(seePath).filter((each) => each !== undefined);
}

function tryFolder(folder: string): ServerFacts["fitness"] {
  try {
    return { warnings: checkFolder(folder), failure: undefined };
  } catch (error) {
    const { code = "unknown error", path = folder } = error as NodeJS.ErrnoException;
    const unknown = new ExplainedError(`${path} cannot be replaced (${code})`, `see what it is: ls -ld ${path}`);
    return { warnings: [], failure: error instanceof ExplainedError ? error : unknown };
  }
}

function seeSpace(folder: string): ServerFacts["space"] {
  const { bavail, blocks, bsize, ffree, files } = statfsSync(folder);
  // Some file systems make room for files as they go, and say 0.
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize, freeFiles: files === 0 ? Infinity : ffree };
}

function seePort({ address }: ListenerSetting): ServerFacts["ports"] {
  if ("unix" in address || address.port === 0) return [];
  const { port } = address;
  return [{ port, holder: findPortHolder(port), isHeld: isListenedOn(port) }];
}

/** A process of another user can be seen to listen, though not which. */
function isListenedOn(port: number): boolean {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return ["/proc/net/tcp", "/proc/net/tcp6"].some((table) =>
    (seeText(table).text ?? "").split("\n").some((line) => {
      const [, local, , state] = line.trim().split(/\s+/);
      return local?.endsWith(suffix) === true && state === "0A";
    }),
  );
}

function readSwitch(path: string): boolean | undefined {
  const { text } = seeText(path);
  return text === undefined ? undefined : text.trim() === "1";
}

function descriptorLimit(pid: number | undefined): number | undefined {
  const { text } = seeText(`/proc/${pid ?? "self"}/limits`);
  const soft = /^Max open files\s+([0-9]+)/m.exec(text ?? "")?.[1];
  return soft === undefined ? undefined : Number(soft);
}

function seePath(path: string): SeenPath | undefined {
  try {
    const stat = lstatSync(path);
    return { path, isFolder: stat.isDirectory(), uid: stat.uid, mode: stat.mode & 0o777, changedAt: stat.mtimeMs };
  } catch {
    return undefined;
  }
}

function seeText(path: string): SeenText {
  try {
    return { path, text: readFileSync(path, "utf8"), fault: undefined, mode: statSync(path).mode & 0o777 };
  } catch (error) {
    return { path, text: undefined, fault: (error as NodeJS.ErrnoException).code ?? "unknown error", mode: 0 };
  }
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
