import { describe, expect, test } from "bun:test";

import { arrange, shownFor } from "./by-name.ts";
import type { ServedCertificate } from "./source.ts";

function certificate(name: string, ...serverNames: readonly string[]): ServedCertificate {
  return { serverNames, certificatePem: name, keyPem: "", notAfter: 0 };
}

const own = certificate("own", "registry.example.com", "box.lan");
const site = certificate("site", "registry.example.com");
const wide = certificate("wide", "*.example.com");

function shown(names: readonly string[], arranged: readonly ServedCertificate[]): readonly (string | undefined)[] {
  return names.map((name) => shownFor(name, arranged)?.certificatePem);
}

describe("several certificates by name", () => {
  test("each name has the certificate that is for it, and every other client the usual one", () => {
    const arranged = arrange({ usual: own, more: [site], own });

    expect(arranged.map(({ certificatePem, serverNames }) => [certificatePem, ...serverNames])).toEqual([
      ["own", "box.lan"],
      ["site", "registry.example.com"],
    ]);
    expect(shown(["registry.example.com", "REGISTRY.example.com", "box.lan", "10.0.0.1"], arranged)).toEqual([
      "site",
      "site",
      "own",
      "own",
    ]);
  });

  test("dozo's own comes last for a name that another one has, also by a wildcard", () => {
    const arranged = arrange({ usual: own, more: [wide], own });

    expect(shown(["registry.example.com", "x.example.com", "x.y.example.com"], arranged)).toEqual([
      "wide",
      "wide",
      "own",
    ]);
  });

  test("of two for one name the first is shown, and the exact one before the wildcard where it comes first", () => {
    const other = certificate("other", "registry.example.com", "other.example.com");

    expect(shown(["registry.example.com", "other.example.com"], arrange({ usual: site, more: [other], own }))).toEqual([
      "site",
      "other",
    ]);
    expect(shown(["registry.example.com", "a.example.com"], arrange({ usual: site, more: [wide], own }))).toEqual([
      "site",
      "wide",
    ]);
  });

  test("until the usual one is there, dozo's own stands in for it", () => {
    expect(shown(["registry.example.com"], arrange({ usual: undefined, more: [], own }))).toEqual(["own"]);
  });
});
