import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import {
  conformanceVersion,
  containerdVersion,
  distributionVersion,
  engineVersion,
  pebbleVersion,
} from "./tool-versions.ts";

/** One suite of `npm test`: a name, what `bun test` gets, and the tools without which it is skipped. */
export interface Suite {
  readonly name: string;
  readonly paths: readonly string[];
  readonly needs: readonly string[];
  /** Its output is worth reading when it passes too: figures, or minutes of work. */
  readonly showsFigures: boolean;
}

const network = ["root", "unshare", "nsenter", "ip"];
const enrolment = [...network, "setpriv", "setsid", "sudo", "usermod", "curl"];

/** Every suite, in the order in which they run: the quick ones first. */
export const suites: readonly Suite[] = [
  { name: "unit", paths: ["./src"], needs: [], showsFigures: false },
  { name: "architecture", paths: ["./test/architecture.test.ts"], needs: [], showsFigures: false },
  { name: "api", paths: ["./test/api"], needs: [], showsFigures: false },
  { name: "access", paths: ["./test/access"], needs: [], showsFigures: false },
  { name: "enrolment", paths: ["./test/enrolment"], needs: ["curl", "openssl", "busybox"], showsFigures: false },
  { name: "cli", paths: ["./test/cli"], needs: [], showsFigures: false },
  {
    name: "certificates/sources",
    paths: ["./test/certificates/acme.test.ts", "./test/certificates/files.test.ts"],
    needs: ["curl", "openssl", "pebble", "pebble-challtestsrv"],
    showsFigures: false,
  },
  { name: "ldap", paths: ["./test/ldap"], needs: ["slapd", "slapadd", "ldapmodify", "skopeo"], showsFigures: false },
  { name: "tls", paths: ["./test/tls"], needs: ["openssl", "sslscan", "curl"], showsFigures: false },
  {
    name: "chain",
    paths: ["./test/chain"],
    needs: ["openssl", "/usr/bin/python3", "node", "go", "java", "javac", "chromium", "certutil"],
    showsFigures: false,
  },
  { name: "oidc", paths: ["./test/oidc"], needs: ["chromium", "certutil", "skopeo"], showsFigures: false },
  { name: "conformance", paths: ["./test/conformance"], needs: ["conformance"], showsFigures: true },
  {
    name: "clients/docker-20",
    paths: ["./test/clients/docker-20.test.ts"],
    needs: [...network, "/usr/sbin/dockerd", "/usr/bin/docker", "curl"],
    showsFigures: true,
  },
  {
    name: "clients/client-certificates",
    paths: ["./test/clients/client-certificates.test.ts"],
    needs: [
      ...network,
      "/usr/sbin/dockerd",
      "dockerd-29",
      "containerd-2",
      "/usr/bin/docker",
      "runc",
      "podman",
      "skopeo",
      "curl",
    ],
    showsFigures: true,
  },
  {
    name: "clients/access",
    paths: ["./test/clients/access.test.ts"],
    needs: [
      ...network,
      "/usr/sbin/dockerd",
      "dockerd-29",
      "containerd-2",
      "/usr/bin/docker",
      "runc",
      "podman",
      "skopeo",
      "curl",
    ],
    showsFigures: false,
  },
  {
    name: "how-to",
    paths: ["./test/how-to"],
    needs: [...network, "/usr/sbin/dockerd", "/usr/bin/docker", "runc", "podman", "skopeo", "curl", "script"],
    showsFigures: false,
  },
  {
    name: "clients/docker-29",
    paths: ["./test/clients/docker-29.test.ts"],
    needs: [...network, "dockerd-29", "containerd-2", "/usr/bin/docker", "runc", "curl"],
    showsFigures: true,
  },
  {
    name: "clients/podman",
    paths: ["./test/clients/podman.test.ts"],
    needs: [...network, "podman", "runc", "buildah", "skopeo", "mmdebstrap", "curl"],
    showsFigures: true,
  },
  {
    name: "clients/nginx",
    paths: ["./test/clients/nginx.test.ts"],
    needs: [...network, "nginx", "openssl", "podman", "runc", "/usr/sbin/dockerd", "/usr/bin/docker", "curl"],
    showsFigures: true,
  },
  {
    name: "clients/enrol-docker",
    paths: ["./test/clients/enrol-docker.test.ts"],
    needs: [...enrolment, "openssl", "/usr/sbin/dockerd", "dockerd-29", "containerd-2", "/usr/bin/docker", "runc"],
    showsFigures: true,
  },
  {
    name: "clients/enrol-podman",
    paths: ["./test/clients/enrol-podman.test.ts"],
    needs: [...enrolment, "podman", "buildah", "skopeo", "newuidmap"],
    showsFigures: true,
  },
  {
    name: "clients/enrol-containerd",
    paths: ["./test/clients/enrol-containerd.test.ts"],
    needs: [...enrolment, "containerd-2", "ctr", "runc", "buildah"],
    showsFigures: true,
  },
  {
    name: "clients/enrol-system-store",
    paths: ["./test/clients/enrol-system-store.test.ts"],
    needs: [...enrolment, "openssl", "update-ca-certificates"],
    showsFigures: true,
  },
  {
    name: "clients/enrol-impostor",
    paths: ["./test/clients/enrol-impostor.test.ts"],
    needs: [...enrolment, "openssl", "update-ca-certificates"],
    showsFigures: true,
  },
  {
    name: "clients/doctor",
    paths: ["./test/clients/doctor.test.ts"],
    needs: [...enrolment, "nginx", "openssl"],
    showsFigures: false,
  },
  {
    name: "certificates/swaps",
    paths: ["./test/certificates/swaps.test.ts"],
    needs: ["root", "unshare", "ip", "sysctl"],
    showsFigures: true,
  },
  { name: "backup", paths: ["./test/backup"], needs: ["root", "unshare", "strace"], showsFigures: false },
  { name: "durability", paths: ["./test/durability"], needs: ["strace"], showsFigures: true },
  { name: "load", paths: ["./test/load"], needs: ["strace", "prlimit", "curl"], showsFigures: true },
];

