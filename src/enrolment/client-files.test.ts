import { describe, expect, test } from "bun:test";
import { parseAllDocuments } from "yaml";
import { catalogue } from "./catalogue.ts";
import type { Folders, TrustFile } from "./client-kind.ts";
import type { RegistryIdentity } from "./identity.ts";

// Clients that do not run in the tests: their files are compared, by real parsers, with what their documentation or their source
// says. Each row names what was read, and the version it was read in where it depends on one.

const caPem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const box: RegistryIdentity = { registry: "box.lan:5000", spellings: ["box.lan:5000"], caPem, keyPin: undefined };
const usual: RegistryIdentity = { ...box, registry: "box.lan", spellings: ["box.lan", "box.lan:443"] };
const linux: Folders = { home: "/home/ann", config: "/home/ann/.config", programData: "" };
const mac: Folders = { home: "/Users/ann", config: "/Users/ann/.config", programData: "" };
const windows: Folders = {
  home: "C:\\Users\\ann",
  config: "C:\\Users\\ann\\.config",
  programData: "C:\\ProgramData",
};

/** What a program reads in the file: the certificate, or what a parser of its format makes of it. */
function meaning({ path, text }: TrustFile): unknown {
  if (text === caPem) return "the CA";
  if (path.endsWith(".toml")) return Bun.TOML.parse(text);
  if (!path.endsWith(".yaml")) return text;
  const documents = parseAllDocuments(text);
  for (const { errors, warnings } of documents) expect([...errors, ...warnings]).toEqual([]);
  const values = documents.map((each) => each.toJS() as unknown);
  return values.length === 1 ? values[0] : values;
}

function filesOf(id: string, registry: RegistryIdentity, folders: Folders): Readonly<Record<string, unknown>> {
  const kind = catalogue.flatMap((family) => family.kinds).find((each) => each.id === id);
  if (kind === undefined) throw new Error(`there is no ${id}`);
  return Object.fromEntries(kind.files(registry, folders).map((file) => [file.path, meaning(file)]));
}

interface Row {
  readonly id: string;
  readonly folders: Folders;
  /** The page or file that was read. */
  readonly source: string;
  /** What it says. */
  readonly says: string;
  readonly files: Readonly<Record<string, unknown>>;
}

const blob = "https://github.com";
const hosts = {
  server: "https://box.lan:5000",
  host: { "https://box.lan:5000": { capabilities: ["pull", "resolve", "push"] } },
} as const;

function hostsFile(folder: string): object {
  const host = hosts.host["https://box.lan:5000"];
  return { ...hosts, host: { "https://box.lan:5000": { ...host, ca: `${folder}/box.lan:5000/ca.crt` } } };
}

function rancherRegistries(folder: string): object {
  return {
    mirrors: { "box.lan:5000": { endpoint: ["https://box.lan:5000"] } },
    configs: { "box.lan:5000": { tls: { ca_file: `${folder}/dozo-box.lan-5000.crt` } } },
  };
}

const homeFolder = { "/Users/ann/.docker/certs.d/box.lan:5000/ca.crt": "the CA" };

