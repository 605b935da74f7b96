import { type ClientKind, certificateFile, certificateFolders, none, type TrustFile } from "../client-kind.ts";
import { type RegistryIdentity, trustName } from "../identity.ts";
import { hostsFolders, pullSecret, pullSecretUndo } from "./containerd.ts";

const secretCredentials = "a secret of the cluster, in its namespace";
const k3sDocs = "https://docs.k3s.io/installation/private-registry";

function crictlPull(registry: string): readonly string[] {
  return [`kubectl run try --rm -i --restart=Never --image=${registry}/IMAGE`];
}

/** `registries.yaml`, which k3s and RKE2 make containerd's configuration of, and the certificate that it names. */
function rancherFiles(registry: RegistryIdentity, folder: string): readonly TrustFile[] {
  if (registry.caPem === undefined) return [];
  const path = `${folder}/${trustName(registry.registry)}.crt`;
  const mirrors = registry.spellings.map((name) => `  "${name}":\n    endpoint:\n      - "https://${name}"\n`);
  const configs = registry.spellings.map((name) => `  "${name}":\n    tls:\n      ca_file: "${path}"\n`);
  const text = `mirrors:\n${mirrors.join("")}configs:\n${configs.join("")}`;
  return [
    ...certificateFile(registry, { path, place: "node" }),
    { place: "node", path: `${folder}/registries.yaml`, text, ownership: "shared" },
  ];
}

/** k3s. */
export const k3s: ClientKind = {
  id: "k3s",
  name: "k3s",
  connects: "the containerd that k3s brings along, on every node",
  broughtBy: ["sh"],
  presence: { programs: ["k3s"], paths: () => ["/etc/rancher/k3s"] },
  files: (registry) => rancherFiles(registry, "/etc/rancher/k3s"),
  apply: none,
  restart: "k3s on every node: `systemctl restart k3s` on servers, `systemctl restart k3s-agent` on agents",
  login: pullSecret,
  credentials: `${secretCredentials}; registries.yaml can hold them too (auth), in plain text`,
  use: crictlPull,
  undo: () => pullSecretUndo,
  remarks: [
    "It makes /var/lib/rancher/k3s/agent/etc/containerd/certs.d from registries.yaml at every start; what you write there yourself for the same registry is removed.",
    "What Kubernetes shows is the last endpoint's error; the true one is in /var/lib/rancher/k3s/agent/containerd/containerd.log.",
    "Some versions of spring 2024 (1.27.12 to 1.29.3) ignored tls for a registry without other endpoints: update.",
    "Servers run pods too, unless they are tainted: the file belongs there as well.",
  ],
  sources: [
    { claim: "registries.yaml: mirrors, configs, tls.ca_file, and the restart", url: k3sDocs },
    { claim: "What is made of it", url: "https://github.com/k3s-io/k3s/blob/main/pkg/agent/containerd/config.go" },
    { claim: "tls ignored without mirror endpoints", url: "https://github.com/k3s-io/k3s/issues/9839" },
  ],
};

/** RKE2. */
export const rke2: ClientKind = {
  ...k3s,
  id: "rke2",
  name: "RKE2",
  connects: "the containerd that RKE2 brings along, on every node",
  presence: { programs: ["rke2"], paths: () => ["/etc/rancher/rke2"] },
  files: (registry) => rancherFiles(registry, "/etc/rancher/rke2"),
  restart: "RKE2 on every node: `systemctl restart rke2-server` on servers, `systemctl restart rke2-agent` on agents",
  remarks: [
    "What it makes of the file is in /var/lib/rancher/rke2/agent/etc/containerd/certs.d, and the log in /var/lib/rancher/rke2/agent/containerd/containerd.log.",
    "Some versions of spring 2024 ignored tls for a registry without other endpoints: update.",
    "Servers run pods too, unless they are tainted: the file belongs there as well.",
  ],
  sources: [
    {
      claim: "registries.yaml in /etc/rancher/rke2, on every node",
      url: "https://docs.rke2.io/install/private_registry",
    },
    { claim: "tls ignored without mirror endpoints", url: "https://github.com/rancher/rke2/issues/5658" },
  ],
};

function nodeFolders(registry: RegistryIdentity): readonly TrustFile[] {
  return certificateFolders(registry, { parent: "/etc/containerd/certs.d", place: "node" });
}

