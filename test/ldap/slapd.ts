import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { findProgram } from "../../scripts/suites.ts";
import { createAuthority, createServerKey, issueServerCertificate } from "../../src/pki/certificate-authority.ts";
import { freePort } from "../certificates/pebble.ts";

/** Debian's OpenLDAP server on a folder of its own, with the data that a test gave it. */
export interface Slapd {
  readonly ldapUrl: string;
  readonly ldapsUrl: string;
  /** The authority of its certificate, PEM, and in a file. The certificate is for localhost alone. */
  readonly caPem: string;
  readonly caFile: string;
  readonly folder: string;
  /** What it wrote of each operation: `BIND dn="…"`, `SRCH base="…" filter="…"`. */
  log(): string;
  /** Changes entries, as its administrator. LDIF with `changetype`. */
  change(ldif: string): void;
  /** Stops answering, and takes connections all the same. */
  freeze(): void;
  thaw(): void;
  /** Ends the server; its data stays. */
  halt(): Promise<void>;
  /** Starts it again where it was. */
  start(): Promise<void>;
  /** Ends the server and removes everything. */
  stop(): Promise<void>;
}

/** The administrator of the directory. */
const directoryAdmin = { dn: "cn=admin,dc=example,dc=org", password: "canary-directory-admin" } as const;

/** The account that dozo searches with. */
export const serviceAccount = { dn: "cn=dozo,dc=example,dc=org", password: "canary-service" } as const;

const schemas = ["core", "cosine", "inetorgperson", "nis"];

/** Starts one on free ports of loopback. `ldif` is below `dc=example,dc=org`, which is there already, with the service account. */
export async function startSlapd(ldif: string, options: SlapdOptions = {}): Promise<Slapd> {
  const folder = mkdtempSync(join(tmpdir(), "dozo-slapd-"));
  const [plainPort, tlsPort] = [await freePort(), await freePort()];
  const caPem = await writeCertificate(folder);
  const configuration = join(folder, "slapd.conf");
  writeFileSync(configuration, configurationOf(folder, options));
  mkdirSync(join(folder, "data"));
  const data = join(folder, "data.ldif");
  writeFileSync(data, `${baseLdif}\n${ldif}`);
  must("slapadd", ["-f", configuration, "-l", data]);
  const urls = [`ldap://127.0.0.1:${plainPort}`, `ldaps://127.0.0.1:${tlsPort}`];
  const server = new Server(configuration, options.tls === false ? urls.slice(0, 1) : urls);
  await server.start();
  return {
    ldapUrl: `ldap://localhost:${plainPort}`,
    ldapsUrl: `ldaps://localhost:${tlsPort}`,
    caPem,
    caFile: join(folder, "ca.crt"),
    folder,
    log: () => server.text,
    change: (text) => {
      const who = ["-x", "-D", directoryAdmin.dn, "-w", directoryAdmin.password];
      must("ldapmodify", [...who, "-H", `ldap://127.0.0.1:${plainPort}`], text);
    },
    freeze: () => server.freeze(),
    thaw: () => server.signal("SIGCONT"),
    halt: () => server.stop(),
    start: () => server.start(),
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

const baseLdif = `dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ${serviceAccount.dn}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: dozo
userPassword: ${serviceAccount.password}
`;

export interface SlapdOptions {
  /** Attributes and classes besides the usual ones. */
  readonly definitions?: string;
  readonly tls?: boolean;
  /** So many entries are the most that one search gives. */
  readonly sizeLimit?: number;
}

/** Nobody reads anything but dozo's account; a password is there to be compared with, for all. */
function configurationOf(folder: string, { definitions = "", tls = true, sizeLimit = 500 }: SlapdOptions): string {
  const includes = schemas.map((name) => `include /etc/ldap/schema/${name}.schema`);
  const certificate = [`TLSCertificateFile ${folder}/server.crt`, `TLSCertificateKeyFile ${folder}/server.key`];
  return `${[...includes, definitions, ...(tls ? certificate : [])].join("\n")}
# As Active Directory does: a bind with a name and without a password succeeds, as nobody.
allow bind_anon_dn
modulepath /usr/lib/ldap
moduleload back_mdb
sizelimit ${sizeLimit}
database mdb
maxsize 16777216
suffix "dc=example,dc=org"
rootdn "${directoryAdmin.dn}"
rootpw ${directoryAdmin.password}
directory ${folder}/data
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="${serviceAccount.dn}" read by * none
`;
}

async function writeCertificate(folder: string): Promise<string> {
  const now = Date.now();
  const authority = await createAuthority({ hostNames: ["localhost"], suffixes: [], publicAddresses: [] }, now);
  const serverKeyPem = await createServerKey();
  writeFileSync(
    join(folder, "server.crt"),
    await issueServerCertificate(authority, { names: ["localhost"], serverKeyPem, now }),
  );
  writeFileSync(join(folder, "server.key"), serverKeyPem);
  writeFileSync(join(folder, "ca.crt"), authority.rootPem);
  return authority.rootPem;
}

class Server {
  readonly #words: readonly string[];
  readonly #urls: readonly string[];
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  text = "";

  constructor(configuration: string, urls: readonly string[]) {
    this.#urls = urls;
    this.#words = ["-f", configuration, "-h", urls.join(" "), "-d", "stats"];
  }

  async start(): Promise<void> {
    await this.#announced();
    // It says so a moment before it listens.
    for (const url of this.#urls) while (!(await answers(url)));
  }

  #announced(): Promise<void> {
    const child = spawn(findProgram("slapd") ?? "slapd", this.#words, { stdio: ["ignore", "ignore", "pipe"] });
    this.#child = child;
    this.#ended = new Promise((resolve) => child.on("close", () => resolve()));
    const from = this.text.length;
    return new Promise((resolve, reject) => {
      child.stderr.setEncoding("utf8").on("data", (part: string) => {
        this.text += part;
        if (this.text.slice(from).includes("slapd starting")) resolve();
      });
      void this.#ended.then(() => reject(new Error(`slapd ended:\n${this.text.slice(from)}`)));
    });
  }

  freeze(): void {
    this.signal("SIGSTOP");
    const tasks = `/proc/${this.#child?.pid}/task`;
    // Its threads stop one after the other.
    while (readdirSync(tasks).some((task) => !/\) T /.test(readFileSync(join(tasks, task, "stat"), "utf8"))));
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  async stop(): Promise<void> {
    this.signal("SIGKILL");
    await this.#ended;
  }
}

function answers(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

function must(program: string, words: readonly string[], input = ""): void {
  const { status, stderr } = spawnSync(findProgram(program) ?? program, words, { input, encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} failed: ${stderr}`);
}
