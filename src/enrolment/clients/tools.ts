import { type ClientKind, certificateFile, none } from "../client-kind.ts";
import { type RegistryIdentity, trustName } from "../identity.ts";

const dockerCredentials = "Docker's: ~/.docker/config.json or its credential helper";

/** The certificate beside the person's other files, for tools that take its path. */
function besideOthers(registry: RegistryIdentity) {
  return certificateFile(registry, { path: "ca.crt", place: "workspace" });
}

/** kaniko. */
export const kaniko: ClientKind = {
  id: "kaniko",
  name: "kaniko",
  connects: "the executor, in its pod",
  broughtBy: ["hand"],
  presence: { programs: [], paths: none },
  files: besideOthers,
  apply: (registry) => [
    "kubectl create configmap dozo-ca --from-file=ca.crt",
    `# in the executor's container, with the configmap mounted at /dozo:\n${registry.spellings.map((spelling) => `--registry-certificate=${spelling}=/dozo/ca.crt`).join(" ")}`,
  ],
  restart: undefined,
  login: (registry) => [
    `kubectl create secret docker-registry dozo-pull --docker-server=${registry} --docker-username=USER --docker-password="$PASSWORD"`,
    "# mounted at /kaniko/.docker, its key .dockerconfigjson as config.json",
  ],
  credentials: "/kaniko/.docker/config.json in the pod",
  use: (registry) => [`/kaniko/executor --context=dir:///workspace --destination=${registry}/IMAGE`],
  undo: () => ["kubectl delete configmap dozo-ca", "kubectl delete secret dozo-pull"],
  remarks: [
    "The first = is part of the flag: `--registry-certificate HOST:PORT=…` with a space is refused.",
    "The original was archived in June 2025; forks go on with the same flags.",
  ],
  sources: [
    {
      claim: "--registry-certificate and /kaniko/.docker/config.json",
      url: "https://github.com/GoogleContainerTools/kaniko/blob/main/README.md",
    },
    { claim: "The = is needed", url: "https://github.com/vfarcic/kaniko-demo/issues/1" },
  ],
};

/** crane. */
export const crane: ClientKind = {
  id: "crane",
  name: "crane",
  connects: "the crane command itself",
  broughtBy: ["store"],
  presence: { programs: ["crane"], paths: none },
  files: besideOthers,
  apply: () => ['export SSL_CERT_FILE="$PWD/ca.crt"'],
  restart: undefined,
  login: (registry) => [`crane auth login ${registry} -u USER --password-stdin`],
  credentials: dockerCredentials,
  use: (registry) => [`crane copy IMAGE ${registry}/IMAGE`, `crane pull ${registry}/IMAGE image.tar`],
  undo: () => ["unset SSL_CERT_FILE"],
  remarks: [
    "It knows the system's store only, not certs.d: the page of your system is the lasting way.",
    "SSL_CERT_FILE takes the place of the system's file: with it, this registry is trusted and few others. On macOS Go does not look at it; there it is the keychain.",
  ],
  sources: [
    { claim: "No certs.d", url: "https://github.com/google/go-containerregistry/issues/211" },
    {
      claim: "SSL_CERT_FILE and SSL_CERT_DIR, not on macOS and Windows",
      url: "https://pkg.go.dev/crypto/x509#SystemCertPool",
    },
  ],
};

/** ko. */
export const ko: ClientKind = {
  ...crane,
  id: "ko",
  name: "ko",
  connects: "the ko command itself",
  presence: { programs: ["ko"], paths: none },
  login: (registry) => [`ko login ${registry} -u USER --password-stdin`],
  use: (registry) => [`KO_DOCKER_REPO=${registry}/IMAGE ko build --bare .`],
};

/** ORAS. */
export const oras: ClientKind = {
  id: "oras",
  name: "oras",
  connects: "the oras command itself",
  broughtBy: ["store"],
  presence: { programs: ["oras"], paths: none },
  files: besideOthers,
  apply: none,
  restart: undefined,
  login: (registry) => [`oras login --ca-file ca.crt -u USER ${registry}`],
  credentials: dockerCredentials,
  use: (registry) => [
    `oras push --ca-file ca.crt ${registry}/files:v1 ./FILE`,
    `oras pull --ca-file ca.crt ${registry}/files:v1`,
  ],
  undo: none,
  remarks: ["--ca-file stands on every command, unless the system's store has the certificate."],
  sources: [{ claim: "--ca-file", url: "https://oras.land/docs/commands/oras_login" }],
};

