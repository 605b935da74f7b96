import { type ClientMachine, hasProgram, type SeenFile, seeFile, seeFolder, startOf } from "./client-machine.ts";
import type { RegistryReference } from "./registry-reference.ts";

/** A folder that is, or looks as if it were meant to be, a registry's: `/etc/docker/certs.d/HOST:PORT`. */
export interface TrustFolder {
  readonly path: string;
  readonly name: string;
  readonly files: readonly SeenFile[];
}

/** One place with a folder per registry. */
export interface TrustStore {
  readonly client: "docker" | "rootless-docker" | "podman" | "containerd";
  readonly path: string;
  /** Those that have to do with the host. */
  readonly folders: readonly TrustFolder[];
}

/** Everything by which programs on this machine may trust a registry. */
export interface TrustFacts {
  readonly stores: readonly TrustStore[];
  /** The file of all certificates that the system trusts; undefined where none of the usual ones is there. */
  readonly systemStore: SeenFile | undefined;
  /** Clients that are installed. */
  readonly has: Readonly<Record<"docker" | "podman" | "containerd", boolean>>;
  /** Daemons that run, and since when. */
  readonly daemons: readonly { readonly name: string; readonly startedAt: number }[];
  /** The person's home, for the order in which podman looks. */
  readonly home: string;
}

// In this order Go, OpenSSL's distributions and curl look for them.
const systemStores = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** Reads the places where clients keep what they trust; opens nothing else, and changes nothing. */
export function seeTrust(machine: ClientMachine, reference: RegistryReference): TrustFacts {
  const config = machine.environment["XDG_CONFIG_HOME"] ?? `${machine.home}/.config`;
  const store = (client: TrustStore["client"], path: string): TrustStore => ({
    client,
    path,
    folders: foldersFor(machine, path, reference),
  });
  const containerd = seeFolder(machine, "/etc/containerd/certs.d") !== undefined;
  return {
    stores: [
      store("docker", "/etc/docker/certs.d"),
      store("rootless-docker", `${config}/docker/certs.d`),
      store("podman", `${machine.home}/.config/containers/certs.d`),
      store("podman", "/etc/containers/certs.d"),
      store("containerd", "/etc/containerd/certs.d"),
    ],
    systemStore: [machine.environment["SSL_CERT_FILE"] ?? "", ...systemStores]
      .filter((path) => path !== "")
      .map((path) => seeFile(machine, path))
      .find((file) => file !== undefined),
    has: {
      docker: hasProgram(machine, "dockerd"),
      podman: ["podman", "buildah", "skopeo", "crio"].some((name) => hasProgram(machine, name)),
      // Every Docker brings a containerd along, which does not read these files for it.
      containerd: containerd || ["nerdctl", "kubelet"].some((name) => hasProgram(machine, name)),
    },
    daemons: ["dockerd", "containerd", "crio"].flatMap((name) => {
      const startedAt = startOf(machine, name);
      return startedAt === undefined ? [] : [{ name, startedAt }];
    }),
    home: machine.home,
  };
}

function foldersFor(machine: ClientMachine, store: string, { host }: RegistryReference): readonly TrustFolder[] {
  const names = seeFolder(machine, store) ?? [];
  return names
    .filter((name) => name.toLowerCase().includes(host.toLowerCase()))
    .flatMap((name) => {
      const path = `${store}/${name}`;
      const entries = seeFolder(machine, path);
      if (entries === undefined) return [];
      const files = entries.map((entry) => seeFile(machine, `${path}/${entry}`)).filter((file) => file !== undefined);
      return [{ path, name, files }];
    });
}
