import { AdministrationError } from "../core/administration.ts";
import type { CertificateAdministration, CertificateSummary } from "../core/certificate-administration.ts";
import type { Clock } from "../core/clock.ts";
import { NamesNotPermittedError } from "../pki/certificate-authority.ts";
import { describeCertificate, renewalAt } from "../pki/certificate.ts";
import { PkiError, readAddedNames, renewServerCertificate } from "../pki/open.ts";
import type { PkiFiles } from "../pki/pki-files.ts";
import { KeyReadableByOthersError } from "../process/pki-folder.ts";

export interface CertificateMaintenanceOptions {
  readonly files: PkiFiles;
  readonly clock: Clock;
  /** Runs what changes the files. In a running server nothing else works on them meanwhile, and it serves what they have then. */
  readonly change: (work: () => Promise<void>) => Promise<void>;
}

/** The operator's use cases on the files of dozo's own authority. Only one process at a time may have one of a folder. */
export class CertificateMaintenance implements CertificateAdministration {
  readonly #options: CertificateMaintenanceOptions;

  constructor(options: CertificateMaintenanceOptions) {
    this.#options = options;
  }

  async show(): Promise<CertificateSummary> {
    const { files } = this.#options;
    const pem = await files.read("server.crt");
    if (pem === undefined)
      throw new AdministrationError(
        "certificate-unusable",
        `there is no server certificate in ${files.location} yet. Make one with: dozo up`,
      );
    const certificate = describeCertificate(pem);
    const added = await readAddedNames(files);
    const { names, fingerprint, keyPin, notBefore, notAfter } = certificate;
    const addedNames = added.filter((name) => names.includes(name));
    return { names, addedNames, fingerprint, keyPin, notBefore, notAfter, renewsAt: renewalAt(certificate) };
  }

  renew(): Promise<CertificateSummary> {
    return this.#change([]);
  }

  addName(name: string): Promise<CertificateSummary> {
    return this.#change([name]);
  }

  async #change(moreNames: readonly string[]): Promise<CertificateSummary> {
    const { files, clock, change } = this.#options;
    try {
      await change(() => renewServerCertificate({ files, clock, moreNames }));
    } catch (error) {
      throw refusal(error);
    }
    return this.show();
  }
}

/** What the operator is meant to read; anything else is a fault of the program. */
function refusal(error: unknown): unknown {
  if (error instanceof NamesNotPermittedError) return new AdministrationError("name-not-permitted", error.message);
  const isForTheOperator = error instanceof PkiError || error instanceof KeyReadableByOthersError;
  return isForTheOperator ? new AdministrationError("certificate-unusable", error.message) : error;
}
