import { join } from "node:path";
import { goPrograms } from "../../scripts/suites.ts";
import type { Machine, Program } from "./machine.ts";

const withoutNetworks = ["--bridge=none", "--iptables=false", "--ip6tables=false"];

/** Starts Debian's Docker daemon (20.10, images in overlay2) on a machine and waits until it answers. */
export async function startDocker20(machine: Machine, more: readonly string[] = []): Promise<Program> {
  const engine = machine.start(["/usr/sbin/dockerd", ...withoutNetworks, ...more]);
  await engine.waitFor(/API listen on/);
  return engine;
}

/** Starts Docker Engine 29, whose images are in containerd's store, on a machine and waits until it answers. */
export async function startDocker29(machine: Machine): Promise<Program> {
  const path = `${goPrograms()}:/usr/sbin:/usr/bin:/sbin:/bin`;
  // Debian's command line speaks an older version of the protocol than Engine 29 accepts unasked.
  const environment = { PATH: path, DOCKER_MIN_API_VERSION: "1.24" };
  // Debian's runc knows no time namespaces.
  const features = ["--feature=time-namespaces=false"];
  const engine = machine.start([join(goPrograms(), "dockerd"), ...withoutNetworks, ...features], { environment });
  await engine.waitFor(/API listen on/);
  return engine;
}
