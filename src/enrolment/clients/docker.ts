import {
  type ClientKind,
  certificateFile,
  certificateFolders,
  loginWith,
  none,
  pushAndPullWith,
} from "../client-kind.ts";
import type { RegistryIdentity } from "../identity.ts";

const docs = "https://github.com/docker/docs/blob/main/content/manuals";
const moby = "https://github.com/moby/moby";

const dockerFolder = {
  claim:
    "A folder of certs.d has the registry's name as it stands in the reference, without a port where none stands there; *.crt are roots",
  url: `${docs}/engine/security/certificates.md`,
};
const dockerSource = {
  claim: "The folder is read for every connection; a .cert without its .key is an error",
  url: `${moby}/blob/master/daemon/pkg/registry/registry.go`,
};
const dockerCredentials =
  "~/.docker/config.json under auths (base64, not encrypted), or the credential helper that credsStore names there";

const storeTrap =
  "With the containerd image store (the default of new installations since 29.0), versions before 29.5.0 send the request for a token without certs.d: log in works, push and pull do not. It concerns registries that ask for tokens; where this registry does (anonymous pulls are on), upgrade to 29.5.0 or trust the certificate in the system's store too.";
const buildTrap =
  "`docker build` asks for tokens in the process that you started, which knows the system's store only.";
const insecureTrap =
  "Leave `insecure-registries` alone: for a name that stands there certs.d is not even read, and with the containerd image store it has no effect at all.";

/** Docker Engine on Linux, for the whole machine. */
export const docker: ClientKind = {
  id: "docker",
  name: "Docker Engine",
  connects: "dockerd, on the machine where it runs; the docker command only passes on what you type",
  broughtBy: ["sh"],
  presence: { programs: ["dockerd"], paths: () => ["/var/run/docker.sock", "/etc/docker"] },
  files: (registry) => certificateFolders(registry, { parent: "/etc/docker/certs.d" }),
  apply: none,
  restart: undefined,
  login: loginWith("docker"),
  credentials: dockerCredentials,
  use: pushAndPullWith("docker"),
  undo: none,
  remarks: [
    storeTrap,
    buildTrap,
    "`docker build` with BuildKit, before Docker 28, knows the folders that were there when the daemon started: restart it once (`sudo systemctl restart docker`). Since then it reads them for every build, but remembers for some minutes what failed.",
    insecureTrap,
    "127.0.0.0/8, ::1 and localhost are never verified by Docker: what works there says nothing about trust.",
    "The ending is .crt. A CA certificate called .cert is taken for half of a client's pair, and refused.",
    "`sudo docker` uses the credentials of root, not yours.",
  ],
  sources: [
    dockerFolder,
    dockerSource,
    { claim: "The request for a token ignored certs.d with the containerd image store", url: `${moby}/issues/52361` },
    {
      claim: "BuildKit gets a function that reads certs.d for each host; before, it got what was read at the start",
      url: `${moby}/blob/v28.3.0/daemon/hosts.go`,
    },
    {
      claim:
        "BuildKit keeps the TLS settings of a repository that it failed to reach, until they are cleared every five minutes",
      url: "https://github.com/moby/buildkit/blob/master/util/resolver/pool.go",
    },
    {
      claim: "insecure-registries has no effect with the containerd store",
      url: "https://github.com/docker/cli/issues/6748",
    },
  ],
};

/** Docker Engine of one user, without root. */
export const dockerRootless: ClientKind = {
  ...docker,
  id: "docker-rootless",
  name: "Docker Engine, rootless",
  connects: "the dockerd that runs as the user",
  presence: { programs: ["dockerd-rootless.sh"], paths: ({ config }) => [`${config}/docker`] },
  files: (registry, { config }) => certificateFolders(registry, { parent: `${config}/docker/certs.d` }),
  remarks: [
    storeTrap,
    "/etc/docker/certs.d is not read by a daemon without root. A machine may have both daemons: `docker context show` says which one answers.",
    insecureTrap,
  ],
  sources: [
    {
      claim: "Without root the certificates are under $XDG_CONFIG_HOME/docker/certs.d",
      url: `${moby}/blob/master/daemon/pkg/registry/config.go`,
    },
    {
      claim: "Rootless Docker keeps its configuration in ~/.config/docker",
      url: `${docs}/engine/security/rootless/tips.md`,
    },
    dockerFolder,
  ],
};

/** Docker Engine with Windows containers, on Windows Server. */
export const dockerWindows: ClientKind = {
  id: "docker-windows",
  name: "Docker Engine on Windows",
  connects: "the service docker (dockerd.exe)",
  broughtBy: ["powershell"],
  presence: { programs: ["dockerd.exe"], paths: ({ programData }) => [`${programData}\\docker`] },
  files: (registry, { programData }) =>
    registry.spellings.flatMap((spelling) =>
      certificateFile(registry, {
        path: `${programData}\\docker\\certs.d\\${spelling.replaceAll(":", "")}\\ca.crt`,
      }),
    ),
  apply: none,
  restart: undefined,
  login: loginWith("docker"),
  credentials:
    "%USERPROFILE%\\.docker\\config.json, or the Windows credential manager through docker-credential-wincred",
  use: pushAndPullWith("docker"),
  undo: none,
  remarks: [
    "Windows allows no colon in a folder's name: the folder of HOST:5000 is HOST5000.",
    "Where a folder of certs.d has a root, older versions take that one alone for this registry, not the system's roots beside it.",
  ],
  sources: [
    {
      claim: "The colon is taken out of the folder's name",
      url: `${moby}/blob/master/daemon/pkg/registry/registry.go`,
    },
    { claim: "The folder is %ProgramData%\\docker\\certs.d", url: `${moby}/blob/master/daemon/pkg/registry/config.go` },
    { claim: "On Windows the system's roots count only where no custom root is configured", url: dockerFolder.url },
  ],
};