const rows: readonly Row[] = [
  {
    id: "docker-windows",
    folders: windows,
    source: `${blob}/moby/moby/blob/master/daemon/pkg/registry/registry.go (hostCertsDir), config.go (CertsDir)`,
    says: "%ProgramData%\\docker\\certs.d, and strings.ReplaceAll(hostnameAndPort, “:”, “”)",
    files: { "C:\\ProgramData\\docker\\certs.d\\box.lan5000\\ca.crt": "the CA" },
  },
  {
    id: "docker-rootless",
    folders: linux,
    source: `${blob}/moby/moby/blob/master/daemon/pkg/registry/config.go (CertsDir)`,
    says: "with RootlessKit: $XDG_CONFIG_HOME/docker/certs.d or $HOME/.config/docker/certs.d",
    files: { "/home/ann/.config/docker/certs.d/box.lan:5000/ca.crt": "the CA" },
  },
  {
    id: "docker-desktop",
    folders: mac,
    source: `${blob}/docker/docs/blob/main/content/manuals/desktop/troubleshoot-and-support/faqs/macfaqs.md`,
    says: "/Users/<user>/.docker/certs.d/<MyRegistry>:<Port>/ca.crt, copied when Docker Desktop starts",
    files: homeFolder,
  },
  {
    id: "docker-desktop-windows",
    folders: windows,
    source: `${blob}/docker/docs/blob/main/content/manuals/desktop/troubleshoot-and-support/faqs/windowsfaqs.md`,
    says: "certificates of Trusted Root Certification Authorities are taken over",
    files: { "ca.crt": "the CA" },
  },
  {
    id: "colima",
    folders: mac,
    source: `${blob}/abiosoft/colima/blob/main/environment/vm/lima/certs.go (copyCerts)`,
    says: "filepath.Join(util.HomeDir(), “.docker”, “certs.d”) goes to /etc/docker/certs.d at start",
    files: homeFolder,
  },
  {
    id: "lima",
    folders: mac,
    source: `${blob}/lima-vm/lima/blob/master/templates/default.yaml (caCerts)`,
    says: "caCerts.files: a list of trusted CA certificate files, read and passed to cloud-init",
    files: {
      "/Users/ann/.lima/_config/dozo-box.lan-5000.crt": "the CA",
      "/Users/ann/.lima/_config/override.yaml": {
        caCerts: { files: ["/Users/ann/.lima/_config/dozo-box.lan-5000.crt"] },
      },
    },
  },
  {
    id: "rancher-desktop",
    folders: mac,
    source: `${blob}/rancher-sandbox/rancher-desktop/blob/main/pkg/rancher-desktop/backend/lima.ts`,
    says: "the virtual machine's /etc/docker/certs.d is a link to ~/.docker/certs.d",
    files: homeFolder,
  },
  {
    id: "orbstack",
    folders: mac,
    source: `${blob}/orbstack/orbstack/issues/340`,
    says: "/etc/docker/certs.d in the virtual machine is a link to ~/.docker/certs.d",
    files: homeFolder,
  },
  {
    id: "buildx",
    folders: linux,
    source: `${blob}/docker/buildx/blob/master/util/confutil/container.go (LoadConfigFiles)`,
    says: "registry.NAME.ca: a list of paths, each opened as it stands there when the builder is created",
    files: {
      "/home/ann/.docker/certs.d/box.lan:5000/ca.crt": "the CA",
      "/home/ann/.docker/buildx/buildkitd.default.toml": {
        registry: { "box.lan:5000": { ca: ["/home/ann/.docker/certs.d/box.lan:5000/ca.crt"] } },
      },
    },
  },
  {
    id: "buildkit",
    folders: linux,
    source: `${blob}/moby/buildkit/blob/master/docs/buildkitd.toml.md`,
    says: "/etc/buildkit/buildkitd.toml: [registry.“docker.io”] with ca=[“/etc/config/myca.pem”]",
    files: {
      "/etc/buildkit/certs.d/box.lan:5000/ca.crt": "the CA",
      "/etc/buildkit/buildkitd.toml": {
        registry: { "box.lan:5000": { ca: ["/etc/buildkit/certs.d/box.lan:5000/ca.crt"] } },
      },
    },
  },
  {
    id: "cri-o",
    folders: linux,
    source: `${blob}/containers/image/blob/main/docs/containers-certs.d.5.md`,
    says: "a folder host:port under /etc/containers/certs.d, *.crt are CA certificates",
    files: { "/etc/containers/certs.d/box.lan:5000/ca.crt": "the CA" },
  },
  {
    id: "nerdctl",
    folders: linux,
    source: `${blob}/containerd/nerdctl/blob/main/docs/registry.md`,
    says: "/etc/containerd/certs.d/<HOST:PORT>/hosts.toml: server, and ca in [host.“https://HOST:PORT”]",
    files: {
      "/etc/containerd/certs.d/box.lan:5000/ca.crt": "the CA",
      "/etc/containerd/certs.d/box.lan:5000/hosts.toml": hostsFile("/etc/containerd/certs.d"),
    },
  },
  {
    id: "k3s",
    folders: linux,
    source: `${blob}/k3s-io/docs/blob/main/docs/installation/private-registry.md`,
    says: "/etc/rancher/k3s/registries.yaml: mirrors.NAME.endpoint, configs.NAME.tls.ca_file",
    files: {
      "/etc/rancher/k3s/dozo-box.lan-5000.crt": "the CA",
      "/etc/rancher/k3s/registries.yaml": rancherRegistries("/etc/rancher/k3s"),
    },
  },
  {
    id: "rke2",
    folders: linux,
    source: "https://docs.rke2.io/install/containerd_registry_configuration",
    says: "/etc/rancher/rke2/registries.yaml, the same two sections",
    files: {
      "/etc/rancher/rke2/dozo-box.lan-5000.crt": "the CA",
      "/etc/rancher/rke2/registries.yaml": rancherRegistries("/etc/rancher/rke2"),
    },
  },
  {
    id: "kind",
    folders: linux,
    source:
      "https://github.com/containerd/containerd/blob/main/docs/hosts.md (Support for Docker's Certificate File Pattern)",
    says: "without hosts.toml, .crt files of /etc/containerd/certs.d/HOST:PORT are CA certificates; kind's own page uses that folder",
    files: {
      "/etc/containerd/certs.d/box.lan:5000/ca.crt": "the CA",
    },
  },
  {
    id: "minikube",
    folders: mac,
    source: `${blob}/kubernetes/minikube/blob/master/pkg/minikube/bootstrapper/certs.go (collectCACerts)`,
    says: "*.crt and *.pem of ~/.minikube/certs, but for ca.pem and cert.pem",
    files: { "/Users/ann/.minikube/certs/dozo-box.lan-5000.pem": "the CA" },
  },
  {
    id: "microk8s",
    folders: linux,
    source: "https://microk8s.io/docs/registry-private",
    says: "/var/snap/microk8s/current/args/certs.d/HOST:PORT/hosts.toml",
    files: {
      "/var/snap/microk8s/current/args/certs.d/box.lan:5000/ca.crt": "the CA",
      "/var/snap/microk8s/current/args/certs.d/box.lan:5000/hosts.toml": hostsFile(
        "/var/snap/microk8s/current/args/certs.d",
      ),
    },
  },
  {
    id: "talos",
    folders: linux,
    source: "https://docs.siderolabs.com/talos/v1.12/reference/configuration/cri/registrytlsconfig",
    says: "kind: RegistryTLSConfig, name: the hostname part of the endpoint, ca: PEM",
    files: {
      "dozo-talos.yaml": {
        apiVersion: "v1alpha1",
        kind: "RegistryTLSConfig",
        name: "box.lan:5000",
        ca: caPem.trimEnd(),
      },
    },
  },
  {
    id: "bottlerocket",
    folders: linux,
    source: "https://bottlerocket.dev/en/os/1.53.x/api/settings/pki/",
    says: "settings.pki.<bundle-name>: data, base64 of PEM; trusted, a boolean",
    files: {
      "dozo-bottlerocket.toml": {
        settings: { pki: { "dozo-box-lan-5000": { data: Buffer.from(caPem).toString("base64"), trusted: true } } },
      },
    },
  },
  {
    id: "flatcar",
    folders: linux,
    source: "https://www.flatcar.org/docs/latest/setup/security/adding-certificate-authorities/",
    says: "a PEM file with the ending .pem in /etc/ssl/certs",
    files: { "/etc/ssl/certs/dozo-box.lan-5000.pem": "the CA" },
  },
  {
    id: "debian",
    folders: linux,
    source: "https://manpages.debian.org/update-ca-certificates.8",
    says: "PEM with the ending .crt in /usr/local/share/ca-certificates, one certificate per file",
    files: { "/usr/local/share/ca-certificates/dozo-box.lan-5000.crt": "the CA" },
  },
  ...(
    [
      ["rhel", "/etc/pki/ca-trust/source/anchors/%s.pem"],
      ["arch", "/etc/ca-certificates/trust-source/anchors/%s.crt"],
      ["alpine", "/usr/local/share/ca-certificates/%s.crt"],
    ] as const
  ).map(([id, path]) => ({
    id,
    folders: linux,
    source: `${blob}/FiloSottile/mkcert/blob/master/truststore_linux.go`,
    says: path,
    files: { [path.replace("%s", "dozo-box.lan-5000")]: "the CA" },
  })),
  {
    id: "suse",
    folders: linux,
    source: `${blob}/openSUSE/ca-certificates/blob/master/README`,
    says: "/etc/pki/trust/anchors for certificates of the administrator, then update-ca-certificates",
    files: { "/etc/pki/trust/anchors/dozo-box.lan-5000.pem": "the CA" },
  },
  {
    id: "freebsd",
    folders: linux,
    source: "https://man.freebsd.org/cgi/man.cgi?query=certctl&sektion=8",
    says: "TRUSTPATH: /usr/share/certs/trusted, /usr/local/share/certs, /usr/local/etc/ssl/certs",
    files: { "/usr/local/etc/ssl/certs/dozo-box.lan-5000.pem": "the CA" },
  },
  {
    id: "gitlab-runner",
    folders: linux,
    source: "https://docs.gitlab.com/runner/configuration/advanced-configuration/ ([runners.docker] volumes)",
    says: "[[runners]] [runners.docker] volumes: a list of HOST:CONTAINER:MODE",
    files: {
      "/etc/docker/certs.d/box.lan:5000/ca.crt": "the CA",
      "/etc/gitlab-runner/config.toml": {
        runners: [{ docker: { volumes: ["/cache", "/etc/docker/certs.d:/etc/docker/certs.d:ro"] } }],
      },
    },
  },
];

