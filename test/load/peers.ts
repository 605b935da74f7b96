import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { Connection, type Endpoint } from "./connection.ts";

const root = resolve(import.meta.dirname, "../..");
const user = "loader";
const password = "a password for the loopback interface";

/** The kinds of registry that can be measured beside each other. */
export const peerNames = ["dozo", "dozo (executable)", "distribution 3.1", "docker-registry 2.8"] as const;
export type PeerName = (typeof peerNames)[number];

/** A registry that runs: on loopback, with TLS (ECDSA P-256), an htpasswd user (bcrypt, cost 5) and its own folder. */
export interface Peer {
  readonly name: PeerName;
  readonly endpoint: Endpoint;
  readonly pid: number;
  readonly dataFolder: string;
  /** Ends it with SIGTERM, with SIGKILL after ten seconds. */
  stop(): Promise<void>;
}

/** What a start may ask for besides the ordinary. */
export interface StartOptions {
  /** A command that the server's command line is given to, such as strace and its arguments. */
  readonly under?: readonly string[];
  /** The cost of the user's bcrypt hash; 5 is the least that all registries take. */
  readonly bcryptCost?: number;
  /** More users, with the same password. */
  readonly moreUsers?: readonly string[];
}

/** Whether this machine has the program. */
export function isThere(name: PeerName): boolean {
  return existsSync(programOf(name));
}

/**
 * Starts a registry that keeps everything below `folder`, which the caller removes; returns when it answers. A folder
 * on which one ran before is gone on with.
 */
export async function startPeer(name: PeerName, folder: string, options: StartOptions = {}): Promise<Peer> {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const { bcryptCost: cost = 5, moreUsers = [] } = options;
  const hash = await Bun.password.hash(password, { algorithm: "bcrypt", cost });
  writeFileSync(join(folder, "htpasswd"), [user, ...moreUsers].map((each) => `${each}:${hash}\n`).join(""));
  const isDozo = name.startsWith("dozo");
  const command = isDozo ? dozoCommand(name, folder, port) : registryCommand(name, folder, port);
  const { child, pid } = await launch([...(options.under ?? []), ...command], folder, options.under !== undefined);
  const caFile = isDozo ? join(folder, "data", "pki", "root.crt") : join(folder, "server.crt");
  const authorization = authorizationOf(user);
  const log = join(folder, "server.log");
  await untilReady(() => ({ port, caPem: readFileSync(caFile, "utf8"), authorization }), child, log);
  return {
    name,
    endpoint: { port, caPem: readFileSync(caFile, "utf8"), authorization },
    pid: pid(),
    dataFolder: join(folder, "data"),
    stop: () => stopChild(child, pid()),
  };
}

/** What the user, or one of the more, sends to log in. */
export function authorizationOf(name: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;
}

/** A port of 127.0.0.1 on which nobody listens now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve: listening } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", listening);
  await promise;
  const address = server.address();
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  server.close(() => close());
  await closed;
  if (address === null || typeof address === "string") throw new Error("the listener has no port");
  return address.port;
}

/** Waits until the registry answers at `/v2/`; throws, with the end of its log, when it ends before or takes 20 s. */
export async function untilReady(endpoint: () => Endpoint, child: ChildProcess, log: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const answer = await knock(endpoint);
    if (answer === 200) return;
    if (child.exitCode !== null || Date.now() > deadline)
      throw new Error(`the registry did not start (${String(answer)}): ${readFileSync(log, "utf8").slice(-2000)}`);
    await Bun.sleep(10);
  }
}

/** The status of `/v2/`, or why there is none. A first start listens before it has its user: a 401 may come and go. */
async function knock(endpoint: () => Endpoint): Promise<unknown> {
  try {
    const connection = await Connection.open(endpoint());
    const { status } = await connection.request("GET", "/v2/");
    connection.close();
    return status;
  } catch (error) {
    return error;
  }
}

function programOf(name: PeerName): string {
  if (name === "dozo") return join(root, "dozo");
  if (name === "dozo (executable)") return join(root, "dist", "dozo");
  if (name === "docker-registry 2.8") return "/usr/bin/docker-registry";
  const goPath = spawnSync("go", ["env", "GOPATH"], { encoding: "utf8" }).stdout ?? "";
  return join(goPath.trim(), "bin", "registry");
}

function dozoCommand(name: PeerName, folder: string, port: number): string[] {
  const data = join(folder, "data");
  const firstUser = existsSync(data) ? ["serve"] : ["up", "--user", "admin", "--password-stdin"];
  const listen = `127.0.0.1:${port}`;
  return [programOf(name), ...firstUser, "--data", data, "--listen", listen, "--htpasswd", join(folder, "htpasswd")];
}

function registryCommand(name: PeerName, folder: string, port: number): string[] {
  makeCertificate(folder);
  writeFileSync(
    join(folder, "config.yml"),
    `version: 0.1
log: { level: warn, accesslog: { disabled: true } }
storage:
  cache: { blobdescriptor: inmemory }
  filesystem: { rootdirectory: ${join(folder, "data")} }
  delete: { enabled: true }
auth: { htpasswd: { realm: load, path: ${join(folder, "htpasswd")} } }
http:
  addr: 127.0.0.1:${port}
  tls: { certificate: ${join(folder, "server.crt")}, key: ${join(folder, "server.key")} }
`,
  );
  return [programOf(name), "serve", join(folder, "config.yml")];
}

function makeCertificate(folder: string): void {
  const { status, stderr } = spawnSync(
    "openssl",
    [
      ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost".split(" "),
      "-addext",
      "subjectAltName=DNS:localhost,IP:127.0.0.1",
      "-keyout",
      join(folder, "server.key"),
      "-out",
      join(folder, "server.crt"),
    ],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`openssl made no certificate: ${stderr}`);
}

/** Starts a command; `pid` is the server's own, also where it runs under another program. */
async function launch(
  command: readonly string[],
  folder: string,
  isUnder: boolean,
): Promise<{ child: ChildProcess; pid: () => number }> {
  const log = openSync(join(folder, "server.log"), "w");
  const [program = "", ...args] = command;
  const child = spawn(program, args, { stdio: ["pipe", log, log] });
  const { promise, resolve: spawned, reject } = Promise.withResolvers<void>();
  child.once("spawn", spawned);
  child.once("error", reject);
  await promise;
  child.stdin?.end(`${password}\n`);
  const own = child.pid ?? 0;
  return { child, pid: () => (isUnder ? firstChildOf(own) : own) };
}

function firstChildOf(pid: number): number {
  const [first = "0"] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
  return Number(first);
}

async function stopChild(child: ChildProcess, pid: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const { promise, resolve: ended } = Promise.withResolvers<void>();
  child.once("exit", () => ended());
  process.kill(pid, "SIGTERM");
  const timer = setTimeout(() => {
    process.kill(pid, "SIGKILL");
    child.kill("SIGKILL");
  }, 10_000);
  await promise;
  clearTimeout(timer);
}
