import "reflect-metadata";
import { afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { globSync, lstatSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { catalogue } from "../../src/enrolment/catalogue.ts";
import type { ClientKind, Folders, TrustFile } from "../../src/enrolment/client-kind.ts";
import { type RegistryIdentity, registryIdentity } from "../../src/enrolment/identity.ts";
import { enrolmentScript } from "../../src/enrolment/script.ts";
import { createAuthority } from "../../src/pki/certificate-authority.ts";
import { isolatedScript, shells, SmallMachine } from "./small-machine.ts";

setDefaultTimeout(60_000);

let caPem = "";
let machine: SmallMachine;
const registry = "box.example.com:5000";
const docker = `root/etc/docker/certs.d/${registry}/ca.crt`;

beforeAll(async () => {
  caPem = (await createAuthority({ hostNames: [], suffixes: [], publicAddresses: [] }, Date.now())).rootPem;
});

beforeEach(async () => {
  machine = await SmallMachine.make(registry, caPem);
});

afterEach(() => machine.remove());

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
  await machine.file(
    "home/.docker/buildx/buildkitd.default.toml",
    '[registry."docker.io"]\n  mirrors = ["m"]\n',
    0o600,
  );
  await machine.file("home/.docker/desktop/x", "");
  await machine.file("home/.config/docker/daemon.json", "{}");
  await machine.file(`home/.config/containers/certs.d/${registry}/old.crt`, "");
  await machine.file(`root/etc/containers/certs.d/${registry}/ca.crt`, "another CA\n", 0o640);
  await machine.file("root/etc/buildkit/other.toml", "");
  await machine.file("root/etc/containerd/config.toml", "version = 2\n");
  await machine.file(
    "root/etc/rancher/k3s/registries.yaml",
    'configs:\n    "docker.io":\n        auth: { username: a }\n',
    0o600,
  );
  await machine.file("root/etc/rancher/rke2/config.yaml", "");
  await machine.file("home/.minikube/config", "");
  await machine.file("root/var/snap/microk8s/current/args/kubelet", "");
  await machine.file("root/usr/local/share/ca-certificates/other.crt", "x");
  await machine.program("helm");
  await machine.program("update-ca-certificates");
}

describe.each(shells.map((shell) => ({ shell, name: shell.join(" ") })))("in $name", ({ shell }) => {
  test("it ends with 1 when a file cannot be written, and says which", async () => {
    await machine.file("root/etc/docker", "not a folder");
    const { exitCode, err, out } = await machine.enrol("--no-login", { shell });
    expect(exitCode).toBe(1);
    expect(err).toContain(`not written    ${machine.folder}/${docker}`);
    expect(out).not.toContain("is trusted here");
  });

  test("it shows what it would write, writes it, changes nothing the second time and takes all of it back", async () => {
    await furnish();
    const before = machine.everything();

    const shown = await machine.enrol("--dry-run --no-login", { shell });
    expect(shown).toMatchObject({ exitCode: 0, err: "" });
    expect(machine.everything()).toEqual(before);

    const first = await machine.enrol("--no-login", { shell });
    expect(first).toMatchObject({ exitCode: 0, err: "" });
    const enrolled = machine.everything();
    expect(named(/^written +(\S.*?) \(/gm, first.out)).toEqual(
      named(/^would (?:write|change) +(\S.*?) \(/gm, shown.out),
    );
    expect(named(/^written +(\S.*?) \(/gm, first.out).length).toBe(18);

    const second = await machine.enrol("--no-login", { shell });
    expect(second).toMatchObject({ exitCode: 0, err: "" });
    expect(second.out).not.toMatch(/written|would|Restart/);
    expect(machine.everything()).toEqual(enrolled);

    expect(await machine.enrol("--undo --dry-run", { shell })).toMatchObject({ exitCode: 0, err: "" });
    expect(machine.everything()).toEqual(enrolled);
    expect(await machine.enrol("--undo", { shell })).toMatchObject({ exitCode: 0, err: "" });
    expect(machine.everything()).toEqual(before);
    expect(machine.called().match(/^update-ca-certificates.*$/gm)).toEqual([
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
    const home = join(machine.folder, "home");
    const folders = { home, config: join(home, ".config"), programData: "" };
    const inMachine = (path: string): string =>
      path.startsWith(machine.folder) ? path : join(machine.folder, "root", path);
    const [path] = presence.paths(folders);
    if (path !== undefined) await mkdir(inMachine(path), { recursive: true });
    for (const name of presence.programs) await machine.program(name);
    for (const name of ["update-ca-certificates", "update-ca-trust", "certctl"]) await machine.program(name);
    if (id === "freebsd") await machine.program("uname", "echo FreeBSD");
    const wanted = placedFiles(kind, folders);
    // The system's own folder of these is used only where it is there already, since Docker's does as well.
    if (["podman", "buildah", "skopeo", "cri-o"].includes(id)) {
      for (const each of wanted) await mkdir(dirname(inMachine(each.path)), { recursive: true });
    }
    await machine.enrol("--no-login --system-store", { registry: "box.example.com" });
    for (const each of wanted) {
      const written = readFileSync(inMachine(each.path), "utf8").replaceAll(join(machine.folder, "root"), "");
      expect({ path: each.path, text: written }).toEqual({ path: each.path, text: each.text });
    }
  });
});

/** Where a plain tool is. */
function pathOf(tool: string): string {
  return Bun.which(tool, { PATH: "/usr/bin:/bin" }) ?? tool;
}

async function runPart(part: string): Promise<void> {
  await writeFile(join(machine.folder, "part.sh"), part);
  await Bun.spawn([...(shells[0] ?? []), join(machine.folder, "part.sh")], {
    stdout: "ignore",
    stderr: "ignore",
    env: {
      HOME: join(machine.folder, "home"),
      PATH: join(machine.folder, "programs"),
      TMPDIR: join(machine.folder, "tmp"),
    },
  }).exited;
}

test("it keeps itself for the day when the registry is gone, names that, and takes itself back with the rest", async () => {
  await furnish();
  const before = machine.everything();
  const { out } = await machine.enrol("--no-login");
  const script = /: sh '(.+)' --undo$/m.exec(out)?.[1] ?? "";
  expect(script).toBe(join(machine.folder, `root/var/lib/dozo-enroll/${registry}/enroll.sh`));
  expect(await machine.enrol("--undo", { script })).toMatchObject({ exitCode: 0, err: "" });
  expect(machine.everything()).toEqual(before);
  expect((await machine.enrol("--undo")).out).toBe(`Nothing that was enrolled here for ${registry} is left.\n`);
});

test("a part of it does nothing, wherever it is cut", async () => {
  await furnish();
  const before = machine.everything();
  const identity = registryIdentity({ registry, caPem, certificatePem: undefined });
  const script = isolatedScript(identity, machine.folder);
  const lines = script.split("\n");
  for (let count = 1; count < lines.length - 2; count += 37) {
    await runPart(lines.slice(0, count).join("\n"));
  }
  // The line that starts it all, at every byte of it.
  const start = script.lastIndexOf("\n", script.lastIndexOf("main ")) + 1;
  for (let end = start + 1; end < script.indexOf("\n", start); end += 1) await runPart(script.slice(0, end));
  expect(machine.everything()).toEqual(before);
});

test("without anything to find it makes the folder of certificates that Docker, podman and the like read", async () => {
  const { out } = await machine.enrol("--no-login");
  expect(machine.text(docker)).toBe(caPem);
  expect(lstatSync(join(machine.folder, docker)).mode & 0o777).toBe(0o644);
  expect(out.match(/^written/gm)).toHaveLength(1);
});

test("on port 443 both spellings are known everywhere", async () => {
  await furnish();
  await machine.enrol("--no-login", { registry: "box.example.com" });
  for (const spelling of ["box.example.com", "box.example.com:443"]) {
    expect(machine.text(`root/etc/docker/certs.d/${spelling}/ca.crt`)).toBe(caPem);
    expect(machine.text(`root/etc/containerd/certs.d/${spelling}/hosts.toml`)).toContain(
      `[host."https://${spelling}"]`,
    );
    expect(machine.text("home/.docker/buildx/buildkitd.default.toml")).toContain(`[registry."${spelling}"]`);
  }
});

test("an address of IP version 6 is no pattern for the shell", async () => {
  await machine.file("f:5000", "");
  await machine.enrol("--no-login", { registry: "[fd00::1]:5000" });
  expect(machine.text("root/etc/docker/certs.d/[fd00::1]:5000/ca.crt")).toBe(caPem);
});

test("without a CA it writes nothing and only logs in", async () => {
  await furnish();
  const before = machine.everything();
  const { out } = await machine.enrol("", { caPem: "" });
  expect(machine.everything()).toEqual(before);
  expect(out).toContain(`Log in: helm registry login ${registry}`);
});

test("what was changed since is left, and its backup is named; the rest is taken back", async () => {
  await furnish();
  const before = machine.everything();
  const yaml = "root/etc/rancher/k3s/registries.yaml";
  const original = machine.text(yaml);
  await machine.enrol("--no-login");
  const written = machine.text(yaml);
  await writeFile(join(machine.folder, yaml), `${written}# mine\n`);

  const { exitCode, err } = await machine.enrol("--undo");
  expect(exitCode).toBe(1);
  const [, backup = ""] = /what was there before is (\S.*)/.exec(err) ?? [];
  expect(readFileSync(backup, "utf8")).toBe(original);
  expect(machine.text(yaml)).toBe(`${written}# mine\n`);
  expect(globSync(`root/etc/docker/**/ca.crt`, { cwd: machine.folder })).toEqual([]);

  await writeFile(join(machine.folder, yaml), written);
  expect((await machine.enrol("--undo")).exitCode).toBe(0);
  expect(machine.everything()).toEqual(before);
});

describe("when something is in the way", () => {
  const yaml = "root/etc/rancher/k3s/registries.yaml";

  test("a list that lies with the person makes undo run nothing of his", async () => {
    await machine.program("evil");
    const list = `refresh ${machine.folder}/programs/evil\nrefresh evil\n`;
    await machine.file(`home/.local/state/dozo-enroll/${registry}/list`, list);
    await machine.enrol("--undo");
    expect(machine.called()).not.toContain("evil");
  });

  test("half a text is never put into a file", async () => {
    await furnish();
    const before = machine.text(yaml);
    // As where the folder for temporary files is full.
    await machine.program("awk", `case "\${KEY-}" in configs) echo half; exit 2;; esac; exec ${pathOf("awk")} "$@"`);
    const { exitCode, err, out } = await machine.enrol("--no-login");
    expect(exitCode).toBe(1);
    expect(err).toContain(`not written    ${machine.folder}/${yaml}: its text could not be made`);
    expect(machine.text(yaml)).toBe(before);
    expect(out).not.toContain("is trusted here");
  });

  test("what was written in part is taken back, and nothing is left beside it", async () => {
    await furnish();
    const before = machine.everything();
    await machine.program("mv", `case "$*" in *registries.yaml.dozo-new*) exit 1;; esac; exec ${pathOf("mv")} "$@"`);
    const { exitCode } = await machine.enrol("--no-login");
    expect(exitCode).toBe(1);
    expect(machine.everything().join("\n")).not.toContain("dozo-new");
    expect(await machine.enrol("--undo")).toMatchObject({ exitCode: 0, err: "" });
    expect(machine.everything()).toEqual(before);
  });

  test("what could not be restored stays listed, and is restored the next time", async () => {
    await furnish();
    const before = machine.everything();
    await machine.enrol("--no-login");
    await machine.program("cp", "exit 1");
    expect((await machine.enrol("--undo")).exitCode).toBe(1);
    await machine.program("cp", `exec ${pathOf("cp")} "$@"`);
    expect(await machine.enrol("--undo")).toMatchObject({ exitCode: 0, err: "" });
    expect(machine.everything()).toEqual(before);
  });

  test("a second run at the same time ends before it touches anything", async () => {
    await machine.enrol("--no-login");
    await machine.file("root/etc/buildkit/other.toml", "");
    await mkdir(join(machine.folder, `root/var/lib/dozo-enroll/${registry}/running`));
    const before = machine.everything();
    for (const options of ["--no-login", "--undo"]) {
      const { exitCode, err } = await machine.enrol(options);
      expect(exitCode).toBe(1);
      expect(err).toContain("Another run is at work here");
      expect(machine.everything()).toEqual(before);
    }
  });
});

test("where nothing is found it says so, and not that all is well", async () => {
  const { exitCode, out, err } = await machine.enrol("--no-login --home");
  expect(exitCode).toBe(1);
  expect(err).toContain("Nothing was found here");
  expect(out).not.toContain("is trusted here");
});

test("podman looks below ~/.config, wherever XDG_CONFIG_HOME leads", async () => {
  await machine.program("podman");
  await machine.enrol("--no-login --home", {
    environment: { XDG_CONFIG_HOME: join(machine.folder, "home/elsewhere") },
  });
  expect(machine.text(`home/.config/containers/certs.d/${registry}/ca.crt`)).toBe(caPem);
});

test("registries.yaml keeps what is in it, and gets the registry in both sections", async () => {
  await furnish();
  await machine.enrol("--no-login");
  expect(machine.text("root/etc/rancher/k3s/registries.yaml")).toBe(`configs:
    "${registry}":
      tls:
        ca_file: "${machine.folder}/root/etc/rancher/k3s/dozo-box.example.com-5000.crt"
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
  await machine.file("root/etc/rancher/k3s/registries.yaml", yaml);
  const { out } = await machine.enrol("--no-login");
  expect(machine.text("root/etc/rancher/k3s/registries.yaml")).toBe(yaml);
  expect(out).toMatch(/^Add to .*registries\.yaml/m);
});

test("hosts.toml of somebody else is left, and what it lacks is said", async () => {
  const hosts = `root/etc/containerd/certs.d/${registry}/hosts.toml`;
  await machine.file(hosts, 'server = "https://x"\n');
  const { out } = await machine.enrol("--no-login");
  expect(machine.text(hosts)).toBe('server = "https://x"\n');
  expect(out).toContain("it decides. Add to its table");
});

describe("containerd's config_path", () => {
  const folders = '"/etc/containerd/certs.d:/etc/docker/certs.d"';

  beforeEach(async () => {
    // As containerd does, it prints the configuration that it is given.
    await machine.program("containerd", 'case "$*" in --version) echo "containerd x v2.2.0 y";; *) cat "$2";; esac');
    await machine.program("kubelet");
  });

  test.each([
    ["a list of two folders is named as the trap it is", folders, /for one folder/],
    ["an empty one is named", '""', /config_path is empty/],
    ["another folder is named", '"/other"', /from \/other/],
  ])("%s", async (_, value, said) => {
    await machine.file("root/etc/containerd/config.toml", withPath(value));
    const { out } = await machine.enrol("--no-login");
    expect(out).toMatch(said);
    expect(out).toContain("--fix-containerd");
    expect(machine.text("root/etc/containerd/config.toml")).toBe(withPath(value));
  });

  test("is corrected on request, and taken back", async () => {
    await machine.file("root/etc/containerd/config.toml", withPath(folders), 0o600);
    const before = machine.everything();
    const { out } = await machine.enrol("--no-login --fix-containerd");
    expect(out).toContain("Restart containerd: sudo systemctl restart containerd");
    expect(machine.text("root/etc/containerd/config.toml")).toBe(
      withPath(`"${machine.folder}/root/etc/containerd/certs.d"`),
    );
    expect(lstatSync(join(machine.folder, "root/etc/containerd/config.toml")).mode & 0o777).toBe(0o600);
    expect((await machine.enrol("--no-login")).out).not.toContain("--fix-containerd");
    await machine.enrol("--undo");
    expect(machine.everything()).toEqual(before);
  });

  test("is nobody's business where no Kubernetes is", async () => {
    await rm(join(machine.folder, "programs/kubelet"));
    await machine.file("root/etc/containerd/config.toml", withPath(folders));
    expect((await machine.enrol("--no-login")).out).not.toContain("config_path");
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
    await mkdir(join(machine.folder, "root", anchors), { recursive: true });
    await machine.program(refresh);
    const before = machine.everything();
    await machine.enrol("--no-login");
    expect(globSync(`root/${anchors}/*`, { cwd: machine.folder })).toEqual([]);
    await machine.enrol("--no-login --system-store");
    expect(machine.text(`root/${anchors}/${name}`)).toBe(caPem);
    expect(machine.called()).toMatch(new RegExp(`^${refresh} $`, "m"));
    await machine.enrol("--undo");
    expect(machine.everything()).toEqual(before);
  });

  test("hold a certificate per file, where a new CA is announced beside the old one", async () => {
    await mkdir(join(machine.folder, "root/etc/pki/ca-trust/source/anchors"), { recursive: true });
    await machine.program("update-ca-trust");
    const next = (await createAuthority({ hostNames: [], suffixes: [], publicAddresses: [] }, Date.now())).rootPem;
    await machine.enrol("--no-login --system-store", { caPem: caPem + next });
    expect(machine.text(docker)).toBe(caPem + next);
    const anchors = "root/etc/pki/ca-trust/source/anchors/dozo-box.example.com-5000";
    expect([machine.text(`${anchors}.pem`), machine.text(`${anchors}-2.pem`)]).toEqual([caPem, next]);
  });

  test("of NixOS are a person's to change", async () => {
    await machine.file("root/etc/NIXOS", "");
    expect((await machine.enrol("--no-login --system-store")).out).toContain("security.pki.certificates");
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
    await machine.program("docker", dockerProgram);
    const before = machine.everything();
    const { out, exitCode } = await machine.enrol("--user maria --password-stdin", { input: "open sesame $(id) '\"" });
    expect(exitCode).toBe(0);
    expect(out).toContain("logged in      docker, as maria\npulls work     docker");
    expect(machine.text("home/.docker/config.json")).toContain("open sesame $(id) '\"");
    expect(machine.called() + out).not.toContain("sesame");
    await machine.enrol("--undo");
    expect(machine.everything()).toEqual(before);
  });

  test("of somebody else is left as it is, and said", async () => {
    await machine.program("docker", "case $1 in pull) echo manifest unknown >&2; exit 1;; esac");
    const stored = JSON.stringify({ auths: { [registry]: { auth: btoa("admin:se:cret") } } }, undefined, "\t");
    await machine.file("home/.docker/config.json", stored);
    const { err, exitCode } = await machine.enrol("--user bob --password-stdin", { input: "x" });
    expect(exitCode).toBe(1);
    expect(err).toBe(
      `not logged in  docker: admin is logged in here. To be bob: docker logout ${registry}, then the same again\n`,
    );
    expect(machine.text("home/.docker/config.json")).toBe(stored);
    expect((await machine.enrol("--user admin --password-stdin", { input: "x" })).out).toContain("docker (already)");
  });

  test("is not tried with a Docker of the whole machine where only the home folder is written", async () => {
    await machine.program("docker");
    await machine.program("podman");
    const { out } = await machine.enrol("--home --dry-run");
    expect(out).toContain(`would run      podman login ${registry}`);
    expect(out).not.toContain("docker login");
    expect(out).toContain(`Docker still does not trust ${registry}: `);
    await machine.file("home/.config/docker/daemon.json", "{}");
    expect((await machine.enrol("--home --dry-run")).out).toContain("would run      docker login");
  });

  test("is a line to type where there is no terminal", async () => {
    await machine.program("docker", dockerProgram);
    const { out, exitCode } = await machine.enrol("");
    expect(exitCode).toBe(0);
    expect(out).toContain(`Log in: docker login ${registry}\n`);
  });

  test("that is refused is said, with what to type", async () => {
    await machine.program("docker", 'case $1 in version) exit 0;; *) echo "unauthorized: wrong" >&2; exit 1;; esac');
    const { err, exitCode } = await machine.enrol("--user maria --password-stdin", { input: "x" });
    expect(exitCode).toBe(1);
    expect(err).toContain(`unauthorized: wrong\nnot logged in  docker. Try again: docker login -u maria ${registry}`);
  });
});

test("what it does not know is wrong use, and nothing is done", async () => {
  const before = machine.everything();
  for (const words of ["--dryrun", "--user", "--password-stdin", "x"]) {
    const { exitCode, err } = await machine.enrol(words);
    expect(exitCode).toBe(2);
    expect(err).toContain("--dry-run");
  }
  expect(machine.everything()).toEqual(before);
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
