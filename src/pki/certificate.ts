import "reflect-metadata";
import { createHash, createPrivateKey, createPublicKey } from "node:crypto";

import { PemConverter, SubjectAlternativeNameExtension, X509Certificate } from "@peculiar/x509";

import { parseSubjectName } from "./subject-name.ts";

export interface CertificateDescription {
  readonly subject: string;
  /** DNS names and addresses. */
  readonly names: readonly string[];
  readonly notBefore: number;
  readonly notAfter: number;
  /** As `openssl x509 -fingerprint -sha256` prints it: pairs of upper-case hexadecimal digits with colons. */
  readonly fingerprint: string;
  /** SHA-256 of the SubjectPublicKeyInfo in base64, as `curl --pinnedpubkey sha256//…` takes it. */
  readonly keyPin: string;
}

/** Describes the first certificate of a PEM text. */
export function describeCertificate(pem: string): CertificateDescription {
  const certificate = firstCertificate(pem);
  const names = certificate.getExtension(SubjectAlternativeNameExtension)?.names.items ?? [];
  return {
    subject: certificate.subject,
    names: names.map((name) => name.value),
    notBefore: certificate.notBefore.getTime(),
    notAfter: certificate.notAfter.getTime(),
    fingerprint: fingerprint(pem),
    keyPin: createHash("sha256").update(new Uint8Array(certificate.publicKey.rawData)).digest("base64"),
  };
}

/** The same as `sha256sum` prints it of the certificate's bytes: digits alone, in lower case. */
export function plainFingerprint(fingerprintWithColons: string): string {
  return fingerprintWithColons.replaceAll(":", "").toLowerCase();
}

function fingerprint(pem: string): string {
  const hex = createHash("sha256")
    .update(new Uint8Array(firstCertificate(pem).rawData))
    .digest("hex");
  return (hex.toUpperCase().match(/../g) ?? []).join(":");
}

/** The same, and `undefined` for a text that has none that can be read. */
export function readDescription(pem: string): CertificateDescription | undefined {
  try {
    return describeCertificate(pem);
  } catch {
    return undefined;
  }
}

/** Whether the text is a private key that can be used. */
export function isPrivateKey(pem: string): boolean {
  try {
    createPrivateKey(pem);
    return true;
  } catch {
    return false;
  }
}

/** Whether the first certificate of `chainPem` is of this key and was signed by this issuer. */
export async function isIssuedFor(chainPem: string, keyPem: string, issuerPem: string): Promise<boolean> {
  try {
    const certificate = firstCertificate(chainPem);
    const spki = createPublicKey(createPrivateKey(keyPem)).export({ type: "spki", format: "der" });
    const isOfKey = Buffer.from(certificate.publicKey.rawData).equals(spki);
    const publicKey = new X509Certificate(issuerPem).publicKey;
    return isOfKey && (await certificate.verify({ publicKey, signatureOnly: true }));
  } catch {
    return false;
  }
}

/**
 * Whether it is time for another one: two thirds of its life are over (60 of 90 days), it has not begun (the clock was wrong when
 * it was made), or it is not for all of these names.
 */
export function needsRenewal(
  certificate: Pick<CertificateDescription, "names" | "notBefore" | "notAfter">,
  names: readonly string[],
  now: number,
): boolean {
  if (now < certificate.notBefore || now >= renewalAt(certificate)) return true;
  return missingNames(certificate.names, names).length > 0;
}

/** Those of `wanted` that are not among `present`, however they are spelt. */
export function missingNames(present: readonly string[], wanted: readonly string[]): readonly string[] {
  const known = new Set(present.map((name) => parseSubjectName(name)?.value ?? name));
  return wanted.filter((name) => !known.has(parseSubjectName(name)?.value ?? name));
}

/** When two thirds of its life are over. */
export function renewalAt({ notBefore, notAfter }: Pick<CertificateDescription, "notBefore" | "notAfter">): number {
  return notAfter - (notAfter - notBefore) / 3;
}

function firstCertificate(pem: string): X509Certificate {
  const der = PemConverter.decode(pem)[0];
  if (der === undefined) throw new Error("there is no certificate in this text");
  return new X509Certificate(der);
}
