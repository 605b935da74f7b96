import { type ClientMachine, hasProgram, type SeenFile, seeFile, seeFolder } from "./client-machine.ts";

/** Docker, as its command line and its daemon tell. */
export interface DockerFacts {
  /** Undefined where no daemon answers. */
  readonly serverVersion: string | undefined;
  readonly usesContainerdStore: boolean;
  /** The daemon's address where it is not this machine's own socket. */
  readonly elsewhere: string | undefined;
}

/** What clients remember of logins in one file; never a password. */
export interface LoginFile {
  readonly path: string;
  readonly fault: string | undefined;
  /** The spellings under which there is a login. */
  readonly registries: readonly string[];
  readonly helpers: readonly {
    readonly program: string;
    readonly isThere: boolean;
    readonly registry: string | undefined;
  }[];
}

/** A list of registries whose certificates a client is told not to check. */
interface InsecureList {
  readonly client: string;
  readonly file: string;
  readonly registries: readonly string[];
}

/** Client programs, their settings and their logins. */
export interface ProgramFacts {
  readonly docker: DockerFacts | undefined;
  readonly podmanVersion: string | undefined;
  readonly containerdVersion: string | undefined;
  readonly curlVersion: string | undefined;
  readonly kernelVersion: string | undefined;
  /** Only where something on the machine pulls by it: Kubernetes, nerdctl. */
  readonly containerdConfig: SeenFile | "missing" | undefined;
  readonly brokenFiles: readonly { readonly path: string; readonly fault: string }[];
  readonly insecure: readonly InsecureList[];
  readonly logins: readonly LoginFile[];
  /** HTTPS_PROXY as clients find it, and what it is not for. */
  readonly proxy: { readonly variable: string; readonly exceptions: readonly string[] } | undefined;
}

/** Asks the programs for their versions, all at once, and reads their settings. Takes 5 s at most. */
export async function seePrograms(machine: ClientMachine): Promise<ProgramFacts> {
  const version = async (program: string, ...words: string[]): Promise<string | undefined> =>
    hasProgram(machine, program) ? firstVersion(await machine.run(program, words)) : undefined;
  const [docker, podmanVersion, containerdVersion, curlVersion, kernelVersion] = await Promise.all([
    seeDocker(machine),
    version("podman", "--version"),
    version("containerd", "--version"),
    version("curl", "--version"),
    version("uname", "-r"),
  ]);
  const daemon = readJson(machine, "/etc/docker/daemon.json");
  return {
    docker,
    podmanVersion,
    containerdVersion,
    curlVersion,
    kernelVersion,
    containerdConfig: seeContainerd(machine),
    brokenFiles: daemon?.fault === undefined ? [] : [{ path: daemon.path, fault: daemon.fault }],
    insecure: seeInsecure(machine, daemon?.value),
    logins: loginFiles(machine).flatMap((path) => seeLogins(machine, path)),
    proxy: seeProxy(machine.environment),
  };
}