/** regctl of regclient. */
export const regctl: ClientKind = {
  id: "regctl",
  name: "regctl",
  connects: "the regctl command itself",
  broughtBy: ["sh"],
  presence: { programs: ["regctl"], paths: ({ home }) => [`${home}/.regctl`] },
  files: besideOthers,
  apply: ({ registry }) => [`regctl registry set --cacert "$(cat ca.crt)" ${registry}`],
  restart: undefined,
  login: (registry) => [`regctl registry login -u USER ${registry}`],
  credentials: "~/.regctl/config.json",
  use: (registry) => [
    `regctl image copy alpine ${registry}/mirror/alpine`,
    `regctl manifest get ${registry}/mirror/alpine`,
  ],
  undo: ({ registry }) => [`regctl registry set --cacert "" ${registry}`],
  remarks: [
    "--cacert takes the certificate's text, not a path.",
    "It reads /etc/docker/certs.d too: where Docker's folder is there, nothing is needed.",
  ],
  sources: [
    { claim: "--cacert, and Docker's folder", url: "https://github.com/regclient/regclient/blob/main/docs/regctl.md" },
  ],
};

/** helm. */
export const helm: ClientKind = {
  id: "helm",
  name: "helm",
  connects: "the helm command itself",
  broughtBy: ["store"],
  presence: { programs: ["helm"], paths: none },
  files: besideOthers,
  apply: none,
  restart: undefined,
  login: (registry) => [`helm registry login --ca-file ca.crt -u USER ${registry}`],
  credentials: "~/.config/helm/registry/config.json; Docker's are read too",
  use: (registry) => [
    `helm push --ca-file ca.crt CHART-1.0.0.tgz oci://${registry}/charts`,
    `helm pull --ca-file ca.crt oci://${registry}/charts/CHART --version 1.0.0`,
  ],
  undo: none,
  remarks: [
    "--ca-file stands on login, push, pull, install and dependency, unless the system's store has the certificate.",
  ],
  sources: [
    { claim: "--ca-file of registry login", url: "https://helm.sh/docs/helm/helm_registry_login/" },
    { claim: "--ca-file of push", url: "https://helm.sh/docs/helm/helm_push/" },
  ],
};

/** cosign. */
export const cosign: ClientKind = {
  id: "cosign",
  name: "cosign",
  connects: "the cosign command itself",
  broughtBy: ["store"],
  presence: { programs: ["cosign"], paths: none },
  files: besideOthers,
  apply: none,
  restart: undefined,
  login: (registry) => [`cosign login ${registry} -u USER --password-stdin`],
  credentials: dockerCredentials,
  use: (registry) => [
    `cosign sign --registry-cacert ca.crt --key cosign.key ${registry}/IMAGE@sha256:…`,
    `cosign verify --registry-cacert ca.crt --key cosign.pub ${registry}/IMAGE@sha256:…`,
  ],
  undo: none,
  remarks: [
    "cosign login takes no certificate: `docker login` writes the same file, or trust the certificate in the system's store.",
  ],
  sources: [{ claim: "--registry-cacert", url: "https://github.com/sigstore/cosign/blob/main/doc/cosign_sign.md" }],
};

/** trivy. */
export const trivy: ClientKind = {
  id: "trivy",
  name: "trivy",
  connects: "the trivy command itself",
  broughtBy: ["store"],
  presence: { programs: ["trivy"], paths: none },
  files: besideOthers,
  apply: none,
  restart: undefined,
  login: (registry) => [`trivy registry login --username USER --password-stdin ${registry}`],
  credentials: `${dockerCredentials}; or TRIVY_USERNAME and TRIVY_PASSWORD`,
  use: (registry) => [`trivy image --image-src remote --cacert ca.crt ${registry}/IMAGE`],
  undo: none,
  remarks: [
    "TRIVY_CACERT says the same as --cacert.",
    "Where the system's store has the certificate, or Docker pulled the image already, nothing is needed.",
  ],
  sources: [
    { claim: "--cacert", url: "https://trivy.dev/latest/docs/references/configuration/cli/trivy_image/" },
    {
      claim: "trivy registry login",
      url: "https://trivy.dev/latest/docs/references/configuration/cli/trivy_registry_login/",
    },
  ],
};

