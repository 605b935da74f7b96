import "reflect-metadata";
import { afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, globSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createAuthority } from "../pki/certificate-authority.ts";
import { catalogue } from "./catalogue.ts";
import type { ClientKind, Folders, TrustFile } from "./client-kind.ts";
import { type RegistryIdentity, registryIdentity } from "./identity.ts";
import { enrolmentScript } from "./script.ts";

// The script runs for real, in a machine that is a folder: a root of its own, a home of its own, and only the programs that a
// test puts there beside the plain tools.

setDefaultTimeout(60_000);

let caPem = "";
let folder: string;
const registry = "box.example.com:5000";
const docker = `root/etc/docker/certs.d/${registry}/ca.crt`;

const shells = [["sh"], ["busybox", "sh"]]
  .map(([name = "", ...words]) => [Bun.which(name) ?? "", ...words])
  .filter(([path]) => path !== "");

beforeAll(async () => {
  caPem = (await createAuthority({ hostNames: [], suffixes: [], publicAddresses: [] }, Date.now())).rootPem;
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "dozo script-"));
  for (const name of ["root/etc", "root/usr/local", "home", "programs", "tmp"])
    await mkdir(join(folder, name), { recursive: true });
  // A sudo that says yes, for those who run the tests without being root.
  await program("sudo", '[ "$1" != -- ] || shift; exec "$@"');
  const tools =
    "awk cat chmod cksum cp cut dirname env getent grep id mkdir mktemp mv readlink rm rmdir sed sh sort stty tail tr uname";
  for (const tool of tools.split(" ")) {
    const path = Bun.which(tool, { PATH: "/usr/bin:/bin" });
    if (path !== null) await symlink(path, join(folder, "programs", tool));
  }
});

afterEach(() => rm(folder, { recursive: true }));

/** A program of the machine, which writes down how it was called. */
async function program(name: string, commands: string): Promise<void> {
  const path = join(folder, "programs", name);
  // Never through a link to the machine's own program.
  await rm(path, { force: true });
  await writeFile(path, `#!/bin/sh\necho "${name} $*" >>'${folder}/called'\n${commands}\n`, { flag: "wx" });
  await chmod(path, 0o755);
}

async function file(path: string, content: string, mode = 0o644): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), content);
  await chmod(join(folder, path), mode);
}

function text(path: string): string {
  return readFileSync(join(folder, path), "utf8");
}

function called(): string {
  return existsSync(join(folder, "called")) ? text("called") : "";
}

