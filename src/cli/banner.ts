import type { ListenerSetting } from "../config/listener.ts";
import { isLoopbackListener } from "../config/listener.ts";
import { plainFingerprint } from "../pki/certificate.ts";

/**
 * Whose certificate clients meet. `own`: of dozo's authority, which they have to be made to trust. `other`: one that they trust
 * already. `proxied`: somebody else speaks TLS, in front of this machine's own loopback.
 */
export type MetTls = "own" | "other" | "proxied" | "off";

/** What the banner tells. */
export interface BannerFacts {
  readonly version: string;
  readonly folder: string;
  /** What clients write before the repository. */
  readonly registry: string;
  readonly tls: MetTls;
  readonly fingerprint: string;
  /** What clients paste; undefined where they cannot be enrolled. */
  readonly enrolmentLine: string | undefined;
  readonly user: string;
  /** How the first user gets in, for as long as that is news. */
  readonly password: string | undefined;
  /** Things that the operator should know, a line each, the weightiest first. */
  readonly notes: readonly string[];
}

const maxLines = 12;

/** The banner, and what did not fit into it. */
export interface Banner {
  /** At most 12; each command stands alone on its line and works as it is printed, in any POSIX shell. */
  readonly lines: readonly string[];
  readonly leftOver: readonly string[];
}

/** The password comes last, where nobody overlooks it. */
export function banner(facts: BannerFacts): Banner {
  const { registry, tls, enrolmentLine } = facts;
  const scheme = tls === "off" ? "http" : "https";
  const trust = [
    ...(tls === "own" ? [`CA fingerprint (SHA-256): ${plainFingerprint(facts.fingerprint)}`] : []),
    ...(enrolmentLine === undefined ? [] : [enrolmentTitle(tls), `  ${enrolmentLine}`]),
  ];
  const lines = [
    `dozo ${facts.version} serves at ${scheme}://${registry} (data: ${facts.folder})`,
    ...trust,
    "Log in, make a small image, name it for the registry, push:",
    `  docker login -u ${facts.user} ${registry}`,
    "  tar -cf- -C /etc hosts | docker import - first-image",
    `  docker tag first-image ${registry}/first-image`,
    `  docker push ${registry}/first-image`,
  ];
  const password = facts.password === undefined ? [] : ["", facts.password];
  const room = maxLines - lines.length - password.length;
  return { lines: [...lines, ...facts.notes.slice(0, room), ...password], leftOver: facts.notes.slice(room) };
}

function enrolmentTitle(tls: BannerFacts["tls"]): string {
  if (tls === "own")
    return "On every machine that pushes or pulls, once, to trust it and to log in (dozo enroll has more):";
  return "On every machine that pushes or pulls, once, to log in:";
}

/** `NAME:PORT` as clients write it; 443 need not be written. */
export function registryAddress(listener: ListenerSetting, port: number | undefined, publicHost: string): string {
  if ("unix" in listener.address) return publicHost;
  const { host } = listener.address;
  const named = isWildcard(host) || !isLoopbackListener(listener) ? publicHost : host;
  const bracketed = named.includes(":") ? `[${named}]` : named;
  return port === 443 && listener.tls !== "off" ? bracketed : `${bracketed}:${port ?? 0}`;
}

/** Every address of the machine. */
export function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}
