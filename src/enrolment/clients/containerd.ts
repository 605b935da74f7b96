import {
  type ClientKind,
  certificateFolders,
  type FilePlace,
  loginWith,
  none,
  pushAndPullWith,
  type TrustFile,
} from "../client-kind.ts";
import type { RegistryIdentity } from "../identity.ts";

const hosts = {
  claim: "A folder per host:port with hosts.toml, or with certificates as Docker has them; read at every pull",
  url: "https://github.com/containerd/containerd/blob/main/docs/hosts.md",
};

/**
 * A folder of containerd's for each spelling of the registry: the certificate, and the `hosts.toml` that names it. TLS is set in the host's
 * own table, since older versions ignore it at the top.
 */
export function hostsFolders(
  registry: RegistryIdentity,
  { parent, place }: { readonly parent: string; readonly place: FilePlace },
): readonly TrustFile[] {
  if (registry.caPem === undefined) return [];
  const tables = registry.spellings.map((spelling): TrustFile => {
    const text = [
      `server = "https://${spelling}"`,
      "",
      `[host."https://${spelling}"]`,
      '  capabilities = ["pull", "resolve", "push"]',
      `  ca = "${parent}/${spelling}/ca.crt"`,
      "",
    ].join("\n");
    return { place, path: `${parent}/${spelling}/hosts.toml`, text, ownership: "own" };
  });
  return [...certificateFolders(registry, { parent, place }), ...tables];
}

/** The log in of a cluster: a secret that pods name, or their service account. */
export function pullSecret(registry: string): readonly string[] {
  return [
    `kubectl create secret docker-registry dozo-pull --docker-server=${registry} --docker-username=USER --docker-password="$PASSWORD"`,
    `kubectl patch serviceaccount default -p '{"imagePullSecrets": [{"name": "dozo-pull"}]}'`,
  ];
}

/** What takes `pullSecret` back. */
export const pullSecretUndo: readonly string[] = [
  `kubectl patch serviceaccount default -p '{"imagePullSecrets": [{"name": "dozo-pull", "$patch": "delete"}]}'`,
  "kubectl delete secret dozo-pull",
];

/** The setting that makes containerd look into the folder, and the table that it stands in, by major version. */
const configPath = {
  folder: "/etc/containerd/certs.d",
  version2: 'plugins."io.containerd.cri.v1.images".registry',
  version1: 'plugins."io.containerd.grpc.v1.cri".registry',
} as const;

/** containerd as Kubernetes uses it. */
export const containerd: ClientKind = {
  id: "containerd",
  name: "containerd (Kubernetes, CRI)",
  connects: "containerd, on every node",
  broughtBy: ["sh", "kubernetes"],
  presence: { programs: ["containerd"], paths: () => ["/etc/containerd", "/run/containerd/containerd.sock"] },
  files: (registry) => hostsFolders(registry, { parent: configPath.folder, place: "node" }),
  apply: none,
  restart:
    "`systemctl restart containerd`, once, and only where /etc/containerd/config.toml had to change; the folder itself is read at every pull",
  login: pullSecret,
  credentials: "a secret of the cluster; containerd keeps none",
  use: (registry) => [
    `crictl pull --creds USER:PASSWORD ${registry}/IMAGE`,
    `ctr images pull --hosts-dir ${configPath.folder} --user USER ${registry}/IMAGE:TAG`,
  ],
  undo: () => pullSecretUndo,
  remarks: [
    `config.toml has to name the folder: \`[${configPath.version2}]\` (containerd 1: \`[${configPath.version1}]\`) with \`config_path = "${configPath.folder}"\`. \`containerd config dump | grep config_path\` shows what holds.`,
    "The trap of containerd 2.2: its default is two folders with a colon between them. Pulls of Kubernetes take that for one path, read no folder at all, and log nothing. Write the one folder.",
    "registry.mirrors and registry.configs in config.toml are the old way and exclude config_path: where they stand, the folder is not read.",
    'With client certificates, add `client = [["…/client.cert", "…/client.key"]]` below ca: beside a hosts.toml, pairs in the folder are not looked for.',
    "ctr reads the folder only with --hosts-dir, and never Docker's credentials.",
  ],
  sources: [
    hosts,
    {
      claim: "config_path with two folders is read by nobody",
      url: "https://github.com/containerd/containerd/issues/12808",
    },
    { claim: "TLS at the top of hosts.toml was ignored", url: "https://github.com/containerd/containerd/issues/7118" },
    {
      claim: "Pull secrets",
      url: "https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/",
    },
  ],
};

/** nerdctl. */
export const nerdctl: ClientKind = {
  id: "nerdctl",
  name: "nerdctl",
  connects: "the nerdctl command itself; for builds buildkitd",
  broughtBy: ["sh"],
  presence: { programs: ["nerdctl"], paths: none },
  files: (registry) => hostsFolders(registry, { parent: configPath.folder, place: "machine" }),
  apply: none,
  restart: undefined,
  login: loginWith("nerdctl"),
  credentials: "~/.docker/config.json; for port 443 under both spellings",
  use: pushAndPullWith("nerdctl"),
  undo: none,
  remarks: [
    "Without root the folder is ~/.config/containerd/certs.d.",
    "Docker's folder is looked into as well (/etc/docker/certs.d, without root ~/.config/docker/certs.d), after containerd's.",
    "Its hint towards --insecure-registry is no cure: it switches the verification off.",
    "`nerdctl build` follows buildkitd.toml: page BuildKit.",
  ],
  sources: [
    hosts,
    {
      claim: "Both folders, with and without root, and where credentials are",
      url: "https://github.com/containerd/nerdctl/blob/main/docs/registry.md",
    },
  ],
};
