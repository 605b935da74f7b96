import { describe, expect, test } from "bun:test";

import { type AuthorityScope, permits, permittedNames } from "./name-constraints.ts";
import { parseSubjectName } from "./subject-name.ts";

const nothing: AuthorityScope = { hostNames: [], suffixes: [], publicAddresses: [] };

function isPermitted(scope: Partial<AuthorityScope>, name: string): boolean {
  const parsed = parseSubjectName(name);
  return parsed !== undefined && permits(permittedNames({ ...nothing, ...scope }), parsed);
}

describe("the names that an authority may certify", () => {
  test.each([
    "localhost",
    "printer.local",
    "nas.lan",
    "a.b.internal",
    "box.home.arpa",
    "x.test",
    "10.255.0.1",
    "172.31.255.255",
    "192.168.178.20",
    "100.100.1.1",
    "127.0.0.1",
    "127.8.8.8",
    "169.254.1.1",
    "::1",
    "[fd00::1]",
    "fe80::1%eth0",
  ])("%s is permitted on every machine", (name) => {
    expect(isPermitted({}, name)).toBeTrue();
  });

  test.each(["example.com", "com", "1.2.3.4", "172.32.0.1", "2001:db8::1", "::2", "local.example.com", "notlocal"])(
    "%s is permitted on no machine by itself",
    (name) => {
      expect(isPermitted({}, name)).toBeFalse();
    },
  );

  test.each([
    ["reg.corp.example.com", "reg.corp.example.com"],
    ["reg.corp.example.com", "other.corp.example.com"],
    ["reg.example.com", "example.com"],
    ["myhost", "myhost"],
    ["REG.Example.com.", "reg.example.com"],
    ["203.0.113.7", "203.0.113.7"],
  ])("a host called %s permits %s", (host, name) => {
    expect(isPermitted({ hostNames: [host] }, name)).toBeTrue();
  });

  test.each([
    ["example.com", "other.com"],
    ["reg.co.uk", "bbc.co.uk"],
    ["ec2-1-2-3-4.compute-1.amazonaws.com", "ec2-9-9-9-9.compute-1.amazonaws.com"],
    ["alice.duckdns.org", "bob.duckdns.org"],
    ["reg.corp.example.com", "www.example.com"],
    ["dev", "google.dev"],
    ["203.0.113.7", "203.0.113.8"],
  ])("a host called %s does not permit %s", (host, name) => {
    expect(isPermitted({ hostNames: [host] }, name)).toBeFalse();
  });

  test("a suffix permits everything under it, whether it is written with a dot or a star or without", () => {
    for (const suffix of ["corp.example", ".corp.example", "*.corp.example"])
      expect(isPermitted({ suffixes: [suffix] }, "a.b.corp.example")).toBeTrue();
  });

  test("a suffix under which strangers have names permits nothing", () => {
    expect(isPermitted({ suffixes: ["com"] }, "example.com")).toBeFalse();
  });

  test("a public address of the host is permitted alone", () => {
    const scope = { publicAddresses: ["198.51.100.4", "2001:DB8:0::4"] };

    expect(isPermitted(scope, "198.51.100.4")).toBeTrue();
    expect(isPermitted(scope, "2001:db8::4")).toBeTrue();
    expect(isPermitted(scope, "198.51.100.5")).toBeFalse();
    expect(isPermitted(scope, "2001:db8::5")).toBeFalse();
  });
});

describe("what a certificate can be for", () => {
  test.each(["", "*", "*.example.com", "a..b", "-a", "a b", "1.2.3", "a/b", "x".repeat(64), "$(id)", "::g"])(
    "not %p",
    (text) => {
      expect(parseSubjectName(text)).toBeUndefined();
    },
  );

  test("a name beyond ASCII is its encoded form", () => {
    expect(parseSubjectName("Bücher.example")).toEqual({ kind: "dns", value: "xn--bcher-kva.example" });
  });
});
