import { isLoopbackListener } from "../config/listener.ts";
import type { Settings } from "../config/settings.ts";
import { versionTooOld } from "../diagnosis/client-findings.ts";
import type { Finding } from "../diagnosis/finding.ts";
import { descriptorsFew, portTaken, proxyNotTrusted, serverStopped } from "../diagnosis/server-findings.ts";
import { type Examination, examined } from "./examination.ts";
import type { ServerFacts } from "./server-facts.ts";
import { isOlder } from "./version.ts";

const fewDescriptors = 4096;

/** The process and what the machine gives it. `pid` is the running server's, undefined where none runs. */
export function checkMachine(facts: ServerFacts, settings: Settings, pid: number | undefined): readonly Examination[] {
  const { ports, kernelVersion, migratesRequests, descriptorLimit } = facts;
  return [
    examined("server", pid === undefined ? "does not run" : `runs (process ${pid})`, [
      pid === undefined ? serverStopped({ folder: facts.folder }) : undefined,
    ]),
    examined(
      "ports",
      ports.map(({ port, isHeld }) => `${port}: ${isHeld ? "listened on" : "free"}`).join(", "),
      ports.map((each) => portFinding(each, pid)),
    ),
    examined("kernel", `${kernelVersion}; ${migrationText(migratesRequests)}`, [
      isOlder(kernelVersion, "5.1") ? oldKernel(kernelVersion) : undefined,
    ]),
    examined("open files", `${descriptorLimit ?? "unlimited"} at once`, [
      descriptorLimit !== undefined && descriptorLimit < fewDescriptors
        ? descriptorsFew({ limit: descriptorLimit })
        : undefined,
    ]),
    examined("proxy", isBehindProxy(settings) ? "in front" : "none", [
      isBehindProxy(settings) && settings.trustedProxies.length === 0 ? proxyNotTrusted() : undefined,
    ]),
  ];
}

/** No finding: a swap happens every other month, and a client that is reset while it connects tries again by itself. */
function migrationText(migratesRequests: boolean | undefined): string {
  const name = "net.ipv4.tcp_migrate_req";
  if (migratesRequests === undefined) return `no ${name}`;
  return migratesRequests
    ? `${name} is on`
    : `${name} is off: a connection that is just being made when the certificate is swapped may be reset`;
}

/** Only loopback is served, without TLS, for a name that others use: a proxy has to be in front. */
function isBehindProxy({ listen, hosts }: Settings): boolean {
  return hosts.length > 0 && listen.every((each) => each.tls === "off" && isLoopbackListener(each));
}

function portFinding(
  { port, holder, isHeld }: ServerFacts["ports"][number],
  pid: number | undefined,
): Finding | undefined {
  if (!isHeld || (holder !== undefined && holder.pid === pid)) return undefined;
  // Whose it is cannot be seen by everybody; with a server that runs it is most likely that one.
  if (holder === undefined && pid !== undefined) return undefined;
  const name = holder === undefined ? "another user's process" : `${holder.program} (process ${holder.pid})`;
  return portTaken({ port, holder: name });
}

function oldKernel(version: string): Finding {
  return versionTooOld({
    program: "The Linux kernel",
    version,
    floor: "5.1",
    why: "The runtime that dozo is built on is not tried on older ones.",
    fix: "upgrade the distribution",
  });
}
