import type { ClientProgram } from "./client-program.ts";

const own: Partial<Record<ClientProgram, string>> = {
  podman: "podman login",
  buildah: "buildah login",
  skopeo: "skopeo login",
  nerdctl: "nerdctl login",
  helm: "helm registry login",
};

/** What logs a client in at a registry; the password is asked for. Clients without a login of their own use Docker's. */
export function loginCommand(client: ClientProgram, registry: string): string {
  if (client === "kubernetes")
    return `kubectl create secret docker-registry dozo --docker-server=${registry} --docker-username=USER --docker-password="$PASSWORD"`;
  if (client === "containerd")
    return `ctr images pull --user USER --hosts-dir /etc/containerd/certs.d ${registry}/NAME:TAG`;
  return `${own[client] ?? "docker login"} ${registry} -u USER`;
}
