import "reflect-metadata";
import { createPrivateKey, createPublicKey, randomBytes } from "node:crypto";

import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PublicKey,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
} from "@peculiar/x509";

/** Every key of dozo's authorities, and the way they sign. */
export const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** What every certificate of an authority has; `pathLength` is how many authorities may stand below it. */
export async function authorityExtensions(
  subjectKey: CryptoKey,
  issuerKey: CryptoKey,
  pathLength: number,
  more: readonly Extension[],
): Promise<Extension[]> {
  return [
    new BasicConstraintsExtension(true, pathLength, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    ...more,
    await SubjectKeyIdentifierExtension.create(subjectKey),
    await AuthorityKeyIdentifierExtension.create(issuerKey),
  ];
}

/** What every certificate that certifies nobody else has; `more` is what it may be used for, and for which names. */
export async function leafExtensions(
  subjectKey: CryptoKey | PublicKey,
  issuerKey: CryptoKey | PublicKey,
  more: readonly Extension[],
): Promise<Extension[]> {
  return [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    ...more,
    await SubjectKeyIdentifierExtension.create(subjectKey),
    await AuthorityKeyIdentifierExtension.create(issuerKey),
  ];
}

/** 128 bits, positive, and of the same length each time (RFC 5280 section 4.1.2.2). */
export function randomSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes.readUInt8(0) & 0x3f) | 0x40;
  return bytes.toString("hex");
}

/** The public half of a private key in PEM. */
export function publicKeyOf(keyPem: string): PublicKey {
  const spki = createPublicKey(createPrivateKey(keyPem)).export({ type: "spki", format: "der" });
  return new PublicKey(new Uint8Array(spki));
}

/** A private key in PEM (PKCS#8), for signing. */
export async function importKey(pem: string): Promise<CryptoKey> {
  const der = createPrivateKey(pem).export({ type: "pkcs8", format: "der" });
  return crypto.subtle.importKey("pkcs8", new Uint8Array(der), algorithm, false, ["sign"]);
}

/** PKCS#8 PEM. */
export async function exportKey(key: CryptoKey): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey("pkcs8", key)).toString("base64");
  return `-----BEGIN PRIVATE KEY-----\n${der.replace(/(.{64})(?=.)/g, "$1\n")}\n-----END PRIVATE KEY-----\n`;
}

/** PEM with one line break at its end, so that certificates can be put one behind the other. */
export function asPem(certificate: X509Certificate): string {
  return `${certificate.toString("pem").trimEnd()}\n`;
}

/** SubjectPublicKeyInfo in PEM, of a private key in PEM. */
export function publicKeyPemOf(keyPem: string): string {
  return createPublicKey(createPrivateKey(keyPem)).export({ type: "spki", format: "pem" });
}
