import { isIP } from "node:net";
import { createProxyTrust } from "./client-address.ts";
import type { Client } from "./listener.ts";

export interface OriginOptions {
  /** Names and addresses of this machine, as clients may write them; `*.example.com` is every name with one label more. */
  readonly ownNames: () => readonly string[];
  /** `HOST` or `HOST:PORT` for who asks under another name; undefined while the start is not over. */
  readonly address: () => string | undefined;
  /** Whether somebody in front of plain HTTP speaks TLS, for every name but the loopback's. */
  readonly isBehindTls: () => boolean;
  /** Whose `X-Forwarded-Proto` and `X-Forwarded-Host` are believed. */
  readonly trustedProxies: readonly string[];
}

/** Scheme, host and port under which a client has come: `https://box:5000`. */
export type OriginReader = (request: Pick<Request, "url" | "headers">, client: Client) => string | undefined;

const hostForm = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9_](?:[a-z0-9_.-]{0,252}))(?::([0-9]{1,5}))?$/i;

/**
 * Reads where a client thinks that it is, for the one answer that has to name a whole address (a challenge's realm): clients
 * refuse one on another scheme, host or port than the registry's. The host is the one that was asked if it is this
 * machine's, on whatever port it was met; otherwise the configured address, so that no header puts a stranger's name there.
 */
export function createOriginReader({ ownNames, address, isBehindTls, trustedProxies }: OriginOptions): OriginReader {
  const isProxy = createProxyTrust(trustedProxies);
  return ({ url, headers }, client) => {
    const forwarded = (name: string): string | undefined =>
      isProxy(client.address) ? headers.get(name)?.split(",").at(-1)?.trim().toLowerCase() : undefined;
    const isTls = url.startsWith("https:") || client.certificate !== undefined;
    const asked = forwarded("x-forwarded-host") ?? headers.get("host")?.toLowerCase() ?? "";
    const [, host = ""] = hostForm.exec(asked) ?? [];
    const authority = isAmong(ownNames(), bare(host)) ? asked : address();
    if (authority === undefined) return undefined;
    const proto = forwarded("x-forwarded-proto");
    if (proto === "http" || proto === "https") return `${proto}://${authority}`;
    return isTls || (isBehindTls() && !isLoopback(authority)) ? `https://${authority}` : `http://${authority}`;
  };
}

function isAmong(names: readonly string[], host: string): boolean {
  if (host === "") return false;
  if (isLoopback(host)) return true;
  const parent = isIP(host) === 0 ? host.replace(/^[^.]+/, "*") : host;
  return names.some((name) => name.toLowerCase() === host || name.toLowerCase() === parent);
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, "");
}

/** Whatever names this machine has, a client that asks for these is on it, or has come through a tunnel that ends there. */
function isLoopback(authority: string): boolean {
  return /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[?::1\]?)(?::[0-9]+)?$/.test(authority);
}
