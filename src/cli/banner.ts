import type { ListenerSetting } from "../config/listener.ts";
import { isLoopbackListener } from "../config/listener.ts";
import { trustLine } from "../pki/trust-line.ts";

/** What the banner tells. */
export interface BannerFacts {
  readonly version: string;
  /** What clients write before the repository. */
  readonly registry: string;
  readonly tls: ListenerSetting["tls"];
  readonly rootPem: string;
  readonly fingerprint: string;
  readonly user: string;
  /** How the first user gets in, for as long as that is news. */
  readonly password: string | undefined;
  /** Things that the operator should know, a line each. */
  readonly notes: readonly string[];
}

const maxLines = 12;

/** At most 12 lines; each command stands alone on its line and works as it is printed, in any POSIX shell. */
export function bannerLines(facts: BannerFacts): readonly string[] {
  const { registry, tls } = facts;
  const scheme = tls === "off" ? "http" : "https";
  const trust =
    tls === "own"
      ? [
          `CA fingerprint (SHA-256): ${facts.fingerprint}`,
          "On every machine with Docker, once, to trust it:",
          `  ${trustLine({ registry, caPem: facts.rootPem })}`,
        ]
      : [];
  const lines = [
    `dozo ${facts.version} serves at ${scheme}://${registry}`,
    ...trust,
    "Log in, name an image for it, push:",
    `  docker login -u ${facts.user} ${registry}`,
    `  docker tag "$(docker images -q | head -n 1)" ${registry}/first-image`,
    `  docker push ${registry}/first-image`,
    ...(facts.password === undefined ? [] : [facts.password]),
  ];
  return [...lines, ...facts.notes.slice(0, maxLines - lines.length)];
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