/** kind: Kubernetes in containers. */
export const kind: ClientKind = {
  id: "kind",
  name: "kind",
  connects: "containerd in each node's container",
  broughtBy: ["hand", "kubernetes"],
  presence: { programs: ["kind"], paths: none },
  files: nodeFolders,
  apply: (registry) =>
    nodeFolders(registry).map(({ path }) => {
      const folder = path.slice(0, path.lastIndexOf("/"));
      return `for node in $(kind get nodes); do docker exec "$node" mkdir -p '${folder}' && docker exec -i "$node" cp /dev/stdin '${path}' < ca.crt; done`;
    }),
  restart: undefined,
  login: pullSecret,
  credentials: secretCredentials,
  use: crictlPull,
  undo: (registry) => [
    ...registry.spellings.map(
      (spelling) =>
        `for node in $(kind get nodes); do docker exec "$node" rm -r '/etc/containerd/certs.d/${spelling}'; done`,
    ),
    ...pullSecretUndo,
  ],
  remarks: [
    "`dozo enroll` prints these lines where it finds kind. A new cluster needs them again. `extraMounts` with a path that has HOST:PORT in it does not work (it is split at the colon): mount a folder that holds such folders.",
    "Nodes made before kind 0.27 need containerdConfigPatches that set config_path to /etc/containerd/certs.d.",
    "localhost means the node in there, not your machine.",
  ],
  sources: [
    {
      claim: "A folder without hosts.toml is read as Docker reads it",
      url: "https://github.com/containerd/containerd/blob/main/docs/hosts.md",
    },
    {
      claim: "Files under /etc/containerd/certs.d/HOST:PORT in each node, by docker exec and cp /dev/stdin",
      url: "https://kind.sigs.k8s.io/docs/user/local-registry/",
    },
    { claim: "config_path is set in node images", url: "https://github.com/kubernetes-sigs/kind/releases/tag/v0.27.0" },
  ],
};

/** minikube. */
export const minikube: ClientKind = {
  id: "minikube",
  name: "minikube",
  connects: "the runtime in minikube's node: Docker, containerd or CRI-O",
  broughtBy: ["sh"],
  presence: { programs: ["minikube"], paths: ({ home }) => [`${home}/.minikube`] },
  files: (registry, { home }) => [
    ...certificateFile(registry, { path: `${home}/.minikube/certs/${trustName(registry.registry)}.pem` }),
  ],
  apply: () => ["minikube stop", "minikube start --embed-certs"],
  restart: "minikube: `minikube stop`, then `minikube start --embed-certs`",
  login: pullSecret,
  credentials: secretCredentials,
  use: crictlPull,
  undo: () => ["minikube stop", "minikube start"],
  remarks: [
    "The ending is .pem or .crt, and the names ca.pem and cert.pem are minikube's own.",
    "A link that minikube made in the node's /etc/ssl/certs stays there until `minikube delete`.",
    "With the Docker runtime, ~/.minikube/files/etc/docker/certs.d/HOST:PORT/ca.crt does it for this registry alone; it is copied at start.",
  ],
  sources: [
    {
      claim: "~/.minikube/certs and --embed-certs",
      url: "https://minikube.sigs.k8s.io/docs/handbook/untrusted_certs/",
    },
    {
      claim: "Which files are taken, and where they go",
      url: "https://github.com/kubernetes/minikube/blob/master/pkg/minikube/bootstrapper/certs.go",
    },
    { claim: "~/.minikube/files is copied at start", url: "https://minikube.sigs.k8s.io/docs/handbook/filesync/" },
  ],
};

/** MicroK8s. */
export const microk8s: ClientKind = {
  id: "microk8s",
  name: "MicroK8s",
  connects: "the containerd that MicroK8s brings along, on every node",
  broughtBy: ["sh"],
  presence: { programs: ["microk8s"], paths: () => ["/var/snap/microk8s"] },
  files: (registry) => hostsFolders(registry, { parent: "/var/snap/microk8s/current/args/certs.d", place: "node" }),
  apply: none,
  restart: undefined,
  login: (registry) => pullSecret(registry).map((line) => `microk8s ${line}`),
  credentials: secretCredentials,
  use: (registry) => [`microk8s ${crictlPull(registry).join("")}`],
  undo: () => pullSecretUndo.map((line) => `microk8s ${line}`),
  remarks: [
    "Its documentation restarts the snap (`sudo snap restart microk8s`); containerd reads the folder at every pull, so do that only if a pull still fails.",
  ],
  sources: [
    {
      claim: "hosts.toml under /var/snap/microk8s/current/args/certs.d/HOST:PORT",
      url: "https://microk8s.io/docs/registry-private",
    },
    {
      claim: "config_path is ${SNAP_DATA}/args/certs.d",
      url: "https://github.com/canonical/microk8s/blob/master/microk8s-resources/default-args/containerd-template.toml",
    },
  ],
};

