import "reflect-metadata";
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";

import { X509Certificate as ParsedCertificate } from "@peculiar/x509";

import { constraintsOf, permits } from "./name-constraints.ts";
import { parseSubjectName } from "./subject-name.ts";

const longestChain = 10;

/** What a client finds wrong with a chain, apart from whether it trusts who signed it. */
export interface ChainReading {
  readonly issuer: string;
  /** DNS names and addresses, as the certificate has them. */
  readonly names: readonly string[];
  readonly notBefore: number;
  readonly notAfter: number;
  readonly isForName: boolean;
  /** It signed itself. */
  readonly isSelfSigned: boolean;
}

/** The certificates of a PEM text, in its order; what is none of them is passed over. */
export function readCertificates(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return [];
    }
  });
}

/** Reads the first certificate of a chain as a client does that was told to reach `name`. Throws where there is none. */
export function readChain(chain: readonly X509Certificate[], name: string | undefined): ChainReading {
  const [leaf] = chain;
  if (leaf === undefined) throw new Error("the chain has no certificate");
  const alternatives = leaf.subjectAltName ?? "";
  return {
    issuer: lastPart(leaf.issuer),
    names: alternatives
      .split(", ")
      .map((each) => each.replace(/^(?:DNS|IP Address):/, ""))
      .filter((each) => each !== ""),
    notBefore: Date.parse(leaf.validFrom),
    notAfter: Date.parse(leaf.validTo),
    isForName: name !== undefined && isFor(leaf, name),
    isSelfSigned: leaf.checkIssued(leaf),
  };
}

/** What a chain is asked to vouch for. */
export interface TrustDemand {
  /** The name or address by which the server was called. */
  readonly name: string;
  readonly now: number;
}

/**
 * Whether somebody who trusts the certificates of `anchors`, and nothing else, trusts this chain, and by which of them: each
 * certificate up to it is signed by the next, those above the first are authorities, in force at `now`, and may speak for the name
 * (RFC 5280 section 6.1, name constraints included). The first one's own names and dates are `readChain`'s.
 */
export function leadsTo(
  chain: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
  demand: TrustDemand,
): X509Certificate | undefined {
  for (let current = chain[0], depth = 0; current !== undefined && depth < longestChain; depth++) {
    const below = current;
    const same = anchors.find((each) => each.raw.equals(below.raw));
    if (same !== undefined) return same;
    const anchor = anchors.find((each) => vouchesFor(each, below, demand));
    if (anchor !== undefined) return anchor;
    current = chain.find((each) => each !== below && vouchesFor(each, below, demand));
  }
  return undefined;
}

/** The last part of a distinguished name, mostly its common name: `dozo CA 1f2e3d4c`. */
export function shortName(certificate: X509Certificate): string {
  return lastPart(certificate.subject);
}

function vouchesFor(issuer: X509Certificate, certificate: X509Certificate, { name, now }: TrustDemand): boolean {
  const isInForce = Date.parse(issuer.validFrom) <= now && now < Date.parse(issuer.validTo);
  const isSigned = issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  return isInForce && isSigned && maySpeakFor(new ParsedCertificate(new Uint8Array(issuer.raw)), name);
}

/** Without constraints on names of this kind an authority may speak for all of them. */
function maySpeakFor(authority: ParsedCertificate, name: string): boolean {
  const subject = parseSubjectName(name);
  if (subject === undefined) return false;
  const constraints = constraintsOf(authority);
  return constraints[subject.kind].length === 0 || permits(constraints, subject);
}

/** The common name does not count: no client has looked at it for years. */
function isFor(leaf: X509Certificate, name: string): boolean {
  if (isIP(name) !== 0) return leaf.checkIP(name) !== undefined;
  return (leaf.subjectAltName ?? "").includes("DNS:") && leaf.checkHost(name, { subject: "never" }) !== undefined;
}

function lastPart(distinguishedName: string): string {
  const lines = distinguishedName.split("\n");
  const common = lines.find((line) => line.startsWith("CN="))?.slice(3);
  return common ?? lines.at(-1) ?? distinguishedName;
}
