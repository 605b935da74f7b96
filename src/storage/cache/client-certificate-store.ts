import type { ClientCertificateStore, IssuedCertificate } from "../../core/client-certificate-store.ts";
import type { Change } from "../../core/metadata-store.ts";
import { Flights } from "./flights.ts";

/**
 * Puts a memory before a list of issued certificates, all of which are held: each request of a client with a certificate asks
 * for one. Every change has to go through what is answered here.
 */
export function cacheClientCertificates(store: ClientCertificateStore): ClientCertificateStore {
  return new CachedClientCertificateStore(store);
}

// All certificates are one answer.
const all = "certificates";

class CachedClientCertificateStore implements ClientCertificateStore {
  readonly #store: ClientCertificateStore;
  readonly #flights = new Flights();
  /** By fingerprint, in the order of the list. */
  #held: ReadonlyMap<string, IssuedCertificate> | undefined;

  constructor(store: ClientCertificateStore) {
    this.#store = store;
  }

  async findCertificate(fingerprint: string): Promise<IssuedCertificate | undefined> {
    return (this.#held ?? (await this.#readAll())).get(fingerprint);
  }

  async listCertificates(): Promise<readonly IssuedCertificate[]> {
    return [...(this.#held ?? (await this.#readAll())).values()];
  }

  addCertificate(certificate: Omit<IssuedCertificate, "issuedAt" | "revokedAt">, change: Change): Promise<void> {
    return this.#change(() => this.#store.addCertificate(certificate, change));
  }

  revokeCertificates(serials: readonly string[], change: Change): Promise<number> {
    return this.#change(() => this.#store.revokeCertificates(serials, change));
  }

  #readAll(): Promise<ReadonlyMap<string, IssuedCertificate>> {
    const read = async (): Promise<ReadonlyMap<string, IssuedCertificate>> =>
      new Map((await this.#store.listCertificates()).map((each) => [each.fingerprint, each]));
    return this.#flights.read(all, all, read, (held) => {
      this.#held = held;
    });
  }

  #change<Answer>(change: () => Promise<Answer>): Promise<Answer> {
    const forget = (): void => {
      this.#held = undefined;
    };
    return this.#flights.change([all], forget, change);
  }
}
