import {
  type ClientKind,
  certificateFile,
  certificateFolders,
  loginWith,
  none,
  pushAndPullWith,
} from "../client-kind.ts";
import { trustName } from "../identity.ts";

const dockerDocs = "https://github.com/docker/docs/blob/main/content/manuals";
const hostCredentials =
  "on this machine: the credential helper that credsStore in ~/.docker/config.json names, else that file";

const keychainTrap =
  "Where this registry asks for tokens (anonymous pulls are on), the folder alone is not enough for every version: put the certificate into the keychain as well (page macOS).";

/** Docker Desktop on macOS and Linux. */
export const dockerDesktop: ClientKind = {
  id: "docker-desktop",
  name: "Docker Desktop on macOS and Linux",
  connects: "the daemon in Docker Desktop's virtual machine; for tokens of a build the docker command on the host",
  broughtBy: ["sh"],
  presence: {
    programs: [],
    paths: ({ home }) => ["/Applications/Docker.app", "/opt/docker-desktop", `${home}/.docker/desktop`],
  },
  files: (registry, { home }) => certificateFolders(registry, { parent: `${home}/.docker/certs.d` }),
  apply: none,
  restart: "Docker Desktop: `docker desktop restart`, or Restart in its menu; it copies the folder when it starts",
  login: loginWith("docker"),
  credentials: "the keychain, through docker-credential-desktop",
  use: pushAndPullWith("docker"),
  undo: none,
  remarks: [keychainTrap, "A registry that stands under insecure-registries gets no certificates at all."],
  sources: [
    {
      claim:
        "~/.docker/certs.d/HOST:PORT/ca.crt is enough without the keychain; restart after a change; insecure registries get no certificates",
      url: `${dockerDocs}/desktop/troubleshoot-and-support/faqs/macfaqs.md`,
    },
    { claim: "The same on Linux", url: `${dockerDocs}/desktop/troubleshoot-and-support/faqs/linuxfaqs.md` },
    {
      claim: "The request for a token with the containerd store",
      url: "https://github.com/docker/for-win/issues/14643",
    },
  ],
};

/** Docker Desktop on Windows. */
export const dockerDesktopWindows: ClientKind = {
  id: "docker-desktop-windows",
  name: "Docker Desktop on Windows",
  connects: "the daemon in Docker Desktop's virtual machine (WSL 2 or Hyper-V)",
  broughtBy: ["powershell"],
  presence: { programs: [], paths: () => ["C:\\Program Files\\Docker\\Docker\\Docker Desktop.exe"] },
  files: (registry) => certificateFile(registry, { path: "ca.crt", place: "workspace" }),
  apply: () => ["Import-Certificate -FilePath ca.crt -CertStoreLocation Cert:\\CurrentUser\\Root"],
  restart: "Docker Desktop: `docker desktop restart`, or Restart in its menu",
  login: loginWith("docker"),
  credentials: "the Windows credential manager, through docker-credential-desktop",
  use: pushAndPullWith("docker"),
  undo: () => ['Remove-Item "Cert:\\CurrentUser\\Root\\$((Get-PfxCertificate ca.crt).Thumbprint)"'],
  remarks: [
    "Windows asks whether to trust a root of the current user. Cert:\\LocalMachine\\Root asks nothing, needs an elevated shell, and is for everybody on the machine.",
    "~/.docker/certs.d works as on macOS where the registry is on port 443; Windows allows no colon in a folder's name, so another port needs the certificate store.",
    "A distribution of WSL with a dockerd of its own is plain Linux: page Docker Engine.",
  ],
  sources: [
    {
      claim: "Docker Desktop trusts what stands in Trusted Root Certification Authorities",
      url: `${dockerDocs}/desktop/troubleshoot-and-support/faqs/windowsfaqs.md`,
    },
    {
      claim: "Import-Certificate and its stores",
      url: "https://learn.microsoft.com/en-us/powershell/module/pki/import-certificate",
    },
  ],
};

