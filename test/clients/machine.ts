import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TerminalSession } from "./terminal.ts";

// Machines of the tests' own: namespaces for network, mounts, processes and host name. What runs on one of them sees a
// private /etc, /run, /var/lib and home, and reaches other machines of the same LAN and nothing else. A machine's first
// process reads a pipe from the tests: when they end, however they end, the kernel ends all that ran there.

/** What a command on a machine left behind. */
export interface Result {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Both streams, for messages that may come on either. */
  readonly output: string;
}

/** A program that goes on running on a machine, with its output in a file. */
export interface Program {
  /** Resolves with the first match in the output so far or to come; throws with the output when the program ends first. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
  /** Standard output so far. */
  printed(): string;
  /** Standard output and error so far, one after the other. */
  output(): string;
  /** Asks it to stop (SIGTERM) and waits until it has. */
  stop(): Promise<number>;
}

const setUp = `
set -e
ip link set lo up
for folder in etc var/lib usr/local/share; do
  mkdir -p "$F/upper/$folder" "$F/work/$folder"
  mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$F/upper/$folder,workdir=$F/work/$folder" "/$folder"
done
mount -t tmpfs tmpfs /run
rm -rf /etc/docker /etc/containers/certs.d
for folder in docker containers containerd dozo; do
  mkdir -p "$F/lib/$folder" "/var/lib/$folder"
  mount --bind "$F/lib/$folder" "/var/lib/$folder"
done
printf '%s\n' "$HOSTS" > /etc/hosts
hostname "$NAME"
chmod 711 "$F" && chmod 1777 "$F/tmp"
sed -i "s|^\\(root:.*:\\)/root:|\\1$F/home:|" /etc/passwd
for program in $WITHOUT; do [ ! -e "$program" ] || mount --bind /dev/null "$program"; done
`;

const newPerson = `
set -e
mkdir -p "$F/people"
printf '%s:x:%s:%s::%s:/bin/sh\\n' "$NAME" "$ID" "$ID" "$F/people/$NAME" >> /etc/passwd
printf '%s:x:%s:\\n' "$NAME" "$ID" >> /etc/group
printf '%s:*:20000:0:99999:7:::\\n' "$NAME" >> /etc/shadow
for file in subuid subgid; do printf '%s:1000000:65536\\n' "$NAME" >> /etc/$file; done
mkdir -p /etc/sudoers.d
[ -z "$ADMINISTERS" ] || printf '%s ALL=(ALL) NOPASSWD: ALL\\n' "$NAME" > "/etc/sudoers.d/$NAME"
cp -r /etc/skel "$F/people/$NAME" && chown -R "$ID:$ID" "$F/people/$NAME" && chmod 700 "$F/people/$NAME"
mkdir -p "/run/user/$ID" && chown "$ID:$ID" "/run/user/$ID" && chmod 700 "/run/user/$ID"
`;

/** One machine: a name, an address that is not loopback, a private view of the file system. */
export class Machine {
  readonly name: string;
  readonly address: string;
  /** A folder of this machine's own on the real disk, removed with it. */
  readonly folder: string;
  /** The process id of the machine's first process, as the host sees it. */
  readonly processId: number;
  readonly #holder: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #environment: Record<string, string>;
  #people = 0;

  private constructor(
    name: string,
    address: string,
    folder: string,
    holder: Bun.Subprocess<"pipe", "pipe", "inherit">,
    processId: number,
  ) {
    this.name = name;
    this.address = address;
    this.folder = folder;
    this.processId = processId;
    this.#holder = holder;
    this.#environment = {
      HOME: join(folder, "home"),
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      TMPDIR: join(folder, "tmp"),
      LANG: "C.UTF-8",
    };
  }

  static async boot(name: string, address: string, hosts: string, without: readonly string[] = []): Promise<Machine> {
    const folder = mkdtempSync(join(tmpdir(), `dozo-${name.split(".")[0]}-`));
    for (const part of ["home", "tmp", "log"]) mkdirSync(join(folder, part));
    const namespaces = ["--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"];
    const holder = Bun.spawn(["unshare", ...namespaces, "sh", "-c", "echo up; cat"], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    await holder.stdout.getReader().read();
    const children = readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, "utf8");
    const machine = new Machine(name, address, folder, holder, Number(children.trim()));
    await machine.mustRun(setUp, { environment: { F: folder, NAME: name, HOSTS: hosts, WITHOUT: without.join(" ") } });
    return machine;
  }

  /** Somebody who is not root there, with a home of their own; who administers the machine may use sudo, without a password. */
  async addPerson(name: string, { administers = true } = {}): Promise<Person> {
    const id = 4200 + ++this.#people;
    const facts = { F: this.folder, NAME: name, ID: String(id), ADMINISTERS: administers ? "yes" : "" };
    await this.mustRun(newPerson, { environment: facts });
    return { name, id, home: join(this.folder, "people", name) };
  }

  /** Runs a line of shell, as the machine's root or as somebody else there; never throws for an exit code. */
  async run(script: string, options: RunOptions = {}): Promise<Result> {
    const child = Bun.spawn(this.#command(["sh", "-c", script], options), {
      stdin: options.input === undefined ? "ignore" : new Blob([options.input]),
      stdout: "pipe",
      stderr: "pipe",
      env: this.#environmentFor(options),
    });
    const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    return { exitCode: await child.exited, stdout, stderr, output: stdout + stderr };
  }

  /** Runs a line of shell that has to work: throws with its output when it does not. Gives its standard output. */
  async mustRun(script: string, options: RunOptions = {}): Promise<string> {
    const result = await this.run(script, options);
    if (result.exitCode !== 0)
      throw new Error(`on ${this.name}: ${script}\nended with ${result.exitCode}:\n${result.output}`);
    return result.stdout;
  }

  /** Runs a line of shell on a terminal, where somebody sits who reads and types. */
  openTerminal(script: string, options: Omit<RunOptions, "input"> = {}): TerminalSession {
    return new TerminalSession(this.#command(["sh", "-c", script], options), this.#environmentFor(options));
  }

  /** Starts a program that stays; its output goes to files of the machine. */
  start(command: readonly string[], options: RunOptions = {}): Program {
    const log = join(this.folder, "log", `${(command[0] ?? "").split("/").at(-1)}-${Date.now()}-${++started}.log`);
    const errors = `${log}.errors`;
    for (const file of [log, errors]) writeFileSync(file, "");
    const child = Bun.spawn(this.#command(command, options), {
      stdin: options.input === undefined ? "ignore" : new Blob([options.input]),
      stdout: Bun.file(log),
      stderr: Bun.file(errors),
      env: this.#environmentFor(options),
    });
    return new LoggedProgram(command.join(" "), child, log, this);
  }

  /** Sends a signal to what runs as the child of a process that entered the machine. */
  async signal(entered: number, name: string): Promise<void> {
    const children = readFileSync(`/proc/${entered}/task/${entered}/children`, "utf8").trim().split(" ");
    await Bun.spawn(["kill", `-${name}`, ...children], { stderr: "ignore" }).exited;
  }

  /** Switches the machine off: every process on it is killed, its folder removed. */
  async shutDown(): Promise<void> {
    await this.#holder.stdin.end();
    await this.#holder.exited;
    rmSync(this.folder, { recursive: true, force: true });
  }

  #command(command: readonly string[], { as, folder = as?.home ?? join(this.folder, "home") }: RunOptions): string[] {
    const namespaces = ["-n", "-m", "-u", "-i", "-p", `--wdns=${folder}`];
    const become =
      as === undefined ? [] : ["setpriv", `--reuid=${as.id}`, `--regid=${as.id}`, "--init-groups", "--inh-caps=-all"];
    return ["nsenter", "-t", String(this.processId), ...namespaces, "--", ...become, ...command];
  }

  #environmentFor({ as, environment }: RunOptions): Record<string, string> {
    const person =
      as === undefined ? {} : { HOME: as.home, USER: as.name, LOGNAME: as.name, XDG_RUNTIME_DIR: `/run/user/${as.id}` };
    return { ...this.#environment, ...person, ...environment };
  }
}