function indented(text: string, spaces: number): string {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => `${" ".repeat(spaces)}${line}`)
    .join("\n");
}

/** Talos Linux. */
export const talos: ClientKind = {
  id: "talos",
  name: "Talos Linux",
  connects: "containerd, on every node",
  broughtBy: ["hand"],
  presence: { programs: ["talosctl"], paths: none },
  files: (registry) =>
    registry.caPem === undefined
      ? []
      : [
          {
            place: "workspace",
            path: "dozo-talos.yaml",
            text: registry.spellings
              .map(
                (spelling) =>
                  `apiVersion: v1alpha1\nkind: RegistryTLSConfig\nname: "${spelling}"\nca: |-\n${indented(registry.caPem ?? "", 2)}\n`,
              )
              .join("---\n"),
            ownership: "own",
          },
        ],
  apply: () => ["talosctl patch machineconfig --nodes NODE --patch @dozo-talos.yaml"],
  restart: undefined,
  login: pullSecret,
  credentials: secretCredentials,
  use: crictlPull,
  undo: (registry) => [
    ...registry.spellings.map(
      (spelling) =>
        `printf 'apiVersion: v1alpha1\\nkind: RegistryTLSConfig\\nname: "${spelling}"\\n$patch: delete\\n' > undo.yaml && talosctl patch machineconfig --nodes NODE --patch @undo.yaml`,
    ),
    ...pullSecretUndo,
  ],
  remarks: [
    'The document is of Talos 1.12 and later. Before: `machine.registries.config."HOST:PORT".tls.ca` in the machine\'s configuration, the certificate in base64.',
    "No shell and no files: the DaemonSet of `dozo enroll kubernetes` does not reach it.",
  ],
  sources: [
    {
      claim: "RegistryTLSConfig: name, ca in PEM",
      url: "https://docs.siderolabs.com/talos/v1.12/reference/configuration/cri/registrytlsconfig",
    },
  ],
};

/** Bottlerocket. */
export const bottlerocket: ClientKind = {
  id: "bottlerocket",
  name: "Bottlerocket",
  connects: "containerd, on every node",
  broughtBy: ["hand"],
  presence: { programs: ["apiclient"], paths: none },
  files: (registry) =>
    registry.caPem === undefined
      ? []
      : [
          {
            place: "workspace",
            path: "dozo-bottlerocket.toml",
            text: `[settings.pki.${trustName(registry.registry).replaceAll(".", "-")}]\ndata = "${Buffer.from(registry.caPem).toString("base64")}"\ntrusted = true\n`,
            ownership: "own",
          },
        ],
  apply: ({ registry }) => {
    const bundle = trustName(registry).replaceAll(".", "-");
    return [`apiclient set pki.${bundle}.data="$(base64 -w0 < ca.crt)" pki.${bundle}.trusted=true`];
  },
  restart: undefined,
  login: pullSecret,
  credentials: secretCredentials,
  use: crictlPull,
  undo: ({ registry }) => [
    `apiclient set pki.${trustName(registry).replaceAll(".", "-")}.trusted=false`,
    ...pullSecretUndo,
  ],
  remarks: [
    "The file is for the node's user data; the command for a node that runs. A bundle without trusted is not trusted.",
  ],
  sources: [
    {
      claim: "settings.pki.NAME.data in base64, and trusted",
      url: "https://bottlerocket.dev/en/os/1.53.x/api/settings/pki/",
    },
  ],
};

/** Flatcar Container Linux. */
export const flatcar: ClientKind = {
  id: "flatcar",
  name: "Flatcar Container Linux",
  connects: "dockerd or containerd, on every node",
  broughtBy: ["hand", "kubernetes"],
  presence: { programs: [], paths: () => ["/usr/share/flatcar"] },
  files: (registry) =>
    certificateFile(registry, { path: `/etc/ssl/certs/${trustName(registry.registry)}.pem`, place: "node" }),
  apply: () => ["sudo update-ca-certificates"],
  restart: "`systemctl restart docker` or `systemctl restart containerd`: Go programs read the system's store once",
  login: pullSecret,
  credentials: secretCredentials,
  use: crictlPull,
  undo: () => ["sudo update-ca-certificates", ...pullSecretUndo],
  remarks: [
    "Its command takes the files of /etc/ssl/certs that end with .pem; the folders of other systems mean nothing to it.",
    "For Docker alone, /etc/docker/certs.d works as everywhere.",
  ],
  sources: [
    {
      claim: "PEM files in /etc/ssl/certs, then update-ca-certificates",
      url: "https://www.flatcar.org/docs/latest/setup/security/adding-certificate-authorities/",
    },
  ],
};