interface Enrolled {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

async function enrol(
  options: string,
  { shell = shells[0] ?? [], name = registry, ca = caPem, input = "" } = {},
): Promise<Enrolled> {
  const identity = registryIdentity({ registry: name, caPem: ca === "" ? undefined : ca, certificatePem: undefined });
  // Nothing of the machine that runs the tests is looked at: neither its PATH nor its folders.
  const script = enrolmentScript(identity, join(folder, "root")).replace(/^ {2}PATH=.*$/m, "");
  await writeFile(join(folder, "enroll.sh"), script);
  const child = Bun.spawn([...shell, join(folder, "enroll.sh"), ...options.split(" ").filter((word) => word !== "")], {
    cwd: folder,
    env: { HOME: join(folder, "home"), PATH: join(folder, "programs"), TMPDIR: join(folder, "tmp") },
    stdin: new Blob([input]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { exitCode: await child.exited, out, err };
}

/** Every file, folder and link of the machine with its mode and what is in it. */
function everything(): readonly string[] {
  return ["root", "home", "tmp"]
    .flatMap((top) => [
      top,
      ...readdirSync(join(folder, top), { recursive: true }).map((path) => `${top}/${String(path)}`),
    ])
    .toSorted()
    .map((path) => {
      const state = lstatSync(join(folder, path));
      const mode = (state.mode & 0o7777).toString(8);
      if (state.isSymbolicLink()) return `${path} -> ${readlinkSync(join(folder, path))}`;
      if (!state.isFile()) return `${path}/ ${mode}`;
      return `${path} ${mode} ${createHash("sha256")
        .update(readFileSync(join(folder, path)))
        .digest("hex")}`;
    });
}

/** The paths behind a word, in what the script said. */
function named(words: RegExp, said: string): string[] {
  return [...said.matchAll(words)].map(([, path = ""]) => path).toSorted();
}

/** What a kind has on the machine itself, for a registry with two spellings. */
function placedFiles(kind: ClientKind, folders: Folders): readonly TrustFile[] {
  const identity: RegistryIdentity = {
    registry: "box.example.com",
    spellings: ["box.example.com", "box.example.com:443"],
    caPem,
    keyPin: undefined,
  };
  return kind.files(identity, folders).filter(({ place }) => place !== "workspace");
}

/** containerd's configuration with this for config_path. */
function withPath(value: string): string {
  return `version = 3\n[plugins.'io.containerd.cri.v1.images'.registry]\n  config_path = ${value}\n[other]\n  x = 1\n`;
}

/** A machine with one of each that is enrolled. */
async function furnish(): Promise<void> {
  await file("home/.docker/buildx/buildkitd.default.toml", '[registry."docker.io"]\n  mirrors = ["m"]\n', 0o600);
  await file("home/.docker/desktop/x", "");
  await file("home/.config/docker/daemon.json", "{}");
  await file(`home/.config/containers/certs.d/${registry}/old.crt`, "");
  await file(`root/etc/containers/certs.d/${registry}/ca.crt`, "another CA\n", 0o640);
  await file("root/etc/buildkit/other.toml", "");
  await file("root/etc/containerd/config.toml", "version = 2\n");
  await file(
    "root/etc/rancher/k3s/registries.yaml",
    'configs:\n    "docker.io":\n        auth: { username: a }\n',
    0o600,
  );
  await file("root/etc/rancher/rke2/config.yaml", "");
  await file("home/.minikube/config", "");
  await file("root/var/snap/microk8s/current/args/kubelet", "");
  await file("root/usr/local/share/ca-certificates/other.crt", "x");
  await program("helm", "");
  await program("update-ca-certificates", "");
}

describe.each(shells.map((shell) => ({ shell, name: shell.join(" ") })))("in $name", ({ shell }) => {
  test("it ends with 1 when a file cannot be written, and says which", async () => {
    await file("root/etc/docker", "not a folder");
    const { exitCode, err, out } = await enrol("--no-login", { shell });
    expect(exitCode).toBe(1);
    expect(err).toContain(`not written    ${folder}/${docker}`);
    expect(out).not.toContain("is trusted here");
  });

  test("it shows what it would write, writes it, changes nothing the second time and takes all of it back", async () => {
    await furnish();
    const before = everything();

    const shown = await enrol("--dry-run --no-login", { shell });
    expect(shown).toMatchObject({ exitCode: 0, err: "" });
    expect(everything()).toEqual(before);

    const first = await enrol("--no-login", { shell });
    expect(first).toMatchObject({ exitCode: 0, err: "" });
    const enrolled = everything();
    expect(named(/^written +(\S.*?) \(/gm, first.out)).toEqual(
      named(/^would (?:write|change) +(\S.*?) \(/gm, shown.out),
    );
    expect(named(/^written +(\S.*?) \(/gm, first.out).length).toBe(18);

    const second = await enrol("--no-login", { shell });
    expect(second).toMatchObject({ exitCode: 0, err: "" });
    expect(second.out).not.toMatch(/written|would|Restart/);
    expect(everything()).toEqual(enrolled);

    expect(await enrol("--undo --dry-run", { shell })).toMatchObject({ exitCode: 0, err: "" });
    expect(everything()).toEqual(enrolled);
    expect(await enrol("--undo", { shell })).toMatchObject({ exitCode: 0, err: "" });
    expect(everything()).toEqual(before);
    expect(called().match(/^update-ca-certificates.*$/gm)).toEqual([
      "update-ca-certificates ",
      "update-ca-certificates --fresh",
    ]);
  });
});

// What the pages say of a kind of client, and what doctor looks for, is what the script does.
describe("the files of the catalogue are those that the script writes", () => {
  const anywhere: Folders = { home: "", config: "", programData: "" };
  const kinds = catalogue
    .flatMap((family) => family.kinds)
    .filter((kind) => kind.broughtBy.includes("sh") && kind.id !== "kind" && placedFiles(kind, anywhere).length > 0);

  test.each(kinds.map((kind) => [kind.id, kind] as const))("%s", async (id, kind) => {
    const { presence } = kind;
    const home = join(folder, "home");
    const folders = { home, config: join(home, ".config"), programData: "" };
    const inMachine = (path: string): string => (path.startsWith(folder) ? path : join(folder, "root", path));
    const [path] = presence.paths(folders);
    if (path !== undefined) await mkdir(inMachine(path), { recursive: true });
    for (const name of presence.programs) await program(name, "");
    for (const name of ["update-ca-certificates", "update-ca-trust", "certctl"]) await program(name, "");
    if (id === "freebsd") await program("uname", "echo FreeBSD");
    const wanted = placedFiles(kind, folders);
    // The system's own folder of these is used only where it is there already, since Docker's does as well.
    if (["podman", "buildah", "skopeo", "cri-o"].includes(id)) {
      for (const each of wanted) await mkdir(dirname(inMachine(each.path)), { recursive: true });
    }
    await enrol("--no-login --system-store", { name: "box.example.com" });
    for (const each of wanted) {
      const written = readFileSync(inMachine(each.path), "utf8").replaceAll(join(folder, "root"), "");
      expect({ path: each.path, text: written }).toEqual({ path: each.path, text: each.text });
    }
  });
});

test("a part of it does nothing, wherever it is cut", async () => {
  await furnish();
  const before = everything();
  const identity = registryIdentity({ registry, caPem, certificatePem: undefined });
  const script = enrolmentScript(identity, join(folder, "root"));
  const lines = script.split("\n");
  for (let count = 1; count < lines.length - 2; count += 37) {
    await writeFile(join(folder, "part.sh"), lines.slice(0, count).join("\n"));
    await Bun.spawn(["sh", join(folder, "part.sh")], {
      stdout: "ignore",
      stderr: "ignore",
      env: { HOME: join(folder, "home") },
    }).exited;
  }
  expect(everything()).toEqual(before);
});

test("without anything to find it makes the folder of certificates that Docker, podman and the like read", async () => {
  const { out } = await enrol("--no-login");
  expect(text(docker)).toBe(caPem);
  expect(lstatSync(join(folder, docker)).mode & 0o777).toBe(0o644);
  expect(out.match(/^written/gm)).toHaveLength(1);
});

test("on port 443 both spellings are known everywhere", async () => {
  await furnish();
  await enrol("--no-login", { name: "box.example.com" });
  for (const spelling of ["box.example.com", "box.example.com:443"]) {
    expect(text(`root/etc/docker/certs.d/${spelling}/ca.crt`)).toBe(caPem);
    expect(text(`root/etc/containerd/certs.d/${spelling}/hosts.toml`)).toContain(`[host."https://${spelling}"]`);
    expect(text("home/.docker/buildx/buildkitd.default.toml")).toContain(`[registry."${spelling}"]`);
  }
});

test("an address of IP version 6 is no pattern for the shell", async () => {
  await file("f:5000", "");
  await enrol("--no-login", { name: "[fd00::1]:5000" });
  expect(text("root/etc/docker/certs.d/[fd00::1]:5000/ca.crt")).toBe(caPem);
});

test("without a CA it writes nothing and only logs in", async () => {
  await furnish();
  const before = everything();
  const { out } = await enrol("", { ca: "" });
  expect(everything()).toEqual(before);
  expect(out).toContain(`Log in: helm registry login ${registry}`);
});

test("what was changed since is left, and its backup is named; the rest is taken back", async () => {
  await furnish();
  const before = everything();
  const yaml = "root/etc/rancher/k3s/registries.yaml";
  const original = text(yaml);
  await enrol("--no-login");
  const written = text(yaml);
  await writeFile(join(folder, yaml), `${written}# mine\n`);

  const { exitCode, err } = await enrol("--undo");
  expect(exitCode).toBe(1);
  const [, backup = ""] = /what was there before is (\S.*)/.exec(err) ?? [];
  expect(readFileSync(backup, "utf8")).toBe(original);
  expect(text(yaml)).toBe(`${written}# mine\n`);
  expect(globSync(`root/etc/docker/**/ca.crt`, { cwd: folder })).toEqual([]);

  await writeFile(join(folder, yaml), written);
  expect((await enrol("--undo")).exitCode).toBe(0);
  expect(everything()).toEqual(before);
});

test("registries.yaml keeps what is in it, and gets the registry in both sections", async () => {
  await furnish();
  await enrol("--no-login");
  expect(text("root/etc/rancher/k3s/registries.yaml")).toBe(`configs:
    "${registry}":
      tls:
        ca_file: "${folder}/root/etc/rancher/k3s/dozo-box.example.com-5000.crt"
    "docker.io":
        auth: { username: a }
mirrors:
  "${registry}":
    endpoint:
      - "https://${registry}"
`);
});

test.each([
  "mirrors: {}\n",
  'configs: { "a": {} }\n',
  `mirrors:\n  "${registry}":\n    endpoint: []\n`,
  "---\nmirrors:\n",
])("registries.yaml that only a person can add to is left, and he is told: %j", async (yaml) => {
  await file("root/etc/rancher/k3s/registries.yaml", yaml);
  const { out } = await enrol("--no-login");
  expect(text("root/etc/rancher/k3s/registries.yaml")).toBe(yaml);
  expect(out).toMatch(/^Add to .*registries\.yaml/m);
});

test("hosts.toml of somebody else is left, and what it lacks is said", async () => {
  const hosts = `root/etc/containerd/certs.d/${registry}/hosts.toml`;
  await file(hosts, 'server = "https://x"\n');
  const { out } = await enrol("--no-login");
  expect(text(hosts)).toBe('server = "https://x"\n');
  expect(out).toContain("it decides. Add to its table");
});

describe("containerd's config_path", () => {
  const folders = '"/etc/containerd/certs.d:/etc/docker/certs.d"';

  beforeEach(async () => {
    // As containerd does, it prints the configuration that it is given.
    await program("containerd", 'case "$*" in --version) echo "containerd x v2.2.0 y";; *) cat "$2";; esac');
    await program("kubelet", "");
  });

  test.each([
    ["a list of two folders is named as the trap it is", folders, /for one folder/],
    ["an empty one is named", '""', /config_path is empty/],
    ["another folder is named", '"/other"', /from \/other/],
  ])("%s", async (_, value, said) => {
    await file("root/etc/containerd/config.toml", withPath(value));
    const { out } = await enrol("--no-login");
    expect(out).toMatch(said);
    expect(out).toContain("--fix-containerd");
    expect(text("root/etc/containerd/config.toml")).toBe(withPath(value));
  });

  test("is corrected on request, and taken back", async () => {
    await file("root/etc/containerd/config.toml", withPath(folders), 0o600);
    const before = everything();
    const { out } = await enrol("--no-login --fix-containerd");
    expect(out).toContain("Restart containerd: sudo systemctl restart containerd");
    expect(text("root/etc/containerd/config.toml")).toBe(withPath(`"${folder}/root/etc/containerd/certs.d"`));
    expect(lstatSync(join(folder, "root/etc/containerd/config.toml")).mode & 0o777).toBe(0o600);
    expect((await enrol("--no-login")).out).not.toContain("--fix-containerd");
    await enrol("--undo");
    expect(everything()).toEqual(before);
  });

  test("is nobody's business where no Kubernetes is", async () => {
    await rm(join(folder, "programs/kubelet"));
    await file("root/etc/containerd/config.toml", withPath(folders));
    expect((await enrol("--no-login")).out).not.toContain("config_path");
  });
});

describe("the system's certificates", () => {
  const stores = [
    ["Debian and Alpine", "usr/local/share/ca-certificates", "dozo-box.example.com-5000.crt", "update-ca-certificates"],
    ["RHEL", "etc/pki/ca-trust/source/anchors", "dozo-box.example.com-5000.pem", "update-ca-trust"],
    ["Arch", "etc/ca-certificates/trust-source/anchors", "dozo-box.example.com-5000.crt", "update-ca-trust"],
    ["SUSE", "etc/pki/trust/anchors", "dozo-box.example.com-5000.pem", "update-ca-certificates"],
  ] as const;

  test.each(stores)("of %s are changed on request, and taken back", async (_, anchors, name, refresh) => {
    await mkdir(join(folder, "root", anchors), { recursive: true });
    await program(refresh, "");
    const before = everything();
    await enrol("--no-login");
    expect(globSync(`root/${anchors}/*`, { cwd: folder })).toEqual([]);
    await enrol("--no-login --system-store");
    expect(text(`root/${anchors}/${name}`)).toBe(caPem);
    expect(called()).toMatch(new RegExp(`^${refresh} $`, "m"));
    await enrol("--undo");
    expect(everything()).toEqual(before);
  });

  test("hold a certificate per file, where a new CA is announced beside the old one", async () => {
    await mkdir(join(folder, "root/etc/pki/ca-trust/source/anchors"), { recursive: true });
    await program("update-ca-trust", "");
    const next = (await createAuthority({ hostNames: [], suffixes: [], publicAddresses: [] }, Date.now())).rootPem;
    await enrol("--no-login --system-store", { ca: caPem + next });
    expect(text(docker)).toBe(caPem + next);
    const anchors = "root/etc/pki/ca-trust/source/anchors/dozo-box.example.com-5000";
    expect([text(`${anchors}.pem`), text(`${anchors}-2.pem`)]).toEqual([caPem, next]);
  });

  test("of NixOS are a person's to change", async () => {
    await file("root/etc/NIXOS", "");
    expect((await enrol("--no-login --system-store")).out).toContain("security.pki.certificates");
  });
});

describe("the login", () => {
  const dockerProgram = `case $1 in
    version) exit 0;;
    login) case "$*" in *--password-stdin*) ;; *) exit 1;; esac
      mkdir -p "$HOME/.docker"; printf '{"auths":{"%s":{"auth":"%s"}}}' "${registry}" "$(cat)" >"$HOME/.docker/config.json";;
    logout) printf '{\\n\\t"auths": {}\\n}' >"$HOME/.docker/config.json";;
    pull) echo "manifest unknown" >&2; exit 1;;
  esac`;

  test("is made with the password on standard input, never among a program's words, and taken back", async () => {
    await program("docker", dockerProgram);
    const before = everything();
    const { out, exitCode } = await enrol("--user maria --password-stdin", { input: "open sesame $(id) '\"" });
    expect(exitCode).toBe(0);
    expect(out).toContain("logged in      docker, as maria\npulls work     docker");
    expect(text("home/.docker/config.json")).toContain("open sesame $(id) '\"");
    expect(called() + out).not.toContain("sesame");
    await enrol("--undo");
    expect(everything()).toEqual(before);
  });

  test("is a line to type where there is no terminal", async () => {
    await program("docker", dockerProgram);
    const { out, exitCode } = await enrol("");
    expect(exitCode).toBe(0);
    expect(out).toContain(`Log in: docker login ${registry}\n`);
  });

  test("that is refused is said, with what to type", async () => {
    await program("docker", 'case $1 in version) exit 0;; *) echo "unauthorized: wrong" >&2; exit 1;; esac');
    const { err, exitCode } = await enrol("--user maria --password-stdin", { input: "x" });
    expect(exitCode).toBe(1);
    expect(err).toContain(`unauthorized: wrong\nnot logged in  docker. Try again: docker login -u maria ${registry}`);
  });
});

test("what it does not know is wrong use, and nothing is done", async () => {
  const before = everything();
  for (const words of ["--dryrun", "--user", "--password-stdin", "x"]) {
    const { exitCode, err } = await enrol(words);
    expect(exitCode).toBe(2);
    expect(err).toContain("--dry-run");
  }
  expect(everything()).toEqual(before);
});

test("the facts in it are quoted, whatever they were", () => {
  const identity = { registry: "a'$(touch x)\n`id`", spellings: ["b'c"], caPem: undefined, keyPin: undefined };
  const head = enrolmentScript(identity).split("usage()")[0] ?? "";
  const shell = Bun.spawnSync([
    "sh",
    "-c",
    `${head.replace(/^#.*\n(?:.*`id`.*\n)?/gm, "")}printf '%s|%s' "$registry" "$spellings"`,
  ]);
  expect(shell.stdout.toString()).toBe("a'$(touch x)\n`id`|b'c");
});