/** Somebody who is not root on a machine. */
export interface Person {
  readonly name: string;
  readonly id: number;
  readonly home: string;
}

/** What a command may be given: who runs it (root, if nobody is named), its standard input, its folder, more environment. */
export interface RunOptions {
  readonly as?: Person;
  readonly input?: string;
  readonly folder?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

let started = 0;

class LoggedProgram implements Program {
  readonly #title: string;
  readonly #child: Bun.Subprocess;
  readonly #log: string;
  readonly #machine: Machine;

  constructor(title: string, child: Bun.Subprocess, log: string, machine: Machine) {
    this.#title = title;
    this.#child = child;
    this.#log = log;
    this.#machine = machine;
  }

  printed(): string {
    return readFileSync(this.#log, "utf8");
  }

  output(): string {
    return `${this.printed()}${readFileSync(`${this.#log}.errors`, "utf8")}`;
  }

  async waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const hasEnded = this.#child.exitCode !== null;
      const match = pattern.exec(this.output());
      if (match !== null) return match;
      if (hasEnded) throw new Error(`${this.#title} ended with ${this.#child.exitCode}:\n${this.output()}`);
      await Promise.race([Bun.sleep(20), this.#child.exited]);
    }
  }

  async stop(): Promise<number> {
    await this.#machine.signal(this.#child.pid, "TERM");
    return this.#child.exited;
  }
}

/** The name by which every machine of a LAN knows its server. */
export const serverName = "registry.dozo.test";

/** A server and its clients, joined by a bridge on the server; nothing of it is reachable from outside. */
export class Lan {
  readonly server: Machine;
  readonly #machines: Machine[];

  private constructor(server: Machine) {
    this.server = server;
    this.#machines = [server];
  }

  static async build(): Promise<Lan> {
    const address = "10.77.0.1";
    const server = await Machine.boot(serverName, address, `127.0.0.1 localhost\n${address} ${serverName} registry`);
    await server.mustRun(`ip link add lan type bridge && ip addr add ${address}/24 dev lan && ip link set lan up`);
    return new Lan(server);
  }

  /** Another machine on this LAN, which knows the server by its name and lacks the programs at the paths of `without`. */
  async addClient(name: string, without: readonly string[] = []): Promise<Machine> {
    const address = `10.77.0.${this.#machines.length + 1}`;
    const hosts = `127.0.0.1 localhost\n${this.server.address} ${serverName} registry\n${address} ${name}`;
    const client = await Machine.boot(name, address, hosts, without);
    this.#machines.push(client);
    const cable = `port${this.#machines.length}`;
    const enter = ["nsenter", "-t", String(this.server.processId), "-n", "ip", "link", "add", cable, "type", "veth"];
    const exit = await Bun.spawn([...enter, "peer", "name", "eth0", "netns", String(client.processId)]).exited;
    if (exit !== 0) throw new Error(`no cable between ${serverName} and ${name}`);
    await this.server.mustRun(`ip link set ${cable} master lan up`);
    await client.mustRun(`ip addr add ${address}/24 dev eth0 && ip link set eth0 up`);
    await this.server.mustRun("until ip -brief link show lan | grep -q ' UP '; do :; done");
    return client;
  }

  async shutDown(): Promise<void> {
    for (const machine of this.#machines.toReversed()) await machine.shutDown();
  }
}
