import type { ClientCertificateStore, IssuedCertificate } from "../../core/client-certificate-store.ts";
import { RegistryError } from "../../core/error.ts";
import type { Change } from "../../core/metadata-store.ts";
import { compareBytes } from "./repository.ts";

/** The list of issued certificates in a map, for tests. */
export class MemoryClientCertificateStore implements ClientCertificateStore {
  readonly #bySerial = new Map<string, IssuedCertificate>();

  async findCertificate(fingerprint: string): Promise<IssuedCertificate | undefined> {
    return [...this.#bySerial.values()].find((each) => each.fingerprint === fingerprint);
  }

  async listCertificates(): Promise<readonly IssuedCertificate[]> {
    return [...this.#bySerial.values()].toSorted(
      (one, other) => one.issuedAt - other.issuedAt || compareBytes(one.serial, other.serial),
    );
  }

  async addCertificate(certificate: Omit<IssuedCertificate, "issuedAt" | "revokedAt">, change: Change): Promise<void> {
    const { serial, fingerprint } = certificate;
    if (this.#bySerial.has(serial) || (await this.findCertificate(fingerprint)) !== undefined)
      throw new RegistryError("CONFLICT", `there is a certificate ${serial} already`);
    this.#bySerial.set(serial, { ...certificate, issuedAt: change.at, revokedAt: undefined });
  }

  async revokeCertificates(serials: readonly string[], change: Change): Promise<number> {
    let count = 0;
    for (const serial of serials) {
      const certificate = this.#bySerial.get(serial);
      if (certificate === undefined || certificate.revokedAt !== undefined) continue;
      this.#bySerial.set(serial, { ...certificate, revokedAt: change.at });
      count++;
    }
    return count;
  }
}
