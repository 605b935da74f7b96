import {
  type CertificateAuthority,
  createAuthority,
  createServerKey,
  issueServerCertificate,
} from "../../src/pki/certificate-authority.ts";

/** A certificate with its chain up to the root, and its key, PEM. */
export interface Pair {
  readonly certificatePem: string;
  readonly keyPem: string;
}

const dayMs = 24 * 3_600_000;

/** Somebody else's authority, for names under example.com, and how it makes pairs. */
export class OtherAuthority {
  readonly #authority: CertificateAuthority;

  private constructor(authority: CertificateAuthority) {
    this.#authority = authority;
  }

  static async make(): Promise<OtherAuthority> {
    const scope = { hostNames: ["registry.example.com"], suffixes: ["example.com"], publicAddresses: [] };
    return new OtherAuthority(await createAuthority(scope, Date.now() - 400 * dayMs));
  }

  get rootPem(): string {
    return this.#authority.rootPem;
  }

  /** With a key of its own each time; `ageDays` above 90 makes one that has ended. */
  async makePair(names: readonly string[], ageDays = 0): Promise<Pair> {
    const keyPem = await createServerKey();
    const request = { names, serverKeyPem: keyPem, now: Date.now() - ageDays * dayMs };
    return { certificatePem: (await issueServerCertificate(this.#authority, request)) + this.rootPem, keyPem };
  }
}
