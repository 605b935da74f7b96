/** The server's certificate of dozo's own authority, as the operator sees it. Times in milliseconds since 1970. */
export interface CertificateSummary {
  /** DNS names and addresses. */
  readonly names: readonly string[];
  /** Those of them that an operator added since the authority was made. */
  readonly addedNames: readonly string[];
  /** SHA-256, as `openssl x509 -fingerprint -sha256` prints it. */
  readonly fingerprint: string;
  /** SHA-256 of the public key in base64, as `curl --pinnedpubkey sha256//…` takes it; stays the same when it is renewed. */
  readonly keyPin: string;
  readonly notBefore: number;
  readonly notAfter: number;
  /** When it renews itself, where a server runs. */
  readonly renewsAt: number;
}

/**
 * What an operator does with the certificates on the machine itself. The same whether a server runs or not; what a running
 * server serves has changed when a call answers. All throw `AdministrationError`, with the command that mends it.
 */
export interface CertificateAdministration {
  show(): Promise<CertificateSummary>;
  /** Makes another certificate now, of the same key and for the same names. */
  renew(): Promise<CertificateSummary>;
  /** Makes one that is for this name too, as all later ones are. One that is there already changes nothing. */
  addName(name: string): Promise<CertificateSummary>;
}
