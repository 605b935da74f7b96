import "reflect-metadata";
import { X509Certificate as NodeCertificate } from "node:crypto";

import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonName,
  Name,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509Certificate,
} from "@peculiar/x509";

import type { CertificateName, ClientCertificate } from "../core/client-certificate.ts";
import { asPem } from "./signing.ts";

/**
 * Reads the certificate that a client sent (DER), of which the listener knows that its chain is good. Throws for bytes that are
 * none.
 */
export function readClientCertificate(der: Uint8Array, ownAuthorityPem: string): ClientCertificate {
  const certificate = new X509Certificate(new Uint8Array(der));
  const checked = new NodeCertificate(der);
  const usages = certificate.getExtension(ExtendedKeyUsageExtension)?.usages ?? [];
  const isAuthority = certificate.getExtension(BasicConstraintsExtension)?.ca === true;
  return {
    serial: certificate.serialNumber.toLowerCase(),
    fingerprint: checked.fingerprint256.replaceAll(":", "").toLowerCase(),
    names: [...subjectNames(certificate.subjectName), ...alternativeNames(certificate)],
    notBefore: certificate.notBefore.getTime(),
    notAfter: certificate.notAfter.getTime(),
    isOwn: checked.verify(new NodeCertificate(ownAuthorityPem).publicKey),
    isForClients: usages.includes(ExtendedKeyUsage.clientAuth) && !isAuthority,
  };
}

/** The certificates of a PEM text, each by itself. Throws where there is none, or one that cannot be read. */
export function splitCertificates(pem: string): readonly string[] {
  const ders = PemConverter.decode(pem);
  if (ders.length === 0) throw new Error("there is no certificate in this text");
  return ders.map((der) => asPem(new X509Certificate(der)));
}

/** The whole name with its last part first, as RFC 4514 and `openssl x509 -nameopt RFC2253` write it, and the common names. */
function subjectNames(subject: Name): readonly CertificateName[] {
  const parts: JsonName = subject.toJSON();
  const value = parts
    .toReversed()
    .map((part) => new Name([part]).toString())
    .join(",");
  const common = parts.flatMap((part) => part["CN"] ?? []);
  return [{ kind: "subject", value }, ...common.map((name) => ({ kind: "cn", value: name }) as const)];
}

function alternativeNames(certificate: X509Certificate): readonly CertificateName[] {
  const names = certificate.getExtension(SubjectAlternativeNameExtension)?.names.items ?? [];
  return names.flatMap(({ type, value }): readonly CertificateName[] => {
    if (type === "dns" || type === "email") return [{ kind: type, value: value.toLowerCase() }];
    return type === "url" ? [{ kind: "uri", value }] : [];
  });
}
