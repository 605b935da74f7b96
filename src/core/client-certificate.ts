/** A part of a certificate that says whose it is; `subject` is the whole name in RFC 4514 form, `cn` its common name. */
export interface CertificateName {
  readonly kind: "subject" | "cn" | "dns" | "email" | "uri";
  readonly value: string;
}

/**
 * The certificate with which the other end of a connection proved who it is: it has the key, and one of the authorities
 * signed that the listener was given. Whether it stands for anybody is decided by `auth`.
 */
export interface ClientCertificate {
  /** 32 hexadecimal digits in lower case where it is dozo's own. */
  readonly serial: string;
  /** SHA-256 of the certificate's bytes, hexadecimal digits in lower case. */
  readonly fingerprint: string;
  readonly names: readonly CertificateName[];
  readonly notBefore: number;
  readonly notAfter: number;
  /** Signed by dozo's client authority: it is worth what the list of issued certificates says, and nothing else. */
  readonly isOwn: boolean;
  /** Its extended key usage names clientAuth (RFC 5280 section 4.2.1.12), and it is no authority's. */
  readonly isForClients: boolean;
}
