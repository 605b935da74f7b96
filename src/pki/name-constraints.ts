import "reflect-metadata";
import { BlockList, isIPv6 } from "node:net";

import {
  GeneralName,
  GeneralSubtree,
  GeneralSubtrees,
  id_ce_nameConstraints as nameConstraintsId,
  NameConstraints,
} from "@peculiar/asn1-x509";
import { AsnData, Extension, X509Certificate } from "@peculiar/x509";

import { isPublicSuffix } from "./public-suffix.ts";
import { parseSubjectName, type SubjectName } from "./subject-name.ts";

/** The names and addresses of the machine that a certificate authority is made for. */
export interface AuthorityScope {
  /** The host's name, its FQDN, and every name that the operator gave. */
  readonly hostNames: readonly string[];
  /** Domains, everything under which is permitted too. */
  readonly suffixes: readonly string[];
  /** The host's addresses that are not private. */
  readonly publicAddresses: readonly string[];
}

/** What an authority may certify, as it stands in its certificates (RFC 5280 section 4.2.1.10). */
export interface PermittedNames {
  /** Each permits itself and everything under it. */
  readonly dns: readonly string[];
  /** In CIDR notation. */
  readonly ip: readonly string[];
}

// Names that mean something in one network only (RFC 6761, 6762, 8375; ICANN's `internal`).
const localDomains = ["localhost", "local", "lan", "internal", "home.arpa", "test"];

// Private (RFC 1918, 4193), shared (RFC 6598: overlay networks use it), loopback and link-local. A list of permitted DNS names
// alone would leave addresses unrestricted.
const localRanges = [
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "fc00::/7",
  "fe80::/10",
  "::1/128",
];

/**
 * Wide enough that a new address or a second name does not mean that every client has to trust a new authority; never a name
 * under which strangers have theirs, which is left out without a word (`permits` then says no).
 */
export function permittedNames(scope: AuthorityScope): PermittedNames {
  const hosts = scope.hostNames.map(parseSubjectName).filter((name) => name !== undefined);
  const hostNames = hosts.filter((name) => name.kind === "dns").map((name) => name.value);
  const suffixes = scope.suffixes.map((suffix) => parseSubjectName(suffix.replace(/^\*?\./, ""))?.value ?? "");
  const domains = hostNames.map((name) => name.slice(name.indexOf(".") + 1)).filter((name) => name.includes("."));
  const dns = [...hostNames, ...domains, ...suffixes].filter((name) => name !== "" && !isPublicSuffix(name));

  const given = scope.publicAddresses.map(parseSubjectName).filter((name) => name?.kind === "ip");
  const addresses = [...given, ...hosts.filter((name) => name.kind === "ip")].map((name) => name?.value ?? "");
  const single = addresses.filter((address) => !isInRange(address, localRanges)).map(asSingleRange);

  return { dns: [...new Set([...localDomains, ...dns])], ip: [...new Set([...localRanges, ...single])] };
}

/** Whether a client that obeys the constraints accepts a certificate for this name. */
export function permits(permitted: PermittedNames, name: SubjectName): boolean {
  if (name.kind === "ip") return isInRange(name.value, permitted.ip);
  return permitted.dns.some((base) => name.value === base || name.value.endsWith(`.${base}`));
}

/** The extension, critical. No excluded names: Go's check of those has had a hole (CVE-2025-61727). */
export function constraintsExtension(permitted: PermittedNames): Extension {
  const names = [
    ...permitted.dns.map((dNSName) => new GeneralName({ dNSName })),
    ...permitted.ip.map((iPAddress) => new GeneralName({ iPAddress })),
  ];
  const subtrees = new GeneralSubtrees(names.map((base) => new GeneralSubtree({ base })));
  const value = new ConstraintsValue(new NameConstraints({ permittedSubtrees: subtrees }));
  return new Extension(nameConstraintsId, true, value.rawData);
}

/** Reads them back from a certificate; a certificate without constraints permits nothing here. */
export function constraintsOf(certificate: X509Certificate): PermittedNames {
  const extension = certificate.getExtension(nameConstraintsId);
  if (extension === null) return { dns: [], ip: [] };
  const bases = new ConstraintsValue(extension.value, NameConstraints).permittedBases();
  return {
    dns: bases.map((base) => base.dNSName).filter((name) => name !== undefined),
    ip: bases.map((base) => base.iPAddress).filter((range) => range !== undefined),
  };
}

/** What an authority may certify, in the form that another one is made for: domains, and addresses beyond the local ranges. */
export function authorityConstraints(authorityPem: string): {
  readonly dns: readonly string[];
  readonly addresses: readonly string[];
} {
  const { dns, ip } = constraintsOf(new X509Certificate(authorityPem));
  const single = ip.filter((range) => !localRanges.includes(range)).map((range) => range.replace(/\/.*$/, ""));
  return { dns, addresses: single };
}

/** The extension's value, between the library's object and its DER. */
class ConstraintsValue extends AsnData<NameConstraints> {
  protected override onInit(): void {
    // Nothing is derived from the object: what is needed is asked for.
  }

  permittedBases(): readonly GeneralName[] {
    return [...(this.asn.permittedSubtrees ?? [])].map((subtree) => subtree.base);
  }
}

function asSingleRange(address: string): string {
  return `${address}/${isIPv6(address) ? 128 : 32}`;
}

function isInRange(address: string, ranges: readonly string[]): boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const [base = "", bits = ""] = range.split("/");
    list.addSubnet(base, Number(bits), isIPv6(base) ? "ipv6" : "ipv4");
  }
  return list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}