describe("the files of a client that does not run here", () => {
  test.each(rows.map((row) => [row.id, row.source, row] as const))("%s, as %s says", (id, _, { folders, files }) => {
    expect(filesOf(id, box, folders)).toEqual(files);
  });

  // A row without both would be a claim.
  test.each(rows.map((row) => [row.id, row] as const))(
    "%s: the source is one that the page names",
    (id, { source, says }) => {
      const kind = catalogue.flatMap((family) => family.kinds).find((each) => each.id === id);
      expect(says).not.toBe("");
      expect(kind?.sources.map(({ url }) => new URL(url).host)).toContain(new URL(source.split(" ")[0] ?? "").host);
    },
  );
});

describe("port 443", () => {
  test("has a folder for both spellings, on Windows without the colon", () => {
    expect(Object.keys(filesOf("docker-rootless", usual, linux))).toEqual([
      "/home/ann/.config/docker/certs.d/box.lan/ca.crt",
      "/home/ann/.config/docker/certs.d/box.lan:443/ca.crt",
    ]);
    expect(Object.keys(filesOf("docker-windows", usual, windows))).toEqual([
      "C:\\ProgramData\\docker\\certs.d\\box.lan\\ca.crt",
      "C:\\ProgramData\\docker\\certs.d\\box.lan443\\ca.crt",
    ]);
  });

  test("has a table and a document for both spellings where one file is for all", () => {
    const buildkitd = filesOf("buildx", usual, linux)["/home/ann/.docker/buildx/buildkitd.default.toml"];
    expect(Object.keys((buildkitd as { registry: object }).registry)).toEqual(["box.lan", "box.lan:443"]);
    const registries = filesOf("k3s", usual, linux)["/etc/rancher/k3s/registries.yaml"];
    const { mirrors, configs } = registries as { mirrors: object; configs: object };
    expect([Object.keys(mirrors), Object.keys(configs)]).toEqual(
      [usual.spellings, usual.spellings].map((each) => [...each]),
    );
    const talos = filesOf("talos", usual, linux)["dozo-talos.yaml"] as readonly { name: string }[];
    expect(talos.map(({ name }) => name)).toEqual([...usual.spellings]);
  });
});

