import { describe, expect, test } from "bun:test";
import { isFromForeignPage } from "./browser-request.ts";

function isForeign(headers: Readonly<Record<string, string>>): boolean {
  return isFromForeignPage(new Headers({ host: "registry.test:5000", ...headers }));
}

describe("UI-03: where a browser's request comes from", () => {
  test.each(["cross-site", "same-site", "nonsense", ""])("Sec-Fetch-Site: %p is another site's", (site) => {
    expect(isForeign({ "sec-fetch-site": site, origin: "https://registry.test:5000" })).toBe(true);
  });

  test.each(["same-origin", "none"])("Sec-Fetch-Site: %p is the registry's own", (site) => {
    expect(isForeign({ "sec-fetch-site": site })).toBe(false);
  });

  test.each([
    "null",
    "",
    "https://evil",
    "https://registry.test",
    "https://registry.test:5001",
    "https://registry.test:5000.evil",
    "https://evil/registry.test:5000",
    "https://registry.test:5000@evil",
    "https://eviregistry.test:5000",
    "registry.test:5000",
  ])("Origin: %p is another site's", (origin) => {
    expect(isForeign({ origin })).toBe(true);
  });

  test("without Sec-Fetch-Site the registry's own origin is known by its host, whatever proxy ends TLS", () => {
    expect(isForeign({ origin: "https://Registry.test:5000" })).toBe(false);
    expect(isForeign({ origin: "http://registry.test:5000" })).toBe(false);
    expect(isForeign({ origin: "https://registry.test", host: "registry.test" })).toBe(false);
  });

  test("a program, which says neither, comes from no page", () => {
    expect(isForeign({})).toBe(false);
  });
});
