import {
  type ClientKind,
  certificateFile,
  certificateFolders,
  loginWith,
  none,
  pushAndPullWith,
} from "../client-kind.ts";
import { trustName } from "../identity.ts";

const order = {
  claim:
    "certs.d is looked for in ~/.config/containers, /etc/containers, /etc/docker; the first folder that exists for the registry wins",
  url: "https://github.com/containers/image/blob/main/docker/docker_client.go",
};
const folder = {
  claim: "The folder's name is host:port; *.crt are roots",
  url: "https://github.com/containers/image/blob/main/docs/containers-certs.d.5.md",
};
const credentialFile = {
  claim: "The credentials' file and the others that are read",
  url: "https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md",
};
const orderTrap =
  "Three folders are looked for, and the first that exists for the registry wins, even an empty one: ~/.config/containers/certs.d, /etc/containers/certs.d, /etc/docker/certs.d. Nothing is merged, and XDG_CONFIG_HOME moves none of them.";
const lineFolder =
  "The line of `dozo enroll` writes /etc/docker/certs.d, which Docker reads too, and /etc/containers/certs.d only where that is there for the registry already.";
const lostTrap =
  "${XDG_RUNTIME_DIR} is emptied when the machine restarts. For credentials that last: `--authfile ~/.config/containers/auth.json`.";
const credentials =
  "${XDG_RUNTIME_DIR}/containers/auth.json (root: /run/containers/0/auth.json); ~/.config/containers/auth.json and ~/.docker/config.json are read too";

/** podman on Linux. */
export const podman: ClientKind = {
  id: "podman",
  name: "podman",
  connects: "the podman command itself",
  broughtBy: ["sh"],
  presence: { programs: ["podman"], paths: () => ["/etc/containers"] },
  files: (registry) => certificateFolders(registry, { parent: "/etc/containers/certs.d" }),
  apply: none,
  restart: undefined,
  login: loginWith("podman"),
  credentials,
  use: pushAndPullWith("podman"),
  undo: none,
  remarks: [
    orderTrap,
    lineFolder,
    "Without root, ~/.config/containers/certs.d/HOST:PORT/ca.crt does the same for you alone.",
    lostTrap,
  ],
  sources: [folder, order, credentialFile],
};

/** buildah. */
export const buildah: ClientKind = {
  ...podman,
  id: "buildah",
  name: "buildah",
  connects: "the buildah command itself",
  presence: { programs: ["buildah"], paths: none },
  login: loginWith("buildah"),
  use: (registry) => [
    `buildah build -t ${registry}/IMAGE .`,
    `buildah push ${registry}/IMAGE`,
    `buildah pull ${registry}/IMAGE`,
  ],
};

/** skopeo. */
export const skopeo: ClientKind = {
  ...podman,
  id: "skopeo",
  name: "skopeo",
  connects: "the skopeo command itself",
  presence: { programs: ["skopeo"], paths: none },
  login: loginWith("skopeo"),
  use: (registry) => [
    `skopeo copy --all docker://docker.io/library/alpine:latest docker://${registry}/mirror/alpine:latest`,
    `skopeo inspect docker://${registry}/mirror/alpine:latest`,
  ],
};

/** CRI-O. */
export const crio: ClientKind = {
  ...podman,
  id: "cri-o",
  name: "CRI-O",
  connects: "crio, on every node",
  broughtBy: ["sh", "kubernetes"],
  presence: { programs: ["crio"], paths: () => ["/etc/crio"] },
  files: (registry) => certificateFolders(registry, { parent: "/etc/containers/certs.d", place: "node" }),
  login: (registry) => [
    `kubectl create secret docker-registry dozo-pull --docker-server=${registry} --docker-username=USER --docker-password="$PASSWORD"`,
  ],
  credentials: "a secret of the cluster; for the whole node the file that global_auth_file in crio.conf names",
  use: (registry) => [`crictl pull ${registry}/IMAGE`],
  undo: () => ["kubectl delete secret dozo-pull"],
  remarks: [
    "It reads the folder at every pull. The system's store it reads once: after a change there, `systemctl restart crio`.",
    orderTrap,
  ],
  sources: [
    folder,
    order,
    {
      claim: "global_auth_file, and that pulls go through containers/image",
      url: "https://github.com/cri-o/cri-o/blob/main/docs/crio.conf.5.md",
    },
  ],
};

/** podman on macOS and Windows. */
export const podmanMachine: ClientKind = {
  id: "podman-machine",
  name: "podman machine (macOS, Windows)",
  connects: "podman in the virtual machine for push and pull; for `podman login` the program on the host",
  broughtBy: ["hand"],
  presence: { programs: ["podman"], paths: ({ config }) => [`${config}/containers/podman/machine`] },
  files: (registry, { home }) => [
    ...certificateFolders(registry, { parent: `${home}/.config/containers/certs.d` }),
    ...certificateFile(registry, { path: "ca.crt", place: "workspace" }),
  ],
  apply: ({ registry }) => [
    `podman machine ssh "sudo tee /etc/pki/ca-trust/source/anchors/${trustName(registry)}.pem" < ca.crt`,
    'podman machine ssh "sudo update-ca-trust"',
  ],
  restart: undefined,
  login: loginWith("podman"),
  credentials: "~/.config/containers/auth.json on the host",
  use: pushAndPullWith("podman"),
  undo: ({ registry }) => [
    `podman machine ssh "sudo rm -f /etc/pki/ca-trust/source/anchors/${trustName(registry)}.pem && sudo update-ca-trust"`,
  ],
  remarks: [
    "Newer versions take over the host's roots at every start: `podman machine set --import-native-ca`, with the certificate in the host's own store.",
    "The folder ~/.config/containers/certs.d is for the login, which the host does; on Windows, where no folder's name has a colon, it is the certificate store.",
  ],
  sources: [
    {
      claim: "--import-native-ca imports the host's roots when the machine starts",
      url: "https://github.com/containers/podman/blob/main/docs/source/markdown/podman-machine-set.1.md.in",
    },
    {
      claim: "The certificate goes to /etc/pki/ca-trust/source/anchors in the machine, which need not start anew",
      url: "https://github.com/containers/podman/blob/main/docs/tutorials/podman-install-certificate-authority.md",
    },
  ],
};
