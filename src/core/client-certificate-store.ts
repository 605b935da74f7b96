import type { Change } from "./metadata-store.ts";
import type { PrincipalId } from "./principal.ts";

/** A certificate that dozo's client authority signed for a user. It stays when it has ended, and when its user is removed. */
export interface IssuedCertificate {
  /** 32 hexadecimal digits in lower case. */
  readonly serial: string;
  /** SHA-256 of the certificate's bytes, hexadecimal digits in lower case. */
  readonly fingerprint: string;
  readonly userId: PrincipalId;
  /** The user's name when it was issued. */
  readonly userName: string;
  readonly issuedAt: number;
  readonly endsAt: number;
  readonly revokedAt: number | undefined;
}

/** The list of what was issued: a certificate that is not in it stands for nobody. Reading answers the state after every acknowledged change. */
export interface ClientCertificateStore {
  findCertificate(fingerprint: string): Promise<IssuedCertificate | undefined>;
  /** By the time of issue, then by serial. */
  listCertificates(): Promise<readonly IssuedCertificate[]>;
  /** Throws `CONFLICT` when there is one with this serial or fingerprint. */
  addCertificate(certificate: Omit<IssuedCertificate, "issuedAt" | "revokedAt">, change: Change): Promise<void>;
  /** Answers how many of these serials were revoked by it: not those that nobody has, nor those that were revoked before. */
  revokeCertificates(serials: readonly string[], change: Change): Promise<number>;
}
