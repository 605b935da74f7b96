/**
 * What lives in this folder: where the certificates come from that are served. A source keeps its certificates up to date by
 * itself and never gives up a good one for a worse one.
 */
export interface CertificateSource {
  /** The material to serve now, the default first. */
  current(): readonly ServedCertificate[];
  /** Calls back each time that `current` has changed; answers how to stop that. */
  watch(onChange: () => void): () => void;
  /** Settles when nothing of it runs any more. */
  stop(): Promise<void>;
}

/** A certificate with its chain and its key, PEM, ready to be served. */
export interface ServedCertificate {
  /** The DNS names that it is for, as they stand in it, wildcards among them. */
  readonly serverNames: readonly string[];
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly notAfter: number;
}