// https://docs.github.com/actions: a job's steps; docker/setup-buildx-action's README: buildkitd-config-inline is the text of a buildkitd.toml.
test("GitHub's workflow gives the runner, the builder and the login the same registry", () => {
  interface Step {
    readonly uses?: string;
    readonly run?: string;
    readonly with?: Readonly<Record<string, unknown>>;
  }
  const file = filesOf("github-actions", box, linux)[".github/workflows/push.yaml"];
  const { jobs } = file as { jobs: { push: { steps: readonly Step[] } } };
  const stepOf = (name: string) => jobs.push.steps.find((step) => step.uses?.startsWith(name))?.with;
  const certificate = "/etc/docker/certs.d/box.lan:5000/ca.crt";
  expect(jobs.push.steps.find((step) => step.run !== undefined)?.run).toContain(`ca.crt '${certificate}'`);
  const inline = String(stepOf("docker/setup-buildx-action")?.["buildkitd-config-inline"]);
  expect(Bun.TOML.parse(inline)).toEqual({ registry: { "box.lan:5000": { ca: [certificate] } } });
  expect(stepOf("docker/login-action")).toMatchObject({ registry: "box.lan:5000" });
  expect(stepOf("docker/build-push-action")).toMatchObject({ push: true, tags: "box.lan:5000/IMAGE" });
});

// NixOS has no parser here: the two options and the name of the file, which stands beside configuration.nix.
test("NixOS' lines name the options of its manual, and the file that is written", () => {
  const files = filesOf("nixos", box, linux);
  expect(files["/etc/nixos/dozo-box.lan-5000.crt"]).toBe("the CA");
  expect(files["/etc/nixos/configuration.nix"]).toBe(
    [
      "{",
      "  security.pki.certificateFiles = [ ./dozo-box.lan-5000.crt ];",
      '  environment.etc."docker/certs.d/box.lan:5000/ca.crt".source = ./dozo-box.lan-5000.crt;',
      "}",
      "",
    ].join("\n"),
  );
});

test("every kind that puts a file anywhere but into the current folder is compared here, or runs in the tests", () => {
  const runs = ["docker", "podman", "buildah", "skopeo", "containerd", "github-actions", "nixos", "podman-machine"];
  const known = new Set([...runs, ...rows.map(({ id }) => id)]);
  const kinds = catalogue.flatMap((family) => family.kinds);
  const open = kinds.filter((kind) => kind.files(box, linux).some(({ path }) => path !== "ca.crt"));
  expect(open.filter(({ id }) => !known.has(id)).map(({ id }) => id)).toEqual([]);
});
