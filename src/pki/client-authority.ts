import "reflect-metadata";
import { createHash, createPublicKey, randomBytes } from "node:crypto";

import {
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  PublicKey,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

import type { Clock } from "../core/clock.ts";
import { PkiError } from "./pki-error.ts";
import type { PkiFiles } from "./pki-files.ts";
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

/**
 * The authority for client certificates. It has nothing to do with the one for servers: no client trusts it, only dozo's own
 * listeners do, and neither can sign what the other is for.
 */
export interface ClientAuthority {
  readonly certificatePem: string;
  /** PKCS#8. */
  readonly keyPem: string;
}

/** A certificate of the client authority. */
export interface SignedClientCertificate {
  /** 32 hexadecimal digits in lower case. */
  readonly serial: string;
  /** SHA-256 of its bytes, hexadecimal digits in lower case. */
  readonly fingerprint: string;
  readonly certificatePem: string;
}

/** `publicKeyPem` is a SubjectPublicKeyInfo; times are milliseconds since 1970. */
export interface ClientCertificateRequest {
  readonly userName: string;
  readonly publicKeyPem: string;
  readonly now: number;
  readonly endsAt: number;
}

const hourMs = 3_600_000;
const lifetimeMs = 3652 * 24 * hourMs;

/**
 * Opens the authority, or makes it where there is none: it lasts ten years. The key is written last, so one that was killed in
 * between was never used and is made anew. Throws `PkiError` for files that do not belong together, and at its end.
 */
export async function openClientAuthority(files: PkiFiles, clock: Clock): Promise<ClientAuthority> {
  const keyPem = await files.read("client-ca.key");
  if (keyPem === undefined) return makeAuthority(files, clock.now());
  const certificatePem = await files.read("client-ca.crt");
  const remedy = "put back those of a backup, or remove both: all client certificates then have to be issued again";
  if (certificatePem === undefined || !isOfKey(certificatePem, keyPem))
    throw new PkiError(`client-ca.crt and client-ca.key in ${files.location} do not belong together: ${remedy}`);
  if (clock.now() >= new X509Certificate(certificatePem).notAfter.getTime())
    throw new PkiError(
      `the authority for client certificates in ${files.location} has ended: remove client-ca.key there`,
    );
  return { certificatePem, keyPem };
}

/** Signs a certificate with which a client shows that it is this user (EKU clientAuth); not beyond the end of the authority. */
export async function issueClientCertificate(
  authority: ClientAuthority,
  { userName, publicKeyPem, now, endsAt }: ClientCertificateRequest,
): Promise<SignedClientCertificate> {
  const issuer = new X509Certificate(authority.certificatePem);
  const spki = createPublicKey(publicKeyPem).export({ type: "spki", format: "der" });
  const publicKey = new PublicKey(new Uint8Array(spki));
  const serial = randomSerial();
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial,
    issuer: issuer.subject,
    subject: [{ O: ["dozo"] }, { CN: [userName] }],
    notBefore: new Date(now - hourMs),
    notAfter: new Date(Math.min(endsAt, issuer.notAfter.getTime())),
    publicKey,
    signingKey: await importKey(authority.keyPem),
    signingAlgorithm: algorithm,
    extensions: await leafExtensions(publicKey, issuer.publicKey, [
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
    ]),
  });
  const fingerprint = createHash("sha256").update(new Uint8Array(certificate.rawData)).digest("hex");
  return { serial, fingerprint, certificatePem: asPem(certificate) };
}

async function makeAuthority(files: PkiFiles, now: number): Promise<ClientAuthority> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const subject = `CN=dozo client CA ${randomBytes(4).toString("hex")}, O=dozo`;
  const clientOnly = new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: randomSerial(),
    issuer: subject,
    subject,
    notBefore: new Date(now - hourMs),
    notAfter: new Date(now + lifetimeMs),
    publicKey: keys.publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: algorithm,
    extensions: await authorityExtensions(keys.publicKey, keys.publicKey, 0, [clientOnly]),
  });
  const authority = { certificatePem: asPem(certificate), keyPem: await exportKey(keys.privateKey) };
  await files.write("client-ca.crt", authority.certificatePem);
  await files.write("client-ca.key", authority.keyPem);
  return authority;
}

function isOfKey(certificatePem: string, keyPem: string): boolean {
  try {
    return new X509Certificate(certificatePem).publicKey.equal(publicKeyOf(keyPem));
  } catch {
    return false;
  }
}
