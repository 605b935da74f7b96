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

/** A name for the certificate among others of its kind, which file systems and rehashing tools do not trip over: `dozo-box-5000`. */
export function trustName(registry: string): string {
  return `dozo-${registry.replaceAll(/[^A-Za-z0-9.]+/g, "-").replaceAll(/^-|-$/g, "")}`;
}