async function seeDocker(machine: ClientMachine): Promise<DockerFacts | undefined> {
  if (!hasProgram(machine, "docker")) return undefined;
  const [version, store, context] = await Promise.all([
    machine.run("docker", ["version", "--format", "{{.Server.Version}}"]),
    machine.run("docker", ["info", "--format", "{{json .DriverStatus}}"]),
    machine.run("docker", ["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]),
  ]);
  const address = machine.environment["DOCKER_HOST"] ?? context?.trim() ?? "";
  return {
    serverVersion: firstVersion(version),
    usesContainerdStore: store?.includes("io.containerd.snapshotter.v1") === true,
    elsewhere: /^(?:tcp|ssh|https?):/.test(address) ? address : undefined,
  };
}

function firstVersion(text: string | undefined): string | undefined {
  return /[0-9]+\.[0-9]+(?:\.[0-9]+)?/.exec(text ?? "")?.[0];
}

function seeContainerd(machine: ClientMachine): ProgramFacts["containerdConfig"] {
  const pulls = ["kubelet", "crictl"].some((name) => hasProgram(machine, name));
  if (!pulls || !hasProgram(machine, "containerd")) return undefined;
  return seeFile(machine, "/etc/containerd/config.toml") ?? "missing";
}

function seeInsecure(machine: ClientMachine, daemon: unknown): readonly InsecureList[] {
  const docker = textsOf(fieldOf(daemon, "insecure-registries"));
  const folder = "/etc/containers/registries.conf.d";
  const more = (seeFolder(machine, folder) ?? []).map((name) => `${folder}/${name}`);
  const containers = ["/etc/containers/registries.conf", ...more].flatMap((file) => {
    const text = seeFile(machine, file)?.text ?? "";
    return [{ client: "podman", file, registries: insecureLocations(text) }];
  });
  return [{ client: "Docker", file: "/etc/docker/daemon.json", registries: docker }, ...containers].filter(
    ({ registries }) => registries.length > 0,
  );
}

/** The `location` (or `prefix`) of each `[[registry]]` table with `insecure = true` (containers-registries.conf(5)). */
function insecureLocations(text: string): readonly string[] {
  return text
    .split(/^\s*\[\[registry(?:\.mirror)?\]\]/m)
    .slice(1)
    .filter((table) => /^\s*insecure\s*=\s*true/m.test(table))
    .flatMap((table) => /^\s*(?:location|prefix)\s*=\s*["']([^"']+)["']/m.exec(table)?.[1] ?? []);
}

function loginFiles({ environment, home }: ClientMachine): readonly string[] {
  const runtime = environment["XDG_RUNTIME_DIR"];
  return [
    `${environment["DOCKER_CONFIG"] ?? `${home}/.docker`}/config.json`,
    environment["REGISTRY_AUTH_FILE"] ??
      (runtime === undefined ? "/run/containers/0/auth.json" : `${runtime}/containers/auth.json`),
    `${environment["XDG_CONFIG_HOME"] ?? `${home}/.config`}/containers/auth.json`,
  ];
}

function seeLogins(machine: ClientMachine, path: string): readonly LoginFile[] {
  const file = readJson(machine, path);
  if (file === undefined) return [];
  const { value, fault } = file;
  const store = fieldOf(value, "credsStore");
  const perRegistry = Object.entries(recordOf(fieldOf(value, "credHelpers")));
  const helper = (name: unknown, registry: string | undefined): LoginFile["helpers"][number] => {
    const program = `docker-credential-${String(name)}`;
    return { program, isThere: hasProgram(machine, program), registry };
  };
  return [
    {
      path,
      fault,
      registries: Object.keys(recordOf(fieldOf(value, "auths"))),
      helpers: [
        ...(typeof store === "string" && store !== "" ? [helper(store, undefined)] : []),
        ...perRegistry.map(([registry, name]) => helper(name, registry)),
      ],
    },
  ];
}

function seeProxy(environment: ClientMachine["environment"]): ProgramFacts["proxy"] {
  const variable = ["HTTPS_PROXY", "https_proxy"].find((name) => (environment[name] ?? "") !== "");
  if (variable === undefined) return undefined;
  const exceptions = (environment["NO_PROXY"] ?? environment["no_proxy"] ?? "").split(",").map((each) => each.trim());
  return { variable, exceptions: exceptions.filter((each) => each !== "") };
}

interface JsonFile {
  readonly path: string;
  readonly value: unknown;
  readonly fault: string | undefined;
}

function readJson(machine: ClientMachine, path: string): JsonFile | undefined {
  const file = seeFile(machine, path);
  if (file === undefined) return undefined;
  if (file.text === undefined) return { path, value: undefined, fault: "it may not be read" };
  try {
    return { path, value: JSON.parse(file.text === "" ? "{}" : file.text), fault: undefined };
  } catch {
    // The parser's own words could quote a password.
    return { path, value: undefined, fault: "it is not JSON" };
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return recordOf(value)[name];
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === "string") : [];
}
