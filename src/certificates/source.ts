import { isIP } from "node:net";

import { describeCertificate } from "../pki/certificate.ts";

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

/** A pair that can be served, with what stands in its certificate. Throws where there is none in the text. */
export function servedCertificate(certificatePem: string, keyPem: string): ServedCertificate {
  const { names, notAfter } = describeCertificate(certificatePem);
  return { serverNames: names.filter((name) => isIP(name) === 0), certificatePem, keyPem, notAfter };
}
