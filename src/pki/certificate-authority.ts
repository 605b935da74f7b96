// reflect-metadata has to be loaded before @peculiar/x509; the program's first file loads it too, for the bundle.
import "reflect-metadata";
import { randomBytes } from "node:crypto";

import {
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

import {
  type AuthorityScope,
  constraintsExtension,
  constraintsOf,
  permits,
  permittedNames,
} from "./name-constraints.ts";
import {
  algorithm,
  asPem,
  authorityExtensions,
  exportKey,
  importKey,
  publicKeyOf,
  randomSerial,
  leafExtensions,
} from "./signing.ts";
import { parseSubjectName, type SubjectName } from "./subject-name.ts";

/**
 * A certificate authority in two tiers. Clients trust the root; its key signed the intermediate and was thrown away, so it can
 * never sign anything else. The intermediate signs the server's certificates. Both carry the same critical name constraints:
 * whether those in a root count is up to the client, those in an intermediate are obeyed by every one that keeps to RFC 5280.
 */
export interface CertificateAuthority {
  readonly rootPem: string;
  readonly intermediatePem: string;
  /** The intermediate's key, PKCS#8. */
  readonly keyPem: string;
}

/** Names that the authority may not certify: its constraints are fixed for its whole life. */
export class NamesNotPermittedError extends Error {
  readonly names: readonly string[];

  constructor(names: readonly string[], reason: string) {
    super(`no certificate can be made for ${names.join(", ")}: ${reason}`);
    this.name = "NamesNotPermittedError";
    this.names = names;
  }
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const authorityLifetimeMs = 3652 * dayMs;
const serverLifetimeMs = 90 * dayMs;
/** The longest that any client puts up with, and then some (Apple: 825 days). */
const longestServerLifetimeMs = 397 * dayMs;

/** Makes an authority whose certificates begin an hour before `now` (clocks differ) and last ten years. */
export async function createAuthority(scope: AuthorityScope, now: number): Promise<CertificateAuthority> {
  const rootKeys = await crypto.subtle.generateKey(algorithm, false, ["sign", "verify"]);
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const mark = randomBytes(4).toString("hex");
  const issuer = `CN=dozo root ${mark}, O=dozo`;
  const validity = { notBefore: new Date(now - hourMs), notAfter: new Date(now + authorityLifetimeMs) };
  const constraints = constraintsExtension(permittedNames(scope));
  const signing = { issuer, signingKey: rootKeys.privateKey, signingAlgorithm: algorithm, ...validity };

  const root = await X509CertificateGenerator.create({
    ...signing,
    serialNumber: randomSerial(),
    subject: issuer,
    publicKey: rootKeys.publicKey,
    extensions: await authorityExtensions(rootKeys.publicKey, rootKeys.publicKey, 1, [constraints]),
  });
  const serverOnly = new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]);
  const intermediate = await X509CertificateGenerator.create({
    ...signing,
    serialNumber: randomSerial(),
    subject: `CN=dozo CA ${mark}, O=dozo`,
    publicKey: keys.publicKey,
    extensions: await authorityExtensions(keys.publicKey, rootKeys.publicKey, 0, [serverOnly, constraints]),
  });

  return { rootPem: asPem(root), intermediatePem: asPem(intermediate), keyPem: await exportKey(keys.privateKey) };
}

/** A new private key for a server certificate, PKCS#8 PEM. It outlives the certificates that are made for it. */
export async function createServerKey(): Promise<string> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  return exportKey(keys.privateKey);
}

export interface ServerCertificateRequest {
  readonly names: readonly string[];
  readonly serverKeyPem: string;
  readonly now: number;
  /** Until when the one before it was good: where clocks have jumped, both times are covered, up to 397 days from `now`. */
  readonly atLeastUntil?: number;
}

/**
 * A certificate for 90 days, or more where `atLeastUntil` asks for it, not beyond the end of the authority; and behind it the intermediate: the chain as a server sends it.
 * Throws `NamesNotPermittedError` where a name is outside the constraints, or is none.
 */
export async function issueServerCertificate(
  authority: CertificateAuthority,
  request: ServerCertificateRequest,
): Promise<string> {
  const names = certifiableNames(authority, request.names);
  const issuer = new X509Certificate(authority.intermediatePem);
  const publicKey = publicKeyOf(request.serverKeyPem);
  const usualEnd = request.now + serverLifetimeMs;
  const wantedEnd = Math.min(request.atLeastUntil ?? 0, request.now - hourMs + longestServerLifetimeMs);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: randomSerial(),
    issuer: issuer.subject,
    // No host name: OpenSSL checks one here against the constraints, and nobody else looks at it (RFC 9525 section 2).
    subject: "CN=dozo registry",
    notBefore: new Date(request.now - hourMs),
    notAfter: new Date(Math.min(Math.max(usualEnd, wantedEnd), issuer.notAfter.getTime())),
    publicKey,
    signingKey: await importKey(authority.keyPem),
    signingAlgorithm: algorithm,
    extensions: await leafExtensions(publicKey, issuer.publicKey, [
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(names.map((name) => ({ type: name.kind, value: name.value }))),
    ]),
  });
  return asPem(certificate) + authority.intermediatePem;
}

/** Whether the authority may certify this DNS name or address. */
export function isPermitted(authority: CertificateAuthority, name: string): boolean {
  const parsed = parseSubjectName(name);
  return parsed !== undefined && permits(constraintsOf(new X509Certificate(authority.intermediatePem)), parsed);
}

/** Whether the three parts are of one authority: the root signed the intermediate, and the key is the intermediate's. */
export async function isConsistent(authority: CertificateAuthority): Promise<boolean> {
  try {
    const root = new X509Certificate(authority.rootPem);
    const intermediate = new X509Certificate(authority.intermediatePem);
    const isSigned = await intermediate.verify({ publicKey: root.publicKey, signatureOnly: true });
    return isSigned && intermediate.publicKey.equal(publicKeyOf(authority.keyPem));
  } catch {
    return false;
  }
}

function certifiableNames(authority: CertificateAuthority, names: readonly string[]): readonly SubjectName[] {
  const malformed = names.filter((name) => parseSubjectName(name) === undefined);
  if (malformed.length > 0) throw new NamesNotPermittedError(malformed, "that is no host name and no address");
  const outside = names.filter((name) => !isPermitted(authority, name));
  if (outside.length > 0)
    throw new NamesNotPermittedError(outside, "the certificate authority was made without permission for it");
  const parsed = names.map(parseSubjectName).filter((name) => name !== undefined);
  return [...new Map(parsed.map((name) => [name.value, name])).values()];
}
