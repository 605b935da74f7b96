import { isIP } from "node:net";
import { domainToASCII } from "node:url";

/** What a certificate can be for: a DNS name in lower-case ASCII, or an IP address in its canonical text. */
export interface SubjectName {
  readonly kind: "dns" | "ip";
  readonly value: string;
}

const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/**
 * Reads a name as people write it: any case, a dot at the end, letters beyond ASCII (RFC 5891), an address in brackets or with a
 * zone (`fe80::1%eth0`; no certificate can name the zone). `undefined` for what no certificate can be for, wildcards among it.
 */
export function parseSubjectName(text: string): SubjectName | undefined {
  const bare = text.replace(/^\[(.*)\]$/, "$1").replace(/%.*$/, "");
  const version = isIP(bare);
  if (version === 4) return { kind: "ip", value: bare };
  if (version === 6) return { kind: "ip", value: canonicalIpv6(bare) };
  // domainToASCII would cut a name at a slash, and take others of these for parts of a URL.
  if (!/^[\p{L}\p{M}\p{N}._-]+$/u.test(text)) return undefined;
  const value = domainToASCII(text.replace(/\.$/, "")).toLowerCase();
  // A last label of digits would be read as an address (WHATWG URL, "ends in a number").
  if (value === "" || value.length > 253 || /(?:^|\.)[0-9]+$/.test(value)) return undefined;
  return value.split(".").every((part) => label.test(part)) ? { kind: "dns", value } : undefined;
}

/** RFC 5952: so that two spellings of an address are one name. */
function canonicalIpv6(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}
