import { AdministrationError } from "../core/administration.ts";
import type {
  AuthorityRotation,
  CertificateAdministration,
  CertificateSummary,
  RotationClient,
  RotationRequest,
} from "../core/certificate-administration.ts";
import type { Clock } from "../core/clock.ts";
import { NamesNotPermittedError } from "../pki/certificate-authority.ts";
import { describeCertificate, readDescription, renewalAt } from "../pki/certificate.ts";
import { addNames, readAddedNames, renewServerCertificate } from "../pki/open.ts";
import { PkiError } from "../pki/pki-error.ts";
import type { PkiFiles } from "../pki/pki-files.ts";
import {
  announceAuthority,
  announcementMs,
  cancelRotation,
  nothingAnnounced,
  readRotation,
  switchAuthority,
} from "../pki/rotation.ts";
import { KeyReadableByOthersError } from "../process/pki-folder.ts";

export interface CertificateMaintenanceOptions {
  readonly files: PkiFiles;
  readonly clock: Clock;
  /** Runs what changes the files. In a running server nothing else works on them meanwhile, and it serves what they have then. */
  readonly change: (work: () => Promise<void>) => Promise<void>;
  /** Who was seen since a new root is announced. */
  readonly clients: () => Promise<readonly RotationClient[]>;
}

/** More addresses than that would not fit on a screen; `dozo ca show --json` has all. */
const mostNamed = 20;

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
    const certificate = readDescription(pem);
    if (certificate === undefined)
      throw new AdministrationError(
        "certificate-unusable",
        `server.crt in ${files.location} is damaged. Have another made with: dozo up`,
      );
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

  async rotation(): Promise<AuthorityRotation | undefined> {
    const { files, clients } = this.#options;
    const announced = await readRotation(files);
    if (announced === undefined) return undefined;
    const { rootPem, announcedAt } = announced;
    const { fingerprint } = describeCertificate(rootPem);
    const seen = await clients();
    const since = { announcedAt, finishableAt: announcedAt + announcementMs };
    return { fingerprint, ...since, clients: seen.map((client) => seenSince(announcedAt, client)) };
  }

  async announceAuthority({ names, suffixes }: RotationRequest): Promise<AuthorityRotation> {
    const { files, clock } = this.#options;
    await this.#changeFiles(() => announceAuthority({ files, clock, names, suffixes }));
    return this.#announced();
  }

  async cancelRotation(): Promise<void> {
    await this.#announced();
    await this.#changeFiles(() => this.#endRotation(() => cancelRotation(this.#options.files)));
  }

  async finishRotation(isForced: boolean): Promise<CertificateSummary> {
    const { files, clock } = this.#options;
    if (!isForced) assertReady(await this.#announced(), clock.now());
    await this.#changeFiles(async () => {
      const { names = [] } = (await readRotation(files)) ?? {};
      await addNames(files, names);
      await this.#endRotation(() => switchAuthority(files));
      await renewServerCertificate({ files, clock, moreNames: [] });
    });
    return this.show();
  }

  async #endRotation(end: () => Promise<void>): Promise<void> {
    await end();
    await this.#options.files.remove("rotation-clients");
  }

  async #announced(): Promise<AuthorityRotation> {
    const rotation = await this.rotation();
    if (rotation === undefined) throw refusal(nothingAnnounced());
    return rotation;
  }

  async #change(moreNames: readonly string[]): Promise<CertificateSummary> {
    const { files, clock } = this.#options;
    await this.#changeFiles(() => renewServerCertificate({ files, clock, moreNames }));
    return this.show();
  }

  async #changeFiles(work: () => Promise<void>): Promise<void> {
    try {
      await this.#options.change(work);
    } catch (error) {
      throw refusal(error);
    }
  }
}

/** What an earlier rotation left behind does not count. */
function seenSince(announcedAt: number, { usedAt = 0, fetchedAt = 0, ...client }: RotationClient): RotationClient {
  const counted = (at: number): number | undefined => (at >= announcedAt ? at : undefined);
  return { ...client, usedAt: counted(usedAt), fetchedAt: counted(fetchedAt) };
}

function assertReady({ finishableAt, clients }: AuthorityRotation, now: number): void {
  const unready = clients.filter(({ usedAt, fetchedAt }) => usedAt !== undefined && fetchedAt === undefined);
  if (unready.length > 0) {
    const shown = unready.slice(0, mostNamed).map(({ address, users }) => `${address} (${users.join(", ")})`);
    const more = unready.length > mostNamed ? ` and ${unready.length - mostNamed} more` : "";
    const who = `${shown.join(", ")}${more}`;
    const reason = `the new root was not yet fetched from ${who}; these would refuse the new certificate`;
    throw new AdministrationError("clients-unready", reason);
  }
  if (now >= finishableAt) return;
  const day = new Date(finishableAt).toISOString().slice(0, 10);
  const reason = `the announcement lasts until ${day}: clients that come seldom were not seen yet`;
  throw new AdministrationError("clients-unready", reason);
}

/** What the operator is meant to read; anything else is a fault of the program. */
function refusal(error: unknown): unknown {
  if (error instanceof NamesNotPermittedError) return new AdministrationError("name-not-permitted", error.message);
  const isForTheOperator = error instanceof PkiError || error instanceof KeyReadableByOthersError;
  return isForTheOperator ? new AdministrationError("certificate-unusable", error.message) : error;
}