const goInstall = "go install";

/** How to have each tool that a suite may need. */
const remedies: Readonly<Record<string, string>> = {
  root: "run it as root: sudo npm test",
  unshare: "apt-get install util-linux",
  nsenter: "apt-get install util-linux",
  setpriv: "apt-get install util-linux",
  setsid: "apt-get install util-linux",
  sudo: "apt-get install sudo",
  usermod: "apt-get install passwd",
  newuidmap: "apt-get install uidmap",
  "update-ca-certificates": "apt-get install ca-certificates",
  prlimit: "apt-get install util-linux",
  script: "apt-get install bsdutils",
  ip: "apt-get install iproute2",
  busybox: "apt-get install busybox",
  curl: "apt-get install curl",
  openssl: "apt-get install openssl",
  sslscan: "apt-get install sslscan",
  "/usr/bin/python3": "apt-get install python3",
  node: "install Node.js 20 or later",
  go: "install Go 1.24 or later",
  java: "apt-get install default-jdk-headless",
  javac: "apt-get install default-jdk-headless",
  chromium: "apt-get install chromium",
  certutil: "apt-get install libnss3-tools",
  slapd: "apt-get install slapd",
  slapadd: "apt-get install slapd",
  ldapmodify: "apt-get install ldap-utils",
  nginx: "apt-get install nginx-light",
  podman: "apt-get install podman",
  buildah: "apt-get install buildah",
  skopeo: "apt-get install skopeo",
  mmdebstrap: "apt-get install mmdebstrap",
  runc: "apt-get install runc",
  strace: "apt-get install strace",
  "docker-registry": "apt-get install docker-registry",
  "/usr/sbin/dockerd": "apt-get install docker.io",
  "/usr/bin/docker": "apt-get install docker.io",
  conformance: `${goInstall} github.com/opencontainers/distribution-spec/conformance@${conformanceVersion}`,
  registry: `${goInstall} github.com/distribution/distribution/v3/cmd/registry@${distributionVersion}`,
  "dockerd-29": `CGO_ENABLED=0 ${goInstall} github.com/moby/moby/v2/cmd/dockerd@${engineVersion}`,
  pebble: `${goInstall} github.com/letsencrypt/pebble/v2/cmd/pebble@${pebbleVersion}`,
  "pebble-challtestsrv": `${goInstall} github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv@${pebbleVersion}`,
  "containerd-2": `${goInstall} github.com/containerd/containerd/v2/cmd/containerd@${containerdVersion} (and cmd/containerd-shim-runc-v2)`,
  ctr: `${goInstall} github.com/containerd/containerd/v2/cmd/ctr@${containerdVersion}`,
};

/** The folder where `go install` puts programs. */
export function goPrograms(): string {
  return process.env["GOBIN"] ?? join(process.env["GOPATH"] ?? join(homedir(), "go"), "bin");
}

/** The path of a program in PATH, in the folders for administrators or among Go's; `undefined` when it is nowhere. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin", goPrograms()];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

function isThere(need: string): boolean {
  if (need === "root") return process.getuid?.() === 0;
  if (need.startsWith("/")) return existsSync(need);
  if (need === "dockerd-29") return existsSync(join(goPrograms(), "dockerd"));
  if (need === "containerd-2")
    return ["containerd", "containerd-shim-runc-v2"].every((name) => existsSync(join(goPrograms(), name)));
  // Debian's containerd has one too, of another version.
  if (need === "ctr") return existsSync(join(goPrograms(), need));
  return findProgram(need) !== undefined;
}

/** What a suite lacks on this machine, each with the command that brings it. */
export function missingFor(suite: Suite): string[] {
  return suite.needs.filter((need) => !isThere(need)).map((need) => `${need} is missing (${remedies[need] ?? need})`);
}
