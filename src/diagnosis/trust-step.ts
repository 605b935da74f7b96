import type { ClientProgram } from "./client-program.ts";

/** How a client is made to trust the certificate authority in `ca.crt` of the current folder. */
export interface TrustStep {
  /** The process that opens the connection, and so has to trust. */
  readonly process: string;
  readonly fix: string;
  /** What else has to be known: a restart, an order, a trap. */
  readonly remark: string;
}

const systemStore =
  "sudo install -D -m 644 ca.crt /usr/local/share/ca-certificates/dozo.crt && sudo update-ca-certificates";
const systemStores =
  "That is Debian, Ubuntu and Alpine; RHEL and Fedora: /etc/pki/ca-trust/source/anchors and update-ca-trust.";

function intoFolder(parent: string, registry: string): string {
  return `sudo install -D -m 644 ca.crt ${parent}/${registry}/ca.crt`;
}

/** The step for one client and one registry, as `HOST` or `HOST:PORT`, which is the name of the folder too. */
export function trustStep(client: ClientProgram, registry: string): TrustStep {
  const step = steps[client];
  return typeof step === "function" ? step(registry) : step;
}

const docker = (registry: string): TrustStep => ({
  process: "the Docker daemon (not the command docker)",
  fix: intoFolder("/etc/docker/certs.d", registry),
  remark:
    "No restart is needed. Docker Desktop takes the certificate from the system's store instead, and is restarted.",
});

const podman =
  (process: string) =>
  (registry: string): TrustStep => ({
    process,
    fix: intoFolder("/etc/containers/certs.d", registry),
    remark: `Of ~/.config/containers/certs.d, /etc/containers/certs.d and /etc/docker/certs.d only the first that has a folder ${registry} is read.`,
  });

const steps: Readonly<Record<ClientProgram, TrustStep | ((registry: string) => TrustStep)>> = {
  docker,
  "docker-build": (registry) => ({
    process: "the builder: the Docker daemon, or BuildKit in its own container",
    fix: intoFolder("/etc/docker/certs.d", registry),
    remark: `A builder in a container has to be made anew, with ca = ["/etc/docker/certs.d/${registry}/ca.crt"] under [registry."${registry}"] in ~/.docker/buildx/buildkitd.default.toml.`,
  }),
  podman: podman("podman itself"),
  buildah: podman("buildah itself"),
  skopeo: podman("skopeo itself"),
  containerd: (registry) => ({
    process: "containerd (or ctr, which needs --hosts-dir /etc/containerd/certs.d)",
    fix: intoFolder("/etc/containerd/certs.d", registry),
    remark:
      'It is read only where config_path is that one folder; the default of containerd 2.2, "/etc/containerd/certs.d:/etc/docker/certs.d", is not.',
  }),
  nerdctl: (registry) => ({
    process: "nerdctl itself",
    fix: intoFolder("/etc/containerd/certs.d", registry),
    remark: "No restart is needed, and no --insecure-registry: that takes any server for the right one.",
  }),
  kubernetes: (registry) => ({
    process: "containerd or CRI-O on the node that pulls",
    fix: `on every node: ${intoFolder("/etc/containerd/certs.d", registry)}`,
    remark:
      "CRI-O reads /etc/containers/certs.d, k3s and RKE2 /etc/rancher/…/registries.yaml. A secret of the cluster cannot carry the certificate.",
  }),
  helm: (registry) => ({
    process: "helm itself",
    fix: `helm registry login ${registry} --ca-file ca.crt`,
    remark: "push, pull, install and dependency need --ca-file again, or the system's store.",
  }),
  curl: { process: "curl", fix: systemStore, remark: `For one call: curl --cacert ca.crt. ${systemStores}` },
  wget: { process: "wget", fix: systemStore, remark: `For one call: wget --ca-certificate=ca.crt. ${systemStores}` },
  git: { process: "git", fix: systemStore, remark: `For one call: GIT_SSL_CAINFO=ca.crt git …. ${systemStores}` },
  openssl: { process: "openssl", fix: systemStore, remark: `For one call: -CAfile ca.crt. ${systemStores}` },
  python: {
    process: "Python",
    fix: systemStore,
    remark: `requests looks only where REQUESTS_CA_BUNDLE points: /etc/ssl/certs/ca-certificates.crt. ${systemStores}`,
  },
  java: {
    process: "the Java machine",
    fix: "sudo keytool -importcert -noprompt -cacerts -storepass changeit -alias dozo -file ca.crt",
    remark: "Java has a store of its own, for each installation; the program is started again.",
  },
  node: {
    process: "Node.js",
    fix: 'export NODE_EXTRA_CA_CERTS="$PWD/ca.crt"',
    remark: "It is read once, when the program starts.",
  },
  rust: {
    process: "a program with rustls",
    fix: systemStore,
    remark: `A program that brings its own roots has an option for more (often --ca or SSL_CERT_FILE). ${systemStores}`,
  },
  browser: {
    process: "the browser",
    fix: 'certutil -d sql:"$HOME/.pki/nssdb" -A -t C,, -n dozo -i ca.crt',
    remark:
      "That is Chromium on Linux (certutil is in libnss3-tools); Firefox: the same for its profile's folder, or Settings, Certificates, Authorities, Import. Restart the browser.",
  },
  macos: {
    process: "a program of this Mac",
    fix: "sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ca.crt",
    remark: "Docker Desktop and OrbStack are restarted afterwards.",
  },
  unknown: (registry) => ({
    process: "the program that printed this",
    fix: intoFolder("/etc/docker/certs.d", registry),
    remark: `That serves Docker, podman, buildah, skopeo and nerdctl; most other programs read the system's store: ${systemStore}. A daemon reads that once, and is restarted.`,
  }),
};
