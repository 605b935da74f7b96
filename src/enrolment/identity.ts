import { createHash, X509Certificate } from "node:crypto";

/** What a client has to know of a registry. Made from settings and files only, never from a request. */
export interface RegistryIdentity {
  /** `HOST` or `HOST:PORT`, as clients write it before the repository. */
  readonly registry: string;
  /** Every spelling that clients keep a folder for: the registry's, and on port 443 `HOST:443` too. */
  readonly spellings: readonly string[];
  /** What clients have to trust, and nothing else. Undefined: they trust it already, enrolment only logs in. */
  readonly caPem: string | undefined;
  /**
   * Base64 of the SHA-256 of the server key's SubjectPublicKeyInfo, as `curl --pinnedpubkey` takes it (RFC 7469 section 2.4).
   * It stays when the certificate is renewed. Undefined where somebody else holds the key (a proxy).
   */
  readonly keyPin: string | undefined;
}

/** Where an identity comes from. */
export interface IdentityFacts {
  readonly registry: string;
  /** PEM, one or several certificates, of dozo's own authority; undefined where clients trust the server's certificate without it. */
  readonly caPem: string | undefined;
  /** PEM of what the server shows, its own certificate first; undefined where a proxy shows its own. */
  readonly certificatePem: string | undefined;
}

const name = "[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})";
const address = String.raw`\[[0-9A-Fa-f:.]{2,45}\]`;
// Nothing in it means anything to a shell, to curl, to TOML, YAML or HTML, or to a path.
const registryForm = new RegExp(`^(${name}|${address})(?::([0-9]{1,5}))?$`);

/**
 * Throws for a registry that is no host and port: what stands in scripts and lines is made of it. Of `caPem` only the
 * certificates themselves are kept, whatever stood around them.
 */
export function registryIdentity({ registry, caPem, certificatePem }: IdentityFacts): RegistryIdentity {
  const [, host = "", port] = registryForm.exec(registry) ?? [];
  if (host === "" || registry.includes("..")) throw new Error(`${registry} is not HOST or HOST:PORT`);
  const isUsualPort = port === undefined || port === "443";
  return {
    registry,
    spellings: isUsualPort ? [host, `${host}:443`] : [registry],
    caPem: caPem === undefined ? undefined : onlyCertificates(caPem),
    keyPin: certificatePem === undefined ? undefined : keyPinOf(certificatePem),
  };
}

/** A name for the certificate among others of its kind, which file systems and rehashing tools do not trip over: `dozo-box-5000`. */
export function trustName(registry: string): string {
  return `dozo-${registry.replaceAll(/[^A-Za-z0-9.]+/g, "-").replaceAll(/^-|-$/g, "")}`;
}

function keyPinOf(certificatePem: string): string {
  const spki = new X509Certificate(certificatePem).publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(new Uint8Array(spki)).digest("base64");
}

function onlyCertificates(pem: string): string {
  const found = pem.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? [];
  if (found.length === 0) throw new Error("there is no certificate in this text");
  // Read and written anew: what a parser takes for a certificate is what clients get.
  return found.map((each) => `${new X509Certificate(each).toString().trim()}\n`).join("");
}
