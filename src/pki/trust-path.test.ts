import { beforeAll, describe, expect, test } from "bun:test";
import type { X509Certificate } from "node:crypto";

import {
  type CertificateAuthority,
  createAuthority,
  createServerKey,
  issueServerCertificate,
} from "./certificate-authority.ts";
import { leadsTo, readCertificates, readChain } from "./trust-path.ts";

const dayMs = 86_400_000;
const now = Date.UTC(2026, 10, 23);
const demand = { name: "registry.lan", now };

let authority: CertificateAuthority;
let leaf: X509Certificate;
let intermediate: X509Certificate;
let root: X509Certificate;

function only(pem: string): X509Certificate {
  const [first] = readCertificates(pem);
  if (first === undefined) throw new Error("there is no certificate");
  return first;
}

async function makeAuthority(): Promise<CertificateAuthority> {
  return createAuthority({ hostNames: ["registry.lan"], suffixes: [], publicAddresses: [] }, now);
}

beforeAll(async () => {
  authority = await makeAuthority();
  const serverKeyPem = await createServerKey();
  leaf = only(await issueServerCertificate(authority, { names: ["registry.lan", "10.0.0.1"], serverKeyPem, now }));
  intermediate = only(authority.intermediatePem);
  root = only(authority.rootPem);
});

describe("a chain", () => {
  test("leads to the root over what lies between, in whatever order that was sent", () => {
    expect(leadsTo([leaf, intermediate], [root], demand)).toBe(root);
    expect(leadsTo([leaf, root, intermediate], [root], demand)).toBe(root);
  });

  test("leads to an authority in its middle, and to itself, where these are trusted", () => {
    expect(leadsTo([leaf], [intermediate], demand)).toBe(intermediate);
    expect(leadsTo([leaf], [leaf], demand)).toBe(leaf);
  });

  test("leads nowhere without what lies between", () => {
    expect(leadsTo([leaf], [root], demand)).toBeUndefined();
  });

  test("leads nowhere for somebody who trusts another authority, or nobody", async () => {
    expect(leadsTo([leaf, intermediate], [only((await makeAuthority()).rootPem)], demand)).toBeUndefined();
    expect(leadsTo([leaf, intermediate], [], demand)).toBeUndefined();
    expect(leadsTo([], [root], demand)).toBeUndefined();
  });

  test("leads nowhere once the authority has come to its end", () => {
    expect(leadsTo([leaf, intermediate], [root], { ...demand, now: now + 3700 * dayMs })).toBeUndefined();
    expect(leadsTo([leaf, intermediate], [root], { ...demand, now: now - dayMs })).toBeUndefined();
  });

  test.each(["example.com", "1.2.3.4", "com"])("TLS-06: does not vouch for %s, which its authority may not", (name) => {
    expect(leadsTo([leaf, intermediate], [root], { ...demand, name })).toBeUndefined();
    expect(leadsTo([leaf], [intermediate], { ...demand, name })).toBeUndefined();
  });

  test("does not lead over a certificate that is no authority's, nor over a name alone", () => {
    const later = { ...demand, now: now + 30 * dayMs };
    const forged = only(forgedByLeaf);

    expect(leadsTo([forged, only(plainLeaf), only(plainRoot)], [only(plainRoot)], later)).toBeUndefined();
    expect(leadsTo([only(plainLeaf)], [only(namesake)], later)).toBeUndefined();
    expect(leadsTo([only(plainLeaf)], [only(plainRoot)], later)?.subject).toBe("CN=Plain root");
  });
});

test("a chain is read for names and addresses as they stand in it", () => {
  expect(readChain([leaf], "registry.lan")).toMatchObject({ isForName: true, names: ["registry.lan", "10.0.0.1"] });
  expect(readChain([leaf], "10.0.0.1").isForName).toBe(true);
  expect(readChain([leaf], "10.0.0.2").isForName).toBe(false);
  expect(readChain([leaf], "x.registry.lan").isForName).toBe(false);
});

