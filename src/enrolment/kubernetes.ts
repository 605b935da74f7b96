import { stringify } from "yaml";
import type { RegistryIdentity } from "./identity.ts";

/** Where the nodes' runtime looks for certificates of single registries. */
export const runtimeFolders = {
  containerd: "/etc/containerd/certs.d",
  "cri-o": "/etc/containers/certs.d",
  docker: "/etc/docker/certs.d",
} as const;

/**
 * BusyBox as the Kubernetes project publishes it: a shell, 2 MB, for every architecture, by digest. It comes from the registry that a
 * cluster has its own images from, so that nodes get it before they trust this one; pause, which is on every node, has no shell.
 */
export const writerImage =
  "registry.k8s.io/e2e-test-images/busybox:1.36.1-1@sha256:a9155b13325b2abef48e71de77bb8ac015412a566829f621d06bfae5c699b1b9";

/** Who logs in to pull. */
export interface PullCredentials {
  readonly user: string;
  readonly password: string;
}

export interface ClusterOptions {
  /** The nodes' folder of certificates. */
  readonly folder: string;
  /** An image with a POSIX shell, cmp, cp and mv, that the nodes can have without this registry. */
  readonly image: string;
  /** Where the pods are that pull. */
  readonly namespace: string;
  readonly credentials: PullCredentials | undefined;
  /** Take the files away again instead. */
  readonly isUndo: boolean;
}

/** An object of the Kubernetes API. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string } & Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

const systemNamespace = "dozo-trust";
const secretName = "dozo-pull";
const labels = { "app.kubernetes.io/name": systemNamespace } as const;

/**
 * The objects that make every Linux node of a cluster trust the registry, and its pods log in. Where the certificate is trusted
 * already, only what logs in. `kubectl apply` adds to the pull secrets that a service account has.
 */
export function clusterObjects(registry: RegistryIdentity, options: ClusterOptions): readonly KubernetesObject[] {
  const trust = registry.caPem === undefined ? [] : trustObjects(registry, registry.caPem, options);
  return options.isUndo ? trust : [...trust, ...loginObjects(registry, options)];
}

/** The objects as `kubectl apply -f -` reads them: documents of YAML 1.2, none of whose values another version reads otherwise. */
export function clusterYaml(objects: readonly KubernetesObject[]): string {
  return objects
    .map((each) => stringify(each, { lineWidth: 0, version: "1.1", aliasDuplicateObjects: false }))
    .join("---\n");
}

function trustObjects(
  registry: RegistryIdentity,
  caPem: string,
  { folder, image, isUndo }: ClusterOptions,
): readonly KubernetesObject[] {
  const namespace: KubernetesObject = {
    apiVersion: "v1",
    kind: "Namespace",
    // A folder of the node may be mounted at that level only; the containers themselves are not privileged.
    metadata: { name: systemNamespace, labels: { ...labels, "pod-security.kubernetes.io/enforce": "privileged" } },
  };
  const certificate: KubernetesObject = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "ca", namespace: systemNamespace, labels },
    data: { "ca.crt": caPem },
  };
  const script = isUndo ? removingScript(registry) : writingScript(registry);
  const writer: KubernetesObject = {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "ca", namespace: systemNamespace, labels },
    spec: {
      selector: { matchLabels: labels },
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "100%" } },
      template: { metadata: { labels }, spec: podSpec({ image, script, folder, isUndo, registry }) },
    },
  };
  return [namespace, certificate, writer];
}

