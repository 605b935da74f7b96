/** What the registry and the thread that speaks ACME (RFC 8555) say to each other. */

/** How a certificate authority lets somebody prove that a name is theirs. */
export type ChallengeType = "http-01" | "dns-01";

/** What has to be put up for one name (RFC 8555 section 8). */
export interface Challenge {
  readonly type: ChallengeType;
  /** Without the wildcard's `*.`. */
  readonly name: string;
  readonly token: string;
  /** The file's content for `http-01`, the TXT record's for `dns-01`. */
  readonly value: string;
}

/** One certificate that is wanted. */
export interface OrderRequest {
  readonly directory: string;
  /** Whom to trust as the directory; the usual authorities where it is undefined. */
  readonly directoryCaPem: string | undefined;
  readonly accountKeyPem: string;
  readonly email: string | undefined;
  readonly names: readonly string[];
  readonly certificateKeyPem: string;
  readonly challengeType: ChallengeType;
}

/** Where an order stopped, and why. */
export interface OrderFailure {
  readonly step: "directory" | "account" | "order" | "challenge" | "certificate";
  /** The name that was being proved. */
  readonly name: string | undefined;
  readonly message: string;
  /** The last part of the error's URN where the authority named one (RFC 8555 section 6.7): `rateLimited`. */
  readonly problem: string | undefined;
  readonly retryAfterSeconds: number | undefined;
}

export type ToOrderThread =
  | { readonly kind: "order"; readonly request: OrderRequest }
  | { readonly kind: "answered"; readonly fault: string | undefined };

export type FromOrderThread =
  | { readonly kind: "putUp" | "takeDown"; readonly challenge: Challenge }
  | { readonly kind: "done"; readonly certificatePem: string }
  | { readonly kind: "failed"; readonly failure: OrderFailure };
