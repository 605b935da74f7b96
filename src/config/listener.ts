import { isIP } from "node:net";

/** A certificate that somebody else looks after: PEM files, the certificate with its chain and its key. */
export interface CertificateFilesSetting {
  readonly certificate: string;
  readonly key: string;
}

/** A place that dozo listens on, and what TLS it speaks there. */
export interface ListenerSetting {
  readonly address: { readonly host: string; readonly port: number } | { readonly unix: string };
  /** `own`: with dozo's own certificate, for clients that ask for no name that another one is for. */
  readonly tls: "own" | "off" | CertificateFilesSetting;
  /** Only clients with a certificate are let in. */
  readonly clientCertificates?: "required";
}

/** What a listener has to look like, for messages. */
export const listenerForms = "HOST:PORT, https://HOST:PORT, mtls://HOST:PORT, http://HOST:PORT or unix:/PATH";

/** Reads one of the text forms; answers what is wrong with the text instead where it is none. */
export function parseListener(text: string): ListenerSetting | string {
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    return path.startsWith("/")
      ? { address: { unix: path }, tls: "off" }
      : `"${text}" needs an absolute path: unix:/PATH`;
  }
  const scheme = /^(https?|mtls):\/\//.exec(text);
  const address = parseHostPort(scheme === null ? text : text.slice(scheme[0].length));
  if (typeof address === "string") return `"${text}" ${address}`;
  if (scheme?.[1] === "mtls") return { address, tls: "own", clientCertificates: "required" };
  return { address, tls: scheme?.[1] === "http" ? "off" : "own" };
}

/** Whether only this machine can reach it: a socket, or a loopback address (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3). */
export function isLoopbackListener(listener: ListenerSetting): boolean {
  if ("unix" in listener.address) return true;
  const { host } = listener.address;
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function parseHostPort(text: string): { host: string; port: number } | string {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:/[\]]*)):([0-9]{1,5})$/.exec(text);
  if (/^[0-9]{1,5}$/.test(text)) return `is a port only: 0.0.0.0:${text} is all of this machine's addresses`;
  if (match === null) return `is none of ${listenerForms}`;
  const [, bracketed, bare, digits] = match;
  const port = Number(digits);
  if (port > 65535) return "has a port above 65535";
  if (bracketed !== undefined && isIP(bracketed) !== 6) return "has no IPv6 address in its brackets";
  const host = bracketed ?? bare ?? "";
  return { host: host === "" || host === "*" ? "0.0.0.0" : host, port };
}
