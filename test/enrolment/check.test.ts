import "reflect-metadata";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmod, rm } from "node:fs/promises";
import { createServer as createPlainServer, type AddressInfo, type Server } from "node:net";
import { createServer } from "node:tls";
import {
  type CertificateAuthority,
  createAuthority,
  createServerKey,
  issueServerCertificate,
} from "../../src/pki/certificate-authority.ts";
import { type Enrolled, SmallMachine } from "./small-machine.ts";

// Each fault is planted for real, on a machine that is a folder and a server that answers as the fault wants it.

setDefaultTimeout(60_000);
const dayMs = 86_400_000;
const challenge = 'WWW-Authenticate: Basic realm="dozo", charset="UTF-8"';
const scope = { hostNames: [], suffixes: [], publicAddresses: [] };

let authority: CertificateAuthority;
let other: CertificateAuthority;
let key: string;
let server: Server;
let registry: string;
let machine: SmallMachine;

beforeAll(async () => {
  authority = await createAuthority(scope, Date.now());
  // Old enough to have signed what has expired since.
  other = await createAuthority(scope, Date.now() - 200 * dayMs);
  key = await createServerKey();
  server = await serve({});
  registry = registryOf(server);
});

afterAll(() => server.close());

beforeEach(async () => {
  machine = await SmallMachine.make(registry, authority.rootPem);
  // As seen from another machine than the server.
  await machine.program("getent", "echo 192.0.2.1 STREAM box");
});

afterEach(() => machine.remove());

interface Shown {
  readonly issuer?: CertificateAuthority;
  readonly name?: string;
  readonly at?: number;
  readonly status?: string;
  readonly header?: string;
  readonly date?: Date;
}

/** A server with TLS that answers everything in one way. */
async function serve({ issuer = authority, name = "localhost", at = Date.now(), ...answer }: Shown): Promise<Server> {
  const { status = "401 Unauthorized", header = challenge, date = new Date() } = answer;
  const cert = await issueServerCertificate(issuer, { names: [name], serverKeyPem: key, now: at });
  const head = `HTTP/1.1 ${status}\r\nDate: ${date.toUTCString()}\r\n${header}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
  return listening(
    createServer({ cert, key }, (socket) => socket.on("error", () => {}).once("data", () => socket.end(head))),
  );
}

/** A server that says the same to everybody, without TLS. */
function servePlain(says: string): Promise<Server> {
  return listening(createPlainServer((socket) => socket.on("error", () => {}).once("data", () => socket.end(says))));
}

async function listening(made: Server): Promise<Server> {
  const { promise, resolve } = Promise.withResolvers<void>();
  made.on("tlsClientError", () => {}).listen(0, "127.0.0.1", resolve);
  await promise;
  return made;
}

function registryOf(made: Server): string {
  return `localhost:${(made.address() as AddressInfo).port}`;
}

function idsOf({ out }: Enrolled): string[] {
  return [...out.matchAll(/^(?:error|warning): .* \(([a-z-]+)\)$/gm)].map(([, id = ""]) => id);
}

/** The folder of certificates, in the folder that is the machine. */
const folder = (): string => `root/etc/docker/certs.d/${registry}`;
const enrolled = async (): Promise<unknown> => machine.enrol("--no-login");

/** containerd that Kubernetes pulls with, and this for its config_path. */
async function plantConfigPath(value: string): Promise<void> {
  const table = `[plugins.'io.containerd.cri.v1.images'.registry]\n  config_path = "${value}"\n`;
  await machine.program("containerd", 'case "$*" in --version) echo "containerd x v2.2.0 y";; *) cat "$2";; esac');
  await machine.program("kubelet");
  await machine.file("root/etc/containerd/config.toml", `version = 3\n${table}`);
  await enrolled();
}

test("on a machine that is enrolled nothing is wrong, and looking changes nothing", async () => {
  for (const program of ["podman", "helm", "update-ca-certificates"]) await machine.program(program);
  await machine.program("docker", "case $1 in version) echo 29.1.0;; esac");
  await machine.file("root/usr/local/share/ca-certificates/x.crt", "");
  await machine.file("root/etc/rancher/k3s/x", "");
  await machine.file("root/etc/containerd/x", "");
  await machine.file("home/.docker/config.json", `{"auths":{"${registry}":{}}}`);
  await enrolled();
  const before = machine.everything();

  const checked = await machine.enrol("--check");

  expect(idsOf(checked)).toEqual([]);
  expect(checked).toMatchObject({ exitCode: 0, err: "" });
  expect(checked.out).toContain("Nothing is wrong");
  expect(machine.everything()).toEqual(before);
});

test("a finding says what is wrong, why, and what mends it; a machine that was never enrolled has one, not one per file", async () => {
  await machine.file("root/etc/containerd/x", "");
  const { out, exitCode } = await machine.enrol("--check");
  expect(exitCode).toBe(1);
  expect(out.match(/unknown-authority/g)).toHaveLength(1);
  const file = `${machine.folder}/${folder()}/ca.crt`;
  expect(out).toContain(`does not trust the certificate of ${registry}. (unknown-authority)\n  why: It refuses`);
  expect(out).toContain(
    `  fix: on the server dozo enroll prints the line that puts it right; it writes the CA's certificate to ${file}\n`,
  );
});