/** GitHub Actions, on hosted Linux runners. */
export const githubActions: ClientKind = {
  id: "github-actions",
  name: "GitHub Actions",
  connects: "dockerd on the runner, the BuildKit that setup-buildx-action makes, and for tokens the docker command",
  broughtBy: ["hand"],
  presence: { programs: [], paths: none },
  files: (registry) =>
    registry.caPem === undefined
      ? []
      : [{ place: "workspace", path: ".github/workflows/push.yaml", text: workflow(registry), ownership: "shared" }],
  apply: () => ["gh secret set DOZO_CA < ca.crt", "gh secret set DOZO_USER", "gh secret set DOZO_PASSWORD"],
  restart: undefined,
  login: () => ["# docker/login-action, in the workflow above"],
  credentials: "secrets of the repository; on the runner ~/.docker/config.json, gone with it",
  use: (registry) => [`# docker/build-push-action with push: true and tags: ${registry}/IMAGE`],
  undo: () => ["gh secret delete DOZO_CA", "gh secret delete DOZO_USER", "gh secret delete DOZO_PASSWORD"],
  remarks: [
    "The builder of setup-buildx-action is a container: without buildkitd-config-inline it does not know the certificate that Docker knows.",
    "A hosted runner has to reach the registry; otherwise use runners of your own and Docker's page.",
  ],
  sources: [
    { claim: "buildkitd-config-inline", url: "https://github.com/docker/setup-buildx-action/blob/master/README.md" },
    { claim: "docker/login-action", url: "https://github.com/docker/login-action/blob/master/README.md" },
  ],
};

function workflow({ registry, spellings }: RegistryIdentity): string {
  const folders = spellings.map(
    (spelling) => `          sudo install -D -m 644 ca.crt '/etc/docker/certs.d/${spelling}/ca.crt'`,
  );
  const tables = spellings.map(
    (spelling) => `            [registry."${spelling}"]\n              ca = ["/etc/docker/certs.d/${spelling}/ca.crt"]`,
  );
  return `on: push
jobs:
  push:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: |
          printf '%s\\n' "$CA" > ca.crt
${folders.join("\n")}
          sudo install -m 644 ca.crt /usr/local/share/ca-certificates/${trustName(registry)}.crt
          sudo update-ca-certificates
        env:
          CA: \${{ secrets.DOZO_CA }}
      - uses: docker/setup-buildx-action@v3
        with:
          buildkitd-config-inline: |
${tables.join("\n")}
      - uses: docker/login-action@v3
        with:
          registry: "${registry}"
          username: \${{ secrets.DOZO_USER }}
          password: \${{ secrets.DOZO_PASSWORD }}
      - uses: docker/build-push-action@v6
        with:
          push: true
          tags: "${registry}/IMAGE"
`;
}

/** GitLab's runner. */
export const gitlabRunner: ClientKind = {
  id: "gitlab-runner",
  name: "GitLab Runner",
  connects:
    "the docker executor: dockerd on the runner's machine; docker-in-docker: dockerd in the service; the kubernetes executor: the nodes",
  broughtBy: ["hand"],
  presence: { programs: ["gitlab-runner"], paths: () => ["/etc/gitlab-runner"] },
  files: (registry) =>
    registry.caPem === undefined
      ? []
      : [
          ...registry.spellings.flatMap((spelling) =>
            certificateFile(registry, { path: `/etc/docker/certs.d/${spelling}/ca.crt` }),
          ),
          {
            place: "machine",
            path: "/etc/gitlab-runner/config.toml",
            text: '[[runners]]\n  [runners.docker]\n    volumes = ["/cache", "/etc/docker/certs.d:/etc/docker/certs.d:ro"]\n',
            ownership: "shared",
          },
        ],
  apply: none,
  restart: undefined,
  login: (registry) => [
    `printf '{"auths": {"${registry}": {"auth": "%s"}}}' "$(printf %s "USER:$PASSWORD" | base64 -w0)"`,
    "# the text is the value of the CI/CD variable DOCKER_AUTH_CONFIG",
  ],
  credentials: "the CI/CD variable DOCKER_AUTH_CONFIG, for the images of jobs; in a job `docker login`",
  use: (registry) => [`# in .gitlab-ci.yml\nimage: ${registry}/IMAGE`],
  undo: none,
  remarks: [
    "config.toml needs the volume only for docker-in-docker; the runner reads it again by itself.",
    "/etc/gitlab-runner/certs is for the runner's connection to GitLab and has nothing to do with images.",
    "With the kubernetes executor it is the nodes that pull: `dozo enroll kubernetes`.",
  ],
  sources: [
    {
      claim: "volumes with certs.d for docker-in-docker",
      url: "https://gitlab.com/gitlab-org/gitlab-runner/-/issues/1350",
    },
    {
      claim: "What /etc/gitlab-runner/certs is for",
      url: "https://docs.gitlab.com/runner/configuration/tls-self-signed/",
    },
    { claim: "DOCKER_AUTH_CONFIG", url: "https://docs.gitlab.com/ci/docker/using_docker_images/" },
  ],
};
