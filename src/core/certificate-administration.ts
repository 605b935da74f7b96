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

/** A machine, or several behind one address, that was seen since a new root is announced. Times in milliseconds since 1970. */
export interface RotationClient {
  readonly address: string;
  /** Who logged in from there. */
  readonly users: readonly string[];
  /** When somebody who is logged in used the registry from there last. */
  readonly usedAt: number | undefined;
  /** When `/ca.crt` or the enrolment script, which have the new root, were fetched from there last. Not whether it was installed. */
  readonly fetchedAt: number | undefined;
}

/** A new authority beside the one that signs. */
export interface AuthorityRotation {
  /** Of the new root, SHA-256 as openssl prints it. */
  readonly fingerprint: string;
  readonly announcedAt: number;
  /** From then on it may be served without force. */
  readonly finishableAt: number;
  /** Who was seen last first. */
  readonly clients: readonly RotationClient[];
}

/** What a new authority may certify beyond what the old one may. */
export interface RotationRequest {
  readonly names: readonly string[];
  readonly suffixes: readonly string[];
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
  /** Undefined where no new authority is announced. */
  rotation(): Promise<AuthorityRotation | undefined>;
  /** Announces a new authority: clients that fetch what they have to trust get its root, too. */
  announceAuthority(request: RotationRequest): Promise<AuthorityRotation>;
  /** Takes the announcement back. */
  cancelRotation(): Promise<void>;
  /**
   * Serves a certificate of the new authority from now on, and announces its root alone. Unless forced, refuses before its time,
   * and while an address that uses the registry has not fetched the new root; the refusal names those.
   */
  finishRotation(isForced: boolean): Promise<CertificateSummary>;
}
