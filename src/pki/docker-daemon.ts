import "reflect-metadata";

import {
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

import { algorithm, asPem, authorityExtensions, exportKey, randomSerial, leafExtensions } from "./signing.ts";
import type { SubjectName } from "./subject-name.ts";

/** What a Docker daemon and its clients need for `--tlsverify`, each under the name of Docker's documentation. */
export interface DockerDaemonFiles {
  readonly "ca.pem": string;
  readonly "server-cert.pem": string;
  readonly "server-key.pem": string;
  readonly "cert.pem": string;
  readonly "key.pem": string;
}

/** Names and addresses of the daemon's machine; times are milliseconds since 1970. */
export interface DockerDaemonRequest {
  readonly names: readonly SubjectName[];
  readonly now: number;
  readonly endsAt: number;
}

const hourMs = 3_600_000;

/**
 * Makes an authority for one daemon, a certificate for it and one for its clients, and throws the authority's key away: who has
 * `key.pem` is root on the daemon's machine, and nothing can ever sign another.
 */
export async function makeDockerDaemonFiles(request: DockerDaemonRequest): Promise<DockerDaemonFiles> {
  const [first] = request.names;
  if (first === undefined) throw new Error("a Docker daemon needs a name");
  const keys = await crypto.subtle.generateKey(algorithm, false, ["sign", "verify"]);
  // An address is no common name of a host, but this one is for people only.
  const issuer = `CN=dozo CA of the Docker daemon ${first.value.slice(0, 30)}, O=dozo`;
  const sign = async (subject: string, publicKey: CryptoKey, extensions: Extension[]): Promise<X509Certificate> =>
    X509CertificateGenerator.create({
      serialNumber: randomSerial(),
      issuer,
      subject,
      notBefore: new Date(request.now - hourMs),
      notAfter: new Date(request.endsAt),
      publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      extensions,
    });
  const leaf = async (subject: string, more: readonly Extension[]): Promise<readonly [string, string]> => {
    const { publicKey, privateKey } = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const extensions = await leafExtensions(publicKey, keys.publicKey, more);
    return [asPem(await sign(subject, publicKey, extensions)), await exportKey(privateKey)];
  };
  const names = request.names.map(({ kind, value }) => ({ type: kind, value }));
  const ca = await sign(issuer, keys.publicKey, await authorityExtensions(keys.publicKey, keys.publicKey, 0, []));
  const [serverCertificate, serverKey] = await leaf("CN=Docker daemon, O=dozo", [
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension(names),
  ]);
  const [certificate, key] = await leaf("CN=Docker client, O=dozo", [
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
  ]);
  return {
    "ca.pem": asPem(ca),
    "server-cert.pem": serverCertificate,
    "server-key.pem": serverKey,
    "cert.pem": certificate,
    "key.pem": key,
  };
}