describe("between the machine and the server", () => {
  const faults: readonly (readonly [string, string, () => Promise<Server | undefined>])[] = [
    ["plain HTTP", "plain-http", () => servePlain("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")],
    ["something that is no TLS", "not-tls", () => servePlain("220 mail ready\r\n")],
    ["a web server", "not-a-registry", () => serve({ status: "404 Not Found" })],
    ["a proxy that does not reach the registry", "registry-fails", () => serve({ status: "502 Bad Gateway" })],
    [
      "a proxy's own login",
      "proxy-changes-challenge",
      () => serve({ header: 'WWW-Authenticate: Basic realm="nginx"' }),
    ],
    ["another authority's certificate", "strange-issuer", () => serve({ issuer: other })],
    ["a certificate for another name", "name-not-in-certificate", () => serve({ name: "other.test" })],
    ["a certificate that has not begun", "certificate-not-yet-valid", () => serve({ at: Date.now() + 10 * dayMs })],
    ["a clock that is an hour off", "clocks-differ", () => serve({ date: new Date(Date.now() - 7_200_000) })],
    [
      "a clock that is a quarter of an hour off",
      "clocks-differ",
      () => serve({ date: new Date(Date.now() + 900_000) }),
    ],
    ["nothing that listens", "port-closed", async () => undefined],
  ];

  test.each(faults)("%s is found", async (_, id, plant) => {
    const planted = await plant();
    const name = planted === undefined ? "localhost:1" : registryOf(planted);
    await machine.enrol("--no-login", { registry: name });
    const checked = await machine.enrol("--check", { registry: name });
    planted?.close();
    expect(idsOf(checked)).toEqual([id]);
  });

  test("a certificate that has expired is found", async () => {
    const planted = await serve({ issuer: other, at: Date.now() - 100 * dayMs });
    const more = { registry: registryOf(planted), caPem: other.rootPem };
    await machine.enrol("--no-login", more);
    const checked = await machine.enrol("--check", more);
    planted.close();
    expect(idsOf(checked)).toEqual(["certificate-expired"]);
  });

  test("a name without an address is found", async () => {
    await machine.program("getent");
    const registryOfNobody = "registry.invalid:5000";
    await machine.enrol("--no-login", { registry: registryOfNobody });
    expect(idsOf(await machine.enrol("--check", { registry: registryOfNobody }))).toEqual(["name-unknown"]);
  });

  test("a proxy in the environment is found, unless NO_PROXY has the name", async () => {
    await enrolled();
    const proxy = { HTTPS_PROXY: "http://127.0.0.1:1" };
    expect(idsOf(await machine.enrol("--check", { environment: proxy }))).toContain("proxy-in-the-way");
    expect(idsOf(await machine.enrol("--check", { environment: { ...proxy, NO_PROXY: "a.test,localhost" } }))).toEqual(
      [],
    );
  });

  test("a name that leads to the machine itself proves nothing, which is said", async () => {
    await machine.program("getent", "echo 127.0.0.1 STREAM localhost");
    await enrolled();
    const checked = await machine.enrol("--check");
    expect(idsOf(checked)).toEqual(["name-is-loopback"]);
    expect(checked.exitCode).toBe(0);
  });
});

