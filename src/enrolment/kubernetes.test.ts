import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { RegistryIdentity } from "./identity.ts";
import { type ClusterOptions, clusterObjects, clusterYaml, runtimeFolders, writerImage } from "./kubernetes.ts";

const caPem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const registry: RegistryIdentity = { registry: "box", spellings: ["box", "box:443"], caPem, keyPin: undefined };
const options: ClusterOptions = {
  folder: runtimeFolders.containerd,
  image: writerImage,
  namespace: "shop",
  credentials: { user: "ci", password: 'p"w: 1' },
  isUndo: false,
};

interface Manifest {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: object };
  readonly data?: Readonly<Record<string, string>>;
  readonly type?: string;
  readonly imagePullSecrets?: readonly object[];
  readonly spec?: {
    readonly selector: { readonly matchLabels: object };
    readonly template: { readonly metadata: { readonly labels: object }; readonly spec: PodSpec };
  };
}

interface PodSpec {
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly automountServiceAccountToken: boolean;
  readonly containers: readonly (Readonly<Record<string, unknown>> & {
    readonly command: readonly string[];
    readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
    readonly readinessProbe: { readonly exec: { readonly command: readonly string[] } };
  })[];
  readonly volumes: readonly { readonly name: string; readonly hostPath?: { path: string; type: string } }[];
}

function readYaml(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as Manifest;
  });
}

function podOf(objects: readonly Manifest[]): PodSpec {
  const pod = objects.find(({ kind }) => kind === "DaemonSet")?.spec?.template.spec;
  if (pod === undefined) throw new Error("there is no DaemonSet");
  return pod;
}

describe("the manifest for a cluster", () => {
  const text = clusterYaml(clusterObjects(registry, options));
  const objects = readYaml(text);

  test("is YAML that says what the objects say, in the order in which they can be made", () => {
    expect(text).not.toMatch(/[expect(objects as unknown).toEqual*]a\d/);
    expect(objects as unknown).toEqual(JSON.parse(JSON.stringify(clusterObjects(registry, options))));
    expect(objects.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`)).toEqual([
      "v1 Namespace",
      "v1 ConfigMap",
      "apps/v1 DaemonSet",
      "v1 Secret",
      "v1 ServiceAccount",
    ]);
  });

  test("brings the certificate itself", () => {
    expect(objects[1]?.data).toEqual({ "ca.crt": caPem });
  });

  // apps/v1: a DaemonSet whose template has not the labels of its selector is refused.
  test("selects the pods that it makes", () => {
    const spec = objects[2]?.spec;
    expect(spec?.template.metadata.labels).toEqual(spec?.selector.matchLabels ?? {});
  });

  test("asks for no right beyond writing into the one folder as root", () => {
    const pod = podOf(objects);
    expect(pod).toMatchObject({ automountServiceAccountToken: false });
    expect(Object.keys(pod).filter((key) => key.startsWith("host") || key.includes("serviceAccount"))).toEqual([]);
    expect(pod.volumes.flatMap(({ hostPath }) => hostPath ?? [])).toEqual([
      { path: "/etc/containerd/certs.d", type: "DirectoryOrCreate" },
    ]);
    expect(pod.containers).toHaveLength(1);
    expect(pod.containers[0]?.["securityContext"]).toEqual({
      runAsUser: 0,
      runAsGroup: 0,
      privileged: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    });
  });

  test("names its image by digest", () => {
    expect(podOf(objects).containers[0]?.["image"]).toMatch(/^[a-z0-9.]+\/[a-z0-9/-]+:[\w.-]+@sha256:[0-9a-f]{64}$/);
  });

  // kubernetes.io/dockerconfigjson: the API refuses another key, and a text in it that is no JSON.
  test("has a pull secret for every spelling, and gives it to the namespace's pods", () => {
    const [secret, account] = objects.slice(3);
    expect(secret).toMatchObject({ type: "kubernetes.io/dockerconfigjson", metadata: { namespace: "shop" } });
    const auths = JSON.parse(Buffer.from(secret?.data?.[".dockerconfigjson"] ?? "", "base64").toString()) as object;
    const login = { username: "ci", password: 'p"w: 1', auth: Buffer.from('ci:p"w: 1').toString("base64") };
    expect(auths).toEqual({ auths: { box: login, "box:443": login } });
    expect(account?.metadata).toMatchObject({ name: "default", namespace: "shop" });
    expect(account?.imagePullSecrets).toEqual([{ name: secret?.metadata.name ?? "" }]);
  });

  test("only logs in where the certificate is trusted already", () => {
    const kinds = clusterObjects({ ...registry, caPem: undefined }, options).map(({ kind }) => kind);
    expect(kinds).toEqual(["Secret", "ServiceAccount"]);
  });
});

describe("what its pods do on a node", () => {
  let node: string;
  let ca: string;

  beforeEach(async () => {
    node = await mkdtemp(join(tmpdir(), "dozo-node-"));
    ca = await mkdtemp(join(tmpdir(), "dozo-ca-"));
    await writeFile(join(ca, "ca.crt"), caPem);
  });
  afterEach(() => Promise.all([node, ca].map((folder) => rm(folder, { recursive: true }))));

  const here = (script: string): string =>
    script.replaceAll("'/node/", `'${node}/`).replaceAll("/ca/ca.crt", join(ca, "ca.crt"));

  async function isReady(pod: PodSpec): Promise<boolean> {
    const [program = "", option = "", script = ""] = pod.containers[0]?.readinessProbe.exec.command ?? [];
    return (await Bun.spawn([program, option, here(script)]).exited) === 0;
  }

  /** Runs the pod's script until it has said something so many times. */
  async function runPod(pod: PodSpec, lines: number): Promise<string[]> {
    const [program = "", option = "", script = ""] = pod.containers[0]?.command ?? [];
    const shell = Bun.spawn([program, option, here(script)], { stdout: "pipe" });
    const said: string[] = [];
    const reader = shell.stdout.pipeThrough(new TextDecoderStream()).getReader();
    while (said.join("").split("\n").length <= lines) {
      const { value, done } = await reader.read();
      if (done) break;
      said.push(value);
    }
    shell.kill("SIGTERM");
    expect(await shell.exited).toBe(0);
    return said.join("").trimEnd().split("\n");
  }

  test("is to write the certificate for every spelling, and to be ready then", async () => {
    const pod = podOf(readYaml(clusterYaml(clusterObjects(registry, options))));
    expect(await isReady(pod)).toBe(false);

    const said = await runPod(pod, 2);

    expect(said).toEqual([`wrote ${node}/box/ca.crt`, `wrote ${node}/box:443/ca.crt`]);
    for (const folder of ["box", "box:443"]) {
      expect(await readdir(join(node, folder))).toEqual(["ca.crt"]);
      expect(await readFile(join(node, folder, "ca.crt"), "utf8")).toBe(caPem);
    }
    expect(await isReady(pod)).toBe(true);
  });

  test("with undo, is to remove what is ours and nothing else", async () => {
    await mkdir(join(node, "box"));
    await mkdir(join(node, "box:443"));
    await writeFile(join(node, "box", "ca.crt"), caPem);
    await writeFile(join(node, "box:443", "ca.crt"), "another");
    const pod = podOf(readYaml(clusterYaml(clusterObjects(registry, { ...options, isUndo: true }))));

    await runPod(pod, 1);

    expect(await readdir(node)).toEqual(["box:443"]);
    expect(await readFile(join(node, "box:443", "ca.crt"), "utf8")).toBe("another");
    expect(await isReady(pod)).toBe(true);
  });
});