/** The text that BuildKit needs: an absolute path, since nothing is expanded in it. */
function buildkitTable(registry: RegistryIdentity, caPath: (spelling: string) => string): string {
  return registry.spellings.map((spelling) => `[registry."${spelling}"]\n  ca = ["${caPath(spelling)}"]\n`).join("");
}

/** Builders that `docker buildx create` makes: BuildKit in a container. */
export const buildx: ClientKind = {
  id: "buildx",
  name: "docker buildx, with a builder in a container",
  connects: "buildkitd, in the builder's container; for tokens the docker command itself",
  broughtBy: ["sh"],
  presence: {
    programs: ["docker-buildx"],
    paths: ({ home }) => [
      `${home}/.docker/buildx`,
      `${home}/.docker/cli-plugins/docker-buildx`,
      "/usr/libexec/docker/cli-plugins/docker-buildx",
      "/usr/lib/docker/cli-plugins/docker-buildx",
    ],
  },
  files: (registry, { home }) =>
    registry.caPem === undefined
      ? []
      : [
          ...certificateFolders(registry, { parent: `${home}/.docker/certs.d` }),
          {
            place: "machine",
            path: `${home}/.docker/buildx/buildkitd.default.toml`,
            text: buildkitTable(registry, (spelling) => `${home}/.docker/certs.d/${spelling}/ca.crt`),
            ownership: "shared",
          },
        ],
  apply: () => ["docker buildx create --name NAME --use"],
  restart:
    "every builder that was made before: `docker buildx rm NAME`, then create it again; the files are copied into it only then",
  login: loginWith("docker"),
  credentials: `Docker's: ${dockerCredentials}`,
  use: (registry) => [`docker buildx build --push -t ${registry}/IMAGE .`],
  undo: () => ["docker buildx rm NAME"],
  remarks: [
    "The default builder is the Docker daemon itself: that one needs Docker's page only.",
    "Paths in the file are those of the machine where you type, and absolute. In the container the certificate is at /etc/buildkit/certs, the registry's name with _ in place of what is no letter, digit, dot or hyphen.",
    "`failed to fetch oauth token` with x509 in it means the machine where you type, not the builder: trust the certificate in the system's store there, or set BUILDKIT_NO_CLIENT_TOKEN=1.",
  ],
  sources: [
    {
      claim: "The certificates named in the file are copied into the container when the builder is created",
      url: "https://github.com/docker/buildx/blob/master/util/confutil/container.go",
    },
    {
      claim:
        "Without a configuration named, $BUILDX_CONFIG, $DOCKER_CONFIG/buildx or ~/.docker/buildx is looked into for buildkitd.default.toml",
      url: "https://docs.docker.com/reference/cli/docker/buildx/create/#buildkitd-config",
    },
    {
      claim: "A [registry] table has ca, a list of paths",
      url: "https://github.com/moby/buildkit/blob/master/docs/buildkitd.toml.md",
    },
  ],
};

/** buildkitd as a service of its own. */
export const buildkit: ClientKind = {
  id: "buildkit",
  name: "BuildKit's own daemon (buildkitd)",
  connects: "buildkitd; for tokens buildctl",
  broughtBy: ["sh"],
  presence: { programs: ["buildkitd"], paths: () => ["/etc/buildkit"] },
  files: (registry) =>
    registry.caPem === undefined
      ? []
      : [
          ...certificateFolders(registry, { parent: "/etc/buildkit/certs.d" }),
          {
            place: "machine",
            path: "/etc/buildkit/buildkitd.toml",
            text: buildkitTable(registry, (spelling) => `/etc/buildkit/certs.d/${spelling}/ca.crt`),
            ownership: "shared",
          },
        ],
  apply: none,
  restart: "`systemctl restart buildkit`",
  login: loginWith("docker"),
  credentials: "~/.docker/config.json, which buildctl reads",
  use: (registry) => [
    `buildctl build --frontend dockerfile.v0 --local context=. --local dockerfile=. --output type=image,name=${registry}/IMAGE,push=true`,
  ],
  undo: none,
  remarks: [
    "Without root the file is ~/.config/buildkit/buildkitd.toml.",
    "buildctl fetches tokens itself and does not read this file: it needs the system's store, or `--registry-auth-tlscontext host=https://HOST:PORT,ca=ca.crt`.",
  ],
  sources: [
    {
      claim: "Where the file is, what [registry] means, and that buildctl has to trust the token's server too",
      url: "https://github.com/moby/buildkit/blob/master/docs/buildkitd.toml.md",
    },
  ],
};