describe("in the files by which clients trust it", () => {
  const faults: readonly (readonly [string, string, () => Promise<unknown>])[] = [
    ["none", "unknown-authority", () => machine.enrol("--undo")],
    ["one too few", "unknown-authority", () => rm(`${machine.folder}/root/etc/containerd/certs.d/${registry}/ca.crt`)],
    ["another CA", "ca-wrong", () => machine.file(`${folder()}/ca.crt`, other.rootPem)],
    ["a web page", "ca-not-a-certificate", () => machine.file(`${folder()}/ca.crt`, "<html>404</html>")],
    ["a file that the person cannot read", "ca-unreadable", () => chmod(`${machine.folder}/${folder()}/ca.crt`, 0o600)],
    [
      "the CA under the ending of a client's certificate",
      "ca-wrong-ending",
      () => machine.file(`${folder()}/ca.cert`, authority.rootPem),
    ],
    [
      "a client's certificate without its key",
      "client-key-missing",
      () => machine.file(`${folder()}/client.cert`, "x"),
    ],
    [
      "an empty folder that podman finds first",
      "podman-shadowed",
      () => machine.file(`home/.config/containers/certs.d/${registry}/x`, ""),
    ],
    [
      "a hosts.toml without the CA",
      "hosts-toml-without-ca",
      () => machine.file(`root/etc/containerd/certs.d/${registry}/hosts.toml`, `server = "https://${registry}"\n`),
    ],
    ["containerd's list of two folders", "containerd-config-path-colon", () => plantConfigPath("/a:/b")],
    ["no config_path of containerd's", "containerd-config-path-missing", () => plantConfigPath("")],
    [
      "a registry that Docker takes for insecure",
      "insecure-registry",
      () => machine.file("root/etc/docker/daemon.json", `{"insecure-registries": ["${registry}"]}`),
    ],
    [
      "a registry that podman takes for insecure",
      "insecure-registry",
      () =>
        machine.file(
          "root/etc/containers/registries.conf.d/x.conf",
          `[[registry]]\nlocation = "${registry}"\ninsecure = true\n`,
        ),
    ],
  ];

  test.each(faults)("%s is found", async (_, id, plant) => {
    await machine.file("root/etc/containerd/x", "");
    await enrolled();
    await plant();
    const found = idsOf(await machine.enrol("--check"));
    expect([...new Set(found)]).toEqual([id]);
  });

  test("the folder without the port is found, and which one is right", async () => {
    await machine.file("root/etc/docker/certs.d/localhost/ca.crt", authority.rootPem);
    const checked = await machine.enrol("--check");
    expect(idsOf(checked).toSorted()).toEqual(["ca-wrong-folder", "unknown-authority"]);
    expect(checked.out).toContain("fix: sudo mv ");
  });

  test("a CA beside ours, which is announced or another's, is no fault", async () => {
    await machine.file(`${folder()}/ca.crt`, other.rootPem + authority.rootPem);
    expect(idsOf(await machine.enrol("--check"))).toEqual([]);
  });
});

describe("in client programs and their logins", () => {
  const docker = "case $1 in version) echo 29.1.0;; login) exit 0;; esac";
  const config = "home/.docker/config.json";
  const faults: readonly (readonly [string, string, string, string, Readonly<Record<string, string>>])[] = [
    ["no login", "not-logged-in", docker, "{}", {}],
    ["a login under another spelling", "login-other-spelling", docker, '{"auths":{"localhost":{}}}', {}],
    ["a helper that is not there", "credential-helper-missing", docker, '{"credsStore":"none"}', {}],
    [
      "a configuration that cannot be read",
      "configuration-unreadable",
      'echo "WARNING: Error loading config file: invalid character" >&2',
      "{",
      {},
    ],
    ["a daemon elsewhere", "docker-elsewhere", docker, "REGISTRY", { DOCKER_HOST: "tcp://192.0.2.9:2376" }],
    [
      "a password that is wrong now",
      "login-refused",
      'case $1 in login) echo "401 Unauthorized"; exit 1;; esac',
      "REGISTRY",
      {},
    ],
    ["a Docker of old times", "version-too-old", "case $1 in version) echo 1.9.1;; esac", "REGISTRY", {}],
  ];

  test.each(faults)("%s is found", async (_, id, program, text, environment) => {
    await machine.program("docker", program);
    await machine.file(config, text.replace("REGISTRY", `{"auths":{"${registry}":{}}}`));
    await enrolled();
    expect(idsOf(await machine.enrol("--check", { environment }))).toEqual([id]);
  });

  test("podman without a login is found", async () => {
    await machine.program("podman", 'case "$*" in *--get-login*) exit 1;; esac');
    await enrolled();
    expect(idsOf(await machine.enrol("--check"))).toEqual(["not-logged-in"]);
  });

  test("curl is asked for where it is not", async () => {
    await rm(`${machine.folder}/programs/curl`);
    await enrolled();
    expect(idsOf(await machine.enrol("--check"))).toEqual(["version-too-old"]);
  });
});

test("what is wrong with the server alone is not followed by a word that nothing is", async () => {
  const { exitCode, out } = await machine.enrol("--check", { registry: "localhost:1" });
  expect(exitCode).toBe(1);
  expect(out).toContain("port-closed");
  expect(out).not.toContain("Nothing is wrong");
});
