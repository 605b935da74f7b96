import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type RegistryIdentity, registryIdentity } from "../../src/enrolment/identity.ts";
import { enrolmentScript } from "../../src/enrolment/script.ts";

/** What the script left behind when it ended. */
export interface Enrolled {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/** How the script is run: everything has a usual value. */
export interface EnrolOptions {
  readonly shell?: readonly string[];
  /** Another script than the registry's own. */
  readonly script?: string;
  readonly registry?: string;
  /** Empty where the registry needs none. */
  readonly caPem?: string;
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** The script for a machine that is a folder. Of the one that runs the tests nothing is looked at: neither its PATH nor its folders. */
export function isolatedScript(identity: RegistryIdentity, folder: string): string {
  const script = enrolmentScript(identity, join(folder, "root"));
  const isolated = script.replace(/^ *PATH=.*$/m, "");
  if (isolated === script || isolated.includes(" PATH="))
    throw new Error("the script sets PATH in a way not known here");
  return isolated;
}

/** The shells of this machine that the script has to work in. */
export const shells: readonly (readonly string[])[] = [["sh"], ["busybox", "sh"]]
  .map(([name = "", ...words]) => [Bun.which(name) ?? "", ...words])
  .filter(([path]) => path !== "");

// Of this machine's own programs only these plain ones are there.
const tools =
  "awk cat chmod cksum cp curl cut date dirname env grep head id ls mkdir mktemp mv openssl readlink rm rmdir sed sh sort stty tail tr uname";

/**
 * A machine that is a folder: a root of its own, a home of its own, and only the programs that a test puts there beside plain
 * tools. The script runs on it for real.
 */
export class SmallMachine {
  readonly folder: string;
  readonly #registry: string;
  readonly #caPem: string;

  private constructor(folder: string, registry: string, caPem: string) {
    this.folder = folder;
    this.#registry = registry;
    this.#caPem = caPem;
  }

  static async make(registry: string, caPem: string): Promise<SmallMachine> {
    const folder = await mkdtemp(join(tmpdir(), "dozo script-"));
    const machine = new SmallMachine(folder, registry, caPem);
    for (const name of ["root/etc", "root/usr/local", "home", "programs", "tmp"])
      await mkdir(join(folder, name), { recursive: true });
    for (const tool of tools.split(" ")) {
      const path = Bun.which(tool, { PATH: "/usr/bin:/bin" });
      if (path !== null) await symlink(path, join(folder, "programs", tool));
    }
    // A sudo that says yes, for those who run the tests without being root.
    await machine.program("sudo", '[ "$1" != -- ] || shift; exec "$@"');
    return machine;
  }

  /** A program of the machine, which writes down how it was called. */
  async program(name: string, commands = ""): Promise<void> {
    const path = join(this.folder, "programs", name);
    // Never through a link to the program of the machine that runs the tests.
    await rm(path, { force: true });
    await writeFile(path, `#!/bin/sh\necho "${name} $*" >>'${this.folder}/called'\n${commands}\n`, { flag: "wx" });
    await chmod(path, 0o755);
  }

  /** Every call of its programs so far, a line each. */
  called(): string {
    return existsSync(join(this.folder, "called")) ? this.text("called") : "";
  }

  async file(path: string, content: string, mode = 0o644): Promise<void> {
    await mkdir(dirname(join(this.folder, path)), { recursive: true });
    await writeFile(join(this.folder, path), content);
    await chmod(join(this.folder, path), mode);
  }

  text(path: string): string {
    return readFileSync(join(this.folder, path), "utf8");
  }

  /** Runs the script with these options behind it. */
  async enrol(options: string, more: EnrolOptions = {}): Promise<Enrolled> {
    const { shell = shells[0] ?? [], registry = this.#registry, caPem = this.#caPem, input = "" } = more;
    const identity = registryIdentity({
      registry,
      caPem: caPem === "" ? undefined : caPem,
      certificatePem: undefined,
    });
    const script = isolatedScript(identity, this.folder);
    await writeFile(join(this.folder, "enroll.sh"), script);
    const { script: path = join(this.folder, "enroll.sh") } = more;
    const words = options.split(" ").filter((word) => word !== "");
    const child = Bun.spawn([...shell, path, ...words], {
      cwd: this.folder,
      env: {
        HOME: join(this.folder, "home"),
        PATH: join(this.folder, "programs"),
        TMPDIR: join(this.folder, "tmp"),
        ...more.environment,
      },
      stdin: new Blob([input]),
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    return { exitCode: await child.exited, out, err };
  }

  /** Every file, folder and link with its mode and what is in it, temporary ones included. */
  everything(): readonly string[] {
    return ["root", "home", "tmp"]
      .flatMap((top) => {
        const below = readdirSync(join(this.folder, top), { recursive: true });
        return [top, ...below.map((path) => `${top}/${String(path)}`)];
      })
      .toSorted()
      .map((path) => this.#describe(path));
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }

  #describe(path: string): string {
    const state = lstatSync(join(this.folder, path));
    const mode = (state.mode & 0o7777).toString(8);
    if (state.isSymbolicLink()) return `${path} -> ${readlinkSync(join(this.folder, path))}`;
    if (!state.isFile()) return `${path}/ ${mode}`;
    const bytes = readFileSync(join(this.folder, path));
    return `${path} ${mode} ${createHash("sha256").update(bytes).digest("hex")}`;
  }
}
