import { describe, expect, test } from "bun:test";

import { explainFailure, type FailureFacts } from "./acme-failure.ts";
import type { OrderFailure } from "./acme-messages.ts";

const facts: FailureFacts = { directory: "https://acme.example/dir", challengeType: "http-01" };

function explained(failure: Partial<OrderFailure>, changed: Partial<FailureFacts> = {}): string {
  const usual = { step: "challenge", name: "r.example.com", problem: undefined, retryAfterSeconds: undefined } as const;
  return explainFailure({ ...usual, message: "it said so.", ...failure }, { ...facts, ...changed });
}

describe("a failure of ACME", () => {
  test("says what failed, why, and what mends it", () => {
    expect(explained({})).toBe(
      "the certificate authority could not see by http-01 that r.example.com is ours: it said so. " +
        "It has to reach http://r.example.com/.well-known/acme-challenge/ on port 80 from outside, and no other server may answer there: " +
        "look at the DNS record, the router and the firewall, or set acme.dnsHook.",
    );
  });

  test.each([
    [{ step: "directory", message: "ConnectionRefused" }, "HTTPS_PROXY"],
    [{ step: "directory", message: "unable to get local issuer certificate" }, "acme.directoryCa"],
    [{ problem: "dns" }, "dig +short r.example.com"],
    [{ problem: "caa" }, "A CAA record of r.example.com"],
    [{ step: "order", problem: "rateLimited" }, "Its limit is respected"],
    [{ step: "order", problem: "rejectedIdentifier" }, "take it out of acme.names"],
    [{ step: "account", problem: "invalidContact" }, "acme.email"],
    [{ step: "account", problem: "externalAccountRequired" }, "choose another acme.directory"],
    [{ step: "account", problem: "userActionRequired" }, "terms have changed"],
    [{ message: "it offers dns-01, not http-01" }, "set acme.dnsHook"],
    [{ step: "certificate" }, "status page"],
  ] as const)("names what mends %o", (failure, words) => {
    expect(explained(failure)).toContain(words);
  });

  test("by DNS names the record and how to look at it", () => {
    expect(explained({}, { challengeType: "dns-01" })).toContain("dig +short TXT _acme-challenge.r.example.com");
  });

  test("is one line, however long the authority talks", () => {
    const text = explained({ message: `one\n  two ${"x".repeat(5000)}` });
    expect(text).not.toContain("\n");
    expect(text.length).toBeLessThan(1000);
  });
});
