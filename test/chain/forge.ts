import "reflect-metadata";
import { createPrivateKey, createPublicKey } from "node:crypto";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PublicKey,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { type CertificateAuthority, createServerKey } from "../../src/pki/certificate-authority.ts";

// What somebody could make who has stolen the intermediate's key: certificates that dozo itself never signs.

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const dayMs = 24 * 3_600_000;

/** A chain as a server sends it, and the key of its first certificate, PEM. */
export interface Served {
  readonly cert: string;
  readonly key: string;
}

/** A name in a certificate. */
interface Name {
  readonly type: "dns" | "ip";
  readonly value: string;
}

/** What a forged certificate is for. */
export interface Forgery {
  readonly names: readonly Name[];
  readonly usage?: "server" | "client";
  readonly subject?: string;
}

/** A certificate that the authority's intermediate signed without asking anybody. */
export async function forge(authority: CertificateAuthority, forgery: Forgery): Promise<Served> {
  const key = await createServerKey();
  const issuer = new X509Certificate(authority.intermediatePem);
  const usage = forgery.usage === "client" ? ExtendedKeyUsage.clientAuth : ExtendedKeyUsage.serverAuth;
  const leaf = await X509CertificateGenerator.create({
    issuer: issuer.subject,
    subject: forgery.subject ?? "CN=forged",
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + 30 * dayMs),
    publicKey: publicKeyOf(key),
    signingKey: await importKey(authority.keyPem),
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([usage]),
      ...(forgery.names.length === 0 ? [] : [new SubjectAlternativeNameExtension([...forgery.names])]),
    ],
  });
  return { cert: `${leaf.toString("pem")}\n${authority.intermediatePem}`, key };
}

/** An authority that may sign everything: what shows that a refusal was about the constraints. */
export async function unconstrainedAuthority(): Promise<CertificateAuthority> {
  const keyPem = await createServerKey();
  const root = await X509CertificateGenerator.create({
    issuer: "CN=unconstrained",
    subject: "CN=unconstrained",
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + 30 * dayMs),
    publicKey: publicKeyOf(keyPem),
    signingKey: await importKey(keyPem),
    signingAlgorithm: algorithm,
    extensions: [new BasicConstraintsExtension(true, 1, true), new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true)],
  });
  const rootPem = `${root.toString("pem")}\n`;
  return { rootPem, intermediatePem: rootPem, keyPem };
}

function publicKeyOf(keyPem: string): PublicKey {
  const spki = createPublicKey(createPrivateKey(keyPem)).export({ type: "spki", format: "der" });
  return new PublicKey(new Uint8Array(spki));
}

async function importKey(keyPem: string): Promise<CryptoKey> {
  const der = createPrivateKey(keyPem).export({ type: "pkcs8", format: "der" });
  return crypto.subtle.importKey("pkcs8", new Uint8Array(der), algorithm, false, ["sign"]);
}
