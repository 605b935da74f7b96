import { describe, expect, test } from "bun:test";
import { digestOf } from "../../src/core/digest.ts";
import { pushBlob, pushImage } from "./content.ts";
import { makeRegistry, type TestRegistry } from "./registry.ts";

const hello = digestOf(new TextEncoder().encode("hello"));

// What a page of another site can make a browser send; the browser adds the password it was once given for the registry.
const foreign = {
  "a form": { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", origin: "https://evil" },
  "fetch without CORS": { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", origin: "https://evil" },
  "a sister site": { "sec-fetch-site": "same-site", "sec-fetch-mode": "cors", origin: "https://other.test" },
  "an opaque origin": { origin: "null" },
  "an old browser": { origin: "https://evil" },
  "JSON as text": { origin: "https://evil", "content-type": "text/plain" },
  "another method in a header": { origin: "https://evil", "x-http-method-override": "DELETE" },
} as const;

async function registryWithImage(): Promise<TestRegistry> {
  const registry = makeRegistry();
  await pushImage(registry, "a", "v1");
  await pushBlob(registry, "a", "hello");
  return registry;
}

describe("UI-03: a page of another site", () => {
  test.each(Object.entries(foreign))("changes nothing by %s", async (_, headers) => {
    const registry = await registryWithImage();

    for (const [method, path, body] of [
      ["POST", "/v2/a/blobs/uploads/", undefined],
      ["POST", `/v2/b/blobs/uploads/?mount=${hello}&from=a`, undefined],
      ["PUT", "/v2/a/manifests/v2", "{}"],
      ["DELETE", "/v2/a/manifests/v1", undefined],
      ["DELETE", `/v2/a/blobs/${hello}`, undefined],
      ["PATCH", "/v2/a/blobs/uploads/1", "x"],
      ["POST", "/", undefined],
      ["POST", "/nothing", undefined],
    ] as const) {
      const answer = await registry.call(method, path, { headers, ...(body === undefined ? {} : { body }) });
      expect([method, path, answer.status]).toEqual([method, path, 403]);
    }

    expect((await registry.call("GET", "/v2/a/manifests/v1")).status).toBe(200);
    expect((await registry.call("GET", "/v2/b/tags/list")).status).toBe(404);
  });

  test("is no reason to refuse programs, which do not say where they come from, nor the registry's own pages", async () => {
    const registry = await registryWithImage();

    for (const headers of [{}, { "sec-fetch-site": "same-origin" }, { origin: "https://registry.test" }])
      expect((await registry.call("POST", "/v2/a/blobs/uploads/", { headers })).status).toBe(202);
  });

  test("finds no window for a password: who opens an address is not challenged", async () => {
    const registry = makeRegistry();

    for (const path of [
      "/v2/",
      "/v2/a/manifests/v1",
      "/v2/_catalog",
      "/v1/search?q=a",
      "/api/v1/users",
      "/api/v1/me",
    ]) {
      const opened = await registry.call("GET", path, { as: "nobody", headers: { "sec-fetch-mode": "navigate" } });
      expect([opened.status, opened.headers.get("www-authenticate")]).toEqual([401, null]);
      const asked = await registry.call("GET", path, { as: "nobody", headers: { "sec-fetch-mode": "cors" } });
      expect(asked.headers.get("www-authenticate")).not.toBeNull();
    }
  });

  test("is not helped by a cookie, whatever its name", async () => {
    const registry = makeRegistry();
    const cookie = ["session", "__Host-dozo-session", "dozo", "Authorization"]
      .map((name) => `${name}=alice`)
      .join("; ");

    expect((await registry.call("GET", "/v2/", { as: "nobody", headers: { cookie } })).status).toBe(401);
  });
});

describe("UI-04 and UI-05: no answer", () => {
  const origins = [
    "null",
    "https://evil",
    "https://registry.evil",
    "https://registry.test.evil",
    "https://registry.test",
  ];

  test.each(origins)("may be framed, or read by a page of %p", async (origin) => {
    const registry = await registryWithImage();

    for (const [method, path] of [
      ["GET", "/"],
      ["GET", "/v2/"],
      ["GET", "/v2/a/manifests/v1"],
      ["GET", "/v2/a/manifests/gone"],
      ["GET", `/v2/a/blobs/${hello}`],
      ["GET", "/nothing"],
      ["OPTIONS", "/v2/a/manifests/v1"],
      ["OPTIONS", "/"],
    ] as const) {
      const preflight = { "access-control-request-method": "PUT", "access-control-request-headers": "authorization" };
      const { headers } = await registry.call(method, path, { headers: { origin, ...preflight } });
      expect(headers.get("x-frame-options")).toBe("DENY");
      expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
      expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
    }
  });
});

test("UI-07: caches keep content for who asked with the same credentials, and nothing else", async () => {
  const registry = await registryWithImage();

  const blob = await registry.call("GET", `/v2/a/blobs/${hello}`);
  expect(blob.headers.get("cache-control")).toBe("private, max-age=31536000, immutable");
  expect(blob.headers.get("vary")).toBe("Authorization");
  for (const path of ["/v2/", "/v2/_catalog", "/v2/a/tags/list"])
    expect((await registry.call("GET", path)).headers.get("cache-control")).toBe("no-store");
});