function podSpec(facts: {
  readonly image: string;
  readonly script: string;
  readonly folder: string;
  readonly isUndo: boolean;
  readonly registry: RegistryIdentity;
}): object {
  const { image, script, folder, isUndo, registry } = facts;
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 5,
    nodeSelector: { "kubernetes.io/os": "linux" },
    // Nodes that take no other pods pull images too.
    tolerations: [{ operator: "Exists" }],
    containers: [
      {
        name: "write",
        image,
        imagePullPolicy: "IfNotPresent",
        command: ["/bin/sh", "-c", script],
        readinessProbe: { exec: { command: ["/bin/sh", "-c", readyScript(registry, isUndo)] }, periodSeconds: 10 },
        resources: { requests: { cpu: "1m", memory: "4Mi" }, limits: { cpu: "50m", memory: "32Mi" } },
        // The folder is root's. Root without capabilities and with a file system that cannot be written is what is needed, and no more.
        securityContext: {
          runAsUser: 0,
          runAsGroup: 0,
          privileged: false,
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
          seccompProfile: { type: "RuntimeDefault" },
        },
        volumeMounts: [
          { name: "node", mountPath: "/node" },
          { name: "ca", mountPath: "/ca", readOnly: true },
        ],
      },
    ],
    volumes: [
      { name: "node", hostPath: { path: folder, type: "DirectoryOrCreate" } },
      { name: "ca", configMap: { name: "ca", defaultMode: 0o444 } },
    ],
  };
}

/** The folders as words of a shell: what an identity's spelling can be needs no more than these quotes. */
function folderWords({ spellings }: RegistryIdentity): string {
  return spellings.map((spelling) => `'/node/${spelling}'`).join(" ");
}

function writingScript(registry: RegistryIdentity): string {
  return `trap 'kill $! 2>/dev/null; exit 0' TERM INT
umask 022
while :; do
  for folder in ${folderWords(registry)}; do
    cmp -s /ca/ca.crt "$folder/ca.crt" && continue
    mkdir -p "$folder" && cp /ca/ca.crt "$folder/.dozo-new" && mv -f "$folder/.dozo-new" "$folder/ca.crt" && echo "wrote $folder/ca.crt"
  done
  sleep 60 & wait $!
done
`;
}

function removingScript(registry: RegistryIdentity): string {
  return `trap 'kill $! 2>/dev/null; exit 0' TERM INT
for folder in ${folderWords(registry)}; do
  cmp -s /ca/ca.crt "$folder/ca.crt" && rm -f "$folder/ca.crt" && { rmdir "$folder" 2>/dev/null; echo "removed $folder/ca.crt"; }
done
while :; do sleep 60 & wait $!; done
`;
}

function readyScript({ spellings }: RegistryIdentity, isUndo: boolean): string {
  return spellings.map((spelling) => `${isUndo ? "! " : ""}cmp -s /ca/ca.crt '/node/${spelling}/ca.crt'`).join(" && ");
}

function loginObjects({ registry, spellings }: RegistryIdentity, options: ClusterOptions): readonly KubernetesObject[] {
  const { credentials, namespace } = options;
  if (credentials === undefined) return [];
  const { user, password } = credentials;
  const auth = Buffer.from(`${user}:${password}`).toString("base64");
  const names = [...new Set([registry, ...spellings])];
  const auths = Object.fromEntries(names.map((name) => [name, { username: user, password, auth }]));
  return [
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: secretName, namespace },
      type: "kubernetes.io/dockerconfigjson",
      data: { ".dockerconfigjson": Buffer.from(JSON.stringify({ auths })).toString("base64") },
    },
    {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: "default", namespace },
      imagePullSecrets: [{ name: secretName }],
    },
  ];
}

/** The commands that make the secret and hand it to the namespace's pods, where no password was given. */
export function loginCommands({ registry }: RegistryIdentity, namespace: string): readonly string[] {
  return [
    `kubectl -n ${namespace} create secret docker-registry ${secretName} --docker-server=${registry} --docker-username=USER --docker-password="$PASSWORD"`,
    `kubectl -n ${namespace} patch serviceaccount default -p '{"imagePullSecrets": [{"name": "${secretName}"}]}'`,
  ];
}

/** What takes all of it out of the cluster, once the files are gone from the nodes. */
export function removalCommands(namespace: string): readonly string[] {
  return [
    `kubectl -n ${systemNamespace} rollout status daemonset/ca && kubectl delete namespace ${systemNamespace}`,
    `kubectl -n ${namespace} patch serviceaccount default -p '{"imagePullSecrets": [{"name": "${secretName}", "$patch": "delete"}]}'`,
    `kubectl -n ${namespace} delete secret ${secretName}`,
  ];
}
