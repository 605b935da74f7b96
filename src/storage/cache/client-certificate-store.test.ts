import { describe, expect, test } from "bun:test";
import { describeClientCertificateStore, issued } from "../../core/client-certificate-store.contract.ts";
import type { IssuedCertificate } from "../../core/client-certificate-store.ts";
import { MemoryClientCertificateStore } from "../memory/client-certificate-store.ts";
import { cacheClientCertificates } from "./client-certificate-store.ts";

/** A store that counts its reads, and keeps its answers back until it is told. */
class HeldStore extends MemoryClientCertificateStore {
  reads = 0;
  gate: Promise<void> = Promise.resolve();

  override async listCertificates(): Promise<readonly IssuedCertificate[]> {
    this.reads += 1;
    const certificates = await super.listCertificates();
    await this.gate;
    return certificates;
  }
}

const change = { by: issued("a").userId, at: 1 };

describe("cacheClientCertificates", () => {
  describeClientCertificateStore(async () => cacheClientCertificates(new MemoryClientCertificateStore()));

  test("certificates are read once, also for fingerprints that none has", async () => {
    const store = new HeldStore();
    const cache = cacheClientCertificates(store);
    await cache.addCertificate(issued("a"), change);

    for (const digit of ["a", "b", "a"]) await cache.findCertificate(issued(digit).fingerprint);
    await cache.listCertificates();

    expect(store.reads).toBe(1);
  });

  test("a revocation while certificates are read is not forgotten", async () => {
    const store = new HeldStore();
    const cache = cacheClientCertificates(store);
    await cache.addCertificate(issued("a"), change);
    const { promise, resolve } = Promise.withResolvers<void>();
    store.gate = promise;
    const early = cache.findCertificate(issued("a").fingerprint);
    await cache.revokeCertificates([issued("a").serial], change);
    resolve();
    await early;

    expect((await cache.findCertificate(issued("a").fingerprint))?.revokedAt).toBe(1);
  });
});