/** colima: Docker or containerd in a virtual machine of lima. */
export const colima: ClientKind = {
  id: "colima",
  name: "colima",
  connects: "dockerd (or containerd) in colima's virtual machine",
  broughtBy: ["sh"],
  presence: { programs: ["colima"], paths: ({ home }) => [`${home}/.colima`] },
  files: (registry, { home }) => certificateFolders(registry, { parent: `${home}/.docker/certs.d` }),
  apply: none,
  restart: "the virtual machine: `colima restart`; it copies the folder when it starts",
  login: loginWith("docker"),
  credentials: hostCredentials,
  use: pushAndPullWith("docker"),
  undo: (registry) =>
    registry.spellings.map((spelling) => `colima ssh -- sudo rm -r '/etc/docker/certs.d/${spelling}'`),
  remarks: [
    "When copying fails, colima only warns. `colima ssh -- ls /etc/docker/certs.d` must show the registry's folder; some versions of 0.10 put it one folder too deep.",
    "If it is not there: `colima ssh -- sudo mkdir -p '/etc/docker/certs.d/HOST:PORT'`, then `colima ssh -- sudo tee '/etc/docker/certs.d/HOST:PORT/ca.crt' < ca.crt`.",
  ],
  sources: [
    {
      claim:
        "~/.docker/certs.d is copied to /etc/docker/certs.d in the virtual machine at start, a failure is a warning",
      url: "https://github.com/abiosoft/colima/blob/main/environment/vm/lima/certs.go",
    },
    { claim: "One folder too deep in 0.10", url: "https://github.com/abiosoft/colima/issues/1632" },
  ],
};

/** lima: a virtual machine per YAML file. */
export const lima: ClientKind = {
  id: "lima",
  name: "lima",
  connects: "containerd, dockerd or podman in the instance",
  broughtBy: ["hand"],
  presence: { programs: ["limactl"], paths: ({ home }) => [`${home}/.lima`] },
  files: (registry, { home }) =>
    registry.caPem === undefined
      ? []
      : [
          ...certificateFile(registry, { path: `${home}/.lima/_config/${trustName(registry.registry)}.crt` }),
          {
            place: "machine",
            path: `${home}/.lima/_config/override.yaml`,
            text: `caCerts:\n  files:\n    - "${home}/.lima/_config/${trustName(registry.registry)}.crt"\n`,
            ownership: "shared",
          },
        ],
  apply: () => ["limactl stop INSTANCE", "limactl start INSTANCE"],
  restart: "the instance",
  login: loginWith("lima nerdctl"),
  credentials: "~/.docker/config.json in the instance",
  use: pushAndPullWith("lima nerdctl"),
  undo: () => ["limactl stop INSTANCE", "limactl start INSTANCE"],
  remarks: [
    "override.yaml holds for every instance; the same lines in an instance's own YAML (`limactl edit INSTANCE`) hold for that one.",
    "It reaches the instance through cloud-init, so not instances of macOS or FreeBSD.",
  ],
  sources: [
    {
      claim: "caCerts.files is read and passed to cloud-init",
      url: "https://github.com/lima-vm/lima/blob/master/templates/default.yaml",
    },
    {
      claim: "$LIMA_HOME/_config/override.yaml holds for every instance",
      url: "https://lima-vm.io/docs/dev/internals/",
    },
  ],
};

