import type { ClientKind } from "./client-kind.ts";
import { containerd, nerdctl } from "./clients/containerd.ts";
import { buildah, crio, podman, podmanMachine, skopeo } from "./clients/containers.ts";
import {
  colima,
  dockerDesktop,
  dockerDesktopWindows,
  dockerMachine,
  lima,
  orbstack,
  rancherDesktop,
} from "./clients/desktop.ts";
import { buildkit, buildx, docker, dockerRootless, dockerWindows } from "./clients/docker.ts";
import { bottlerocket, flatcar, k3s, kind, microk8s, minikube, rke2, talos } from "./clients/kubernetes.ts";
import { java, node, nss, variables } from "./clients/languages.ts";
import { alpine, arch, debian, freebsd, macos, nixos, rhel, suse, windows } from "./clients/stores.ts";
import { cosign, crane, githubActions, gitlabRunner, helm, kaniko, ko, oras, regctl, trivy } from "./clients/tools.ts";

/** Kinds of clients that belong together, under a title. */
export interface ClientFamily {
  readonly title: string;
  readonly kinds: readonly ClientKind[];
}

/** Every kind of client that we know, the most frequent first. Ids are unique. */
export const catalogue: readonly ClientFamily[] = [
  { title: "Docker and BuildKit", kinds: [docker, dockerRootless, dockerWindows, buildx, buildkit] },
  {
    title: "Docker in a virtual machine",
    kinds: [dockerDesktop, dockerDesktopWindows, colima, lima, rancherDesktop, orbstack, dockerMachine],
  },
  { title: "podman, buildah, skopeo", kinds: [podman, buildah, skopeo, podmanMachine] },
  {
    title: "containerd and Kubernetes",
    kinds: [containerd, nerdctl, crio, k3s, rke2, kind, minikube, microk8s, talos, bottlerocket, flatcar],
  },
  { title: "Single tools", kinds: [crane, ko, oras, regctl, helm, cosign, trivy, kaniko] },
  { title: "CI", kinds: [githubActions, gitlabRunner] },
  {
    title: "System stores",
    kinds: [debian, rhel, alpine, arch, suse, freebsd, nixos, macos, windows],
  },
  { title: "Languages and browsers", kinds: [java, node, variables, nss] },
];