// Made with OpenSSL, for a hundred years: a root, a server certificate of it, a certificate that the server's key signed, and another
// root of the same name.
const plainRoot = `-----BEGIN CERTIFICATE-----
MIIBgTCCASegAwIBAgIUJCwCTaZwXW3AWcW7E5y3sCJIiHIwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKUGxhaW4gcm9vdDAgFw0yNjExMjMyMzE0MzVaGA8yMTI2MTAz
MDIzMTQzNVowFTETMBEGA1UEAwwKUGxhaW4gcm9vdDBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABN5EdypFAgfJQIIpzZlF1Su1rQyQybUVR4IyVVZazzICitofYY5x
hacu64HS/CN7cJQh9JyuuwxBlyOTASnU5jijUzBRMB0GA1UdDgQWBBQck1m0q9wi
C8nMS8cGmPQ8yRnwpjAfBgNVHSMEGDAWgBQck1m0q9wiC8nMS8cGmPQ8yRnwpjAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQCEbjTfhPbTN/dSak0O
dNuFLN2Aod1X07AxjyfgECK9yQIgZL0k3IvPXLi5Q4IYUeZsrmHO5es9goexrZop
cpj9RDU=
-----END CERTIFICATE-----
`;
const plainLeaf = `-----BEGIN CERTIFICATE-----
MIIBVjCB/aADAgECAhRl6nb/6EDbISWsHM50o4EA1SCF3DAKBggqhkjOPQQDAjAV
MRMwEQYDVQQDDApQbGFpbiByb290MCAXDTI2MTEyMzIzMTU0MFoYDzIxMjYxMDMw
MjMxNTQwWjAVMRMwEQYDVQQDDApQbGFpbiBsZWFmMFkwEwYHKoZIzj0CAQYIKoZI
zj0DAQcDQgAEhIUEPlEvZpZ3ZFz8XLZ+CkSnMTptKanS9zSixB2uAuTH8pQBxJFX
YcykUhJ5yDWW+Dr77TZml3kQbeA679KnnKMpMCcwDAYDVR0TAQH/BAIwADAXBgNV
HREEEDAOggxyZWdpc3RyeS5sYW4wCgYIKoZIzj0EAwIDSAAwRQIgTxRG+Ask3UcH
bwLAuXXp+DsDvv5L4G7SSCB3cYKB33ACIQD0dsDRWv1sm6KSIbvePla7+jUj8j8Y
Mw3pnzw8GvMk4g==
-----END CERTIFICATE-----
`;
const forgedByLeaf = `-----BEGIN CERTIFICATE-----
MIIBUjCB+aADAgECAhQwWv5favHLYw4S31kY+tJrA1XsyTAKBggqhkjOPQQDAjAV
MRMwEQYDVQQDDApQbGFpbiBsZWFmMCAXDTI2MTEyMzIzMTU0MVoYDzIxMjYxMDMw
MjMxNTQxWjARMQ8wDQYDVQQDDAZGb3JnZWQwWTATBgcqhkjOPQIBBggqhkjOPQMB
BwNCAATYH1Hs4JtwfpNSrGa17kgrarvbIXt3B+d1u829GY+6uy9Jk8paGVdTnrnV
12C0XBCHv914pa87UrpGMCwLBnSFoykwJzAMBgNVHRMBAf8EAjAAMBcGA1UdEQQQ
MA6CDHJlZ2lzdHJ5LmxhbjAKBggqhkjOPQQDAgNIADBFAiAvam0pgUs9ogw6VY2v
Lox8iJ0WdZ559xyD9QMT98ZgYQIhALIM5vrQUw+49p7/Z9Wjhgon/xqZo2Rh+M6o
Yx7ZQqak
-----END CERTIFICATE-----
`;
const namesake = `-----BEGIN CERTIFICATE-----
MIIBgTCCASegAwIBAgIUOpK/IEoafwn/Ruz1VR48Z2B7uoYwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKUGxhaW4gcm9vdDAgFw0yNjExMjMyMzE0MzVaGA8yMTI2MTAz
MDIzMTQzNVowFTETMBEGA1UEAwwKUGxhaW4gcm9vdDBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABOOrkAVNJNUbBQ3+0KdOfCuPzjufghSYS2iyUi0/zA9XuObpSHD6
rpCe+V0bsn3Q9vcwwIhIP4AEeqX3y8R3UZKjUzBRMB0GA1UdDgQWBBS33byU0Bm6
p3uKWlc/L4rpqwwyGDAfBgNVHSMEGDAWgBS33byU0Bm6p3uKWlc/L4rpqwwyGDAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIBzyiYqeg7QsTuSJU9gP
H8cMpd4YexvkD39KKfMBtToTAiEAlkHs3GYQf3He9fYPPmp8Cdj4GkL8K3dEPpho
W/Hy+h8=
-----END CERTIFICATE-----
`;
