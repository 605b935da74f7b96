import { beforeEach, expect, test } from "bun:test";
import type { ClientCertificateStore, IssuedCertificate } from "./client-certificate-store.ts";
import type { PrincipalId } from "./principal.ts";

const maria = "01ARZ3NDEKTSV4RRFFQ69G5FAV" as PrincipalId;
const change = { by: maria, at: 100 };

/** A certificate whose serial and fingerprint are made of one digit. */
export function issued(digit: string): Omit<IssuedCertificate, "issuedAt" | "revokedAt"> {
  return { serial: digit.repeat(32), fingerprint: digit.repeat(64), userId: maria, userName: "maria", endsAt: 900 };
}

/** What every list of issued certificates promises. `make` answers an empty one; who makes it also ends it. */
export function describeClientCertificateStore(make: () => Promise<ClientCertificateStore>): void {
  let store: ClientCertificateStore;

  beforeEach(async () => {
    store = await make();
  });

  test("a certificate that was added is found by its fingerprint, and no other is", async () => {
    await store.addCertificate(issued("a"), change);

    expect(await store.findCertificate("a".repeat(64))).toEqual({
      ...issued("a"),
      issuedAt: 100,
      revokedAt: undefined,
    });
    expect(await store.findCertificate("b".repeat(64))).toBeUndefined();
    expect(await store.findCertificate("a".repeat(32))).toBeUndefined();
  });

  test("a serial and a fingerprint are there once", async () => {
    await store.addCertificate(issued("a"), change);

    const sameSerial = store.addCertificate({ ...issued("b"), serial: issued("a").serial }, change);
    const samePrint = store.addCertificate({ ...issued("c"), fingerprint: issued("a").fingerprint }, change);

    expect(await sameSerial.catch((error: unknown) => error)).toMatchObject({ code: "CONFLICT" });
    expect(await samePrint.catch((error: unknown) => error)).toMatchObject({ code: "CONFLICT" });
    expect(await store.listCertificates()).toHaveLength(1);
  });

  test("certificates are listed as they were issued", async () => {
    await store.addCertificate(issued("c"), change);
    await store.addCertificate(issued("b"), { ...change, at: 200 });
    await store.addCertificate(issued("a"), { ...change, at: 200 });

    const serials = (await store.listCertificates()).map(({ serial }) => serial[0]);

    expect(serials).toEqual(["c", "a", "b"]);
  });

  test("a revocation holds for the serials that were named, once, and keeps its time", async () => {
    for (const digit of ["a", "b", "c"]) await store.addCertificate(issued(digit), change);

    expect(await store.revokeCertificates([issued("a").serial, "unknown"], { ...change, at: 300 })).toBe(1);
    expect(await store.revokeCertificates([issued("a").serial, issued("b").serial], { ...change, at: 400 })).toBe(1);

    const times = (await store.listCertificates()).map(({ revokedAt }) => revokedAt);
    expect(times).toEqual([300, 400, undefined]);
    expect((await store.findCertificate(issued("a").fingerprint))?.revokedAt).toBe(300);
  });
}
