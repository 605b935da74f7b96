import type { ClientCertificateStore, IssuedCertificate } from "../../core/client-certificate-store.ts";
import type { Change } from "../../core/metadata-store.ts";
import type { changes, reads } from "./operations.ts";
import type { DatabaseThread } from "./thread.ts";

/** The list of issued certificates over the two threads of the database. */
export class SqliteClientCertificateStore implements ClientCertificateStore {
  readonly #reader: DatabaseThread<typeof reads>;
  readonly #writer: DatabaseThread<typeof changes>;

  constructor(reader: DatabaseThread<typeof reads>, writer: DatabaseThread<typeof changes>) {
    this.#reader = reader;
    this.#writer = writer;
  }

  findCertificate(fingerprint: string): Promise<IssuedCertificate | undefined> {
    return this.#reader.call("findCertificate", fingerprint);
  }

  listCertificates(): Promise<readonly IssuedCertificate[]> {
    return this.#reader.call("listCertificates");
  }

  addCertificate(certificate: Omit<IssuedCertificate, "issuedAt" | "revokedAt">, change: Change): Promise<void> {
    return this.#writer.call("addCertificate", certificate, change);
  }

  revokeCertificates(serials: readonly string[], change: Change): Promise<number> {
    return this.#writer.call("revokeCertificates", serials, change);
  }
}