/** Rancher Desktop. */
export const rancherDesktop: ClientKind = {
  id: "rancher-desktop",
  name: "Rancher Desktop",
  connects: "dockerd or containerd in Rancher Desktop's virtual machine",
  broughtBy: ["sh"],
  presence: { programs: ["rdctl"], paths: ({ home }) => ["/Applications/Rancher Desktop.app", `${home}/.rd`] },
  files: (registry, { home }) => certificateFolders(registry, { parent: `${home}/.docker/certs.d` }),
  apply: none,
  restart: "Rancher Desktop: `rdctl shutdown`, then `rdctl start`",
  login: loginWith("docker"),
  credentials: hostCredentials,
  use: pushAndPullWith("docker"),
  undo: none,
  remarks: [
    "With dockerd (moby) on macOS and Linux the virtual machine's /etc/docker/certs.d is a link to ~/.docker/certs.d.",
    "At every start it also takes over the roots of the host: on Windows, and with containerd, trust the certificate in the system's store (pages Windows, macOS), then restart it.",
  ],
  sources: [
    {
      claim: "Host roots are copied to /usr/local/share/ca-certificates and certs.d is linked",
      url: "https://github.com/rancher-sandbox/rancher-desktop/blob/main/pkg/rancher-desktop/backend/lima.ts",
    },
  ],
};

/** OrbStack. */
export const orbstack: ClientKind = {
  id: "orbstack",
  name: "OrbStack",
  connects: "the daemon in OrbStack's virtual machine; for tokens of a build the docker command on the host",
  broughtBy: ["sh"],
  presence: { programs: ["orb", "orbctl"], paths: ({ home }) => ["/Applications/OrbStack.app", `${home}/.orbstack`] },
  files: (registry, { home }) => certificateFolders(registry, { parent: `${home}/.docker/certs.d` }),
  apply: none,
  restart: undefined,
  login: loginWith("docker"),
  credentials: hostCredentials,
  use: pushAndPullWith("docker"),
  undo: none,
  remarks: [
    "The virtual machine's /etc/docker/certs.d is a link to ~/.docker/certs.d, so nothing has to restart.",
    "Roots of the keychain are taken over when OrbStack starts: after a change there, `orb restart docker`.",
    keychainTrap,
  ],
  sources: [
    {
      claim: "certs.d is a link to ~/.docker/certs.d; keychain roots become orb-extra-*.crt",
      url: "https://github.com/orbstack/orbstack/issues/340",
    },
    {
      claim: "The token's request of a build is verified by macOS",
      url: "https://github.com/orbstack/orbstack/issues/799",
    },
  ],
};

/** boot2docker and docker-machine: history, but some still run. */
export const dockerMachine: ClientKind = {
  id: "docker-machine",
  name: "boot2docker and docker-machine",
  connects: "dockerd in the virtual machine",
  broughtBy: ["hand"],
  presence: { programs: ["docker-machine"], paths: ({ home }) => [`${home}/.docker/machine`] },
  files: (registry) => certificateFile(registry, { path: "ca.crt", place: "workspace" }),
  apply: ({ registry }) => [
    `docker-machine scp ca.crt MACHINE:/tmp/${trustName(registry)}.pem`,
    `docker-machine ssh MACHINE "sudo mkdir -p /var/lib/boot2docker/certs && sudo mv /tmp/${trustName(registry)}.pem /var/lib/boot2docker/certs/"`,
    "docker-machine restart MACHINE",
  ],
  restart: "the virtual machine: `docker-machine restart MACHINE`",
  login: loginWith("docker"),
  credentials: hostCredentials,
  use: pushAndPullWith("docker"),
  undo: ({ registry }) => [
    `docker-machine ssh MACHINE "sudo rm -f /var/lib/boot2docker/certs/${trustName(registry)}.pem"`,
    "docker-machine restart MACHINE",
  ],
  remarks: [
    "`dozo enroll` prints these lines where it finds docker-machine.",
    "All but /var/lib/boot2docker and /var/lib/docker is in memory and gone after a restart: a file in /etc/docker/certs.d does not last.",
    "One certificate per file, and the ending is .pem.",
  ],
  sources: [
    {
      claim: "*.pem in /var/lib/boot2docker/certs is loaded at boot",
      url: "https://github.com/boot2docker/boot2docker/blob/master/README.md",
    },
  ],
};
