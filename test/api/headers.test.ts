import { describe, expect, test } from "bun:test";
import { digestOf } from "../../src/core/digest.ts";
import { errorCode, pushBlob, pushImage } from "./content.ts";
import { credentialsOf, makeRegistry, secrets } from "./registry.ts";

const hello = digestOf(new TextEncoder().encode("hello"));
const forged = {
  host: "evil",
  "x-forwarded-host": "evil",
  "x-forwarded-proto": "http",
  "x-forwarded-for": "1.2.3.4",
  "x-forwarded-prefix": "/evil",
  "x-original-url": "/v2/evil/tags/list",
  "x-rewrite-url": "/v2/evil/tags/list",
  "x-http-method-override": "DELETE",
  "x-remote-user": "alice",
  "x-webauth-user": "alice",
  forwarded: "host=evil;proto=http",
};

describe("HDR-01 and HDR-04: what an answer says of itself", () => {
  test("is path-only and takes nothing from headers that anybody can forge", async () => {
    const registry = makeRegistry();
    await pushImage(registry, "a", "v1");

    const started = await registry.call("POST", "/v2/a/blobs/uploads/", { headers: forged });
    const location = started.headers.get("location") ?? "";
    const patched = await registry.call("PATCH", location, { headers: forged, body: "hello" });
    const ended = await registry.call("PUT", `${location}?digest=${hello}`, { headers: forged });
    const mounted = await registry.call("POST", `/v2/b/blobs/uploads/?mount=${hello}&from=a`, { headers: forged });
    const challenged = await registry.call("GET", "/v2/", { headers: forged, as: "nobody" });

    for (const answer of [started, patched, ended, mounted]) {
      expect(answer.headers.get("location")).toMatch(/^\/v2\/[ab]\//);
    }
    for (const answer of [started, patched, ended, mounted, challenged]) {
      expect(JSON.stringify([...answer.headers])).not.toContain("evil");
    }
    expect(registry.lines.join("")).not.toMatch(/evil|1\.2\.3\.4/);
    expect(registry.lines.every((line) => line.includes('"client":"192.0.2.7"'))).toBe(true);
  });
});

describe("HDR-02: behind a trusted proxy", () => {
  test("the log has the address that the proxy saw", async () => {
    const registry = makeRegistry({}, { trustedProxies: ["192.0.2.0/24"] });

    await registry.call("GET", "/v2/", { headers: { "x-forwarded-for": "6.6.6.6, 1.2.3.4" } });

    expect(registry.lines.join("")).toContain('"client":"1.2.3.4"');
  });
});

describe("HDR-03: the challenge", () => {
  test("is one, for Basic, on every 401", async () => {
    const registry = makeRegistry();

    for (const as of ["nobody", "mallory"] as const) {
      for (const [method, path] of [
        ["GET", "/v2/"],
        ["GET", "/v2/a/tags/list"],
        ["POST", "/v2/a/blobs/uploads/"],
        ["HEAD", "/v2/a/manifests/v1"],
        ["GET", "/v2/_catalog"],
        ["GET", "/v2/A/no/such/thing"],
        ["PUT", "/v2/"],
      ] as const) {
        const answer = await registry.call(method, path, { as });
        expect(answer.status).toBe(401);
        expect(answer.headers.get("www-authenticate")).toBe('Basic realm="dozo", charset="UTF-8"');
        expect(answer.headers.get("docker-distribution-api-version")).toBe("registry/2.0");
        if (method !== "HEAD") expect(await errorCode(answer)).toBe("UNAUTHORIZED");
      }
    }
  });

  test("does not say why, the log does", async () => {
    const registry = makeRegistry();

    const answer = await registry.call("GET", "/v2/", { as: "mallory" });

    expect(await answer.text()).not.toContain("stub");
    expect(registry.lines.join("")).toContain("the stub knows no such password");
  });

  test("comes with a wait for who guesses", async () => {
    const refusal = { kind: "refused", reason: "too many", retryAfterSeconds: 7 } as const;

    const answer = await makeRegistry({}, { authenticate: () => refusal }).call("GET", "/v2/");

    expect(answer.status).toBe(429);
    expect(answer.headers.get("retry-after")).toBe("7");
  });

  test("AUTH-11: is not answered by two logins at once", async () => {
    const authorization = `${credentialsOf("alice")}, ${credentialsOf("bob")}`;

    const answer = await makeRegistry().call("GET", "/v2/", { headers: { authorization } });

    expect(answer.status).toBe(400);
  });
});

describe("every answer", () => {
  test("keeps browsers and caches from doing anything with it", async () => {
    const registry = makeRegistry();
    await pushBlob(registry, "a", "hello");
    await pushImage(registry, "a", "v1");

    for (const [method, path] of [
      ["GET", "/"],
      ["GET", "/livez"],
      ["GET", "/nothing"],
      ["GET", "/v2/"],
      ["GET", `/v2/a/blobs/${hello}`],
      ["HEAD", "/v2/a/manifests/v1"],
      ["GET", "/v2/a/tags/list"],
      ["DELETE", "/v2/a/manifests/v1"],
      ["POST", "/v2/a/blobs/uploads/"],
      ["PUT", "/v2/a/manifests/v1"],
    ] as const) {
      const answer = await registry.call(method, path);
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-frame-options": "DENY",
        "cache-control": expect.stringMatching(/no-store|no-cache|private/) as unknown,
        "x-request-id": expect.stringMatching(/^[0-9a-z-]{10,40}$/) as unknown,
      });
      expect(answer.headers.get("server") ?? answer.headers.get("x-powered-by")).toBeNull();
      expect(answer.headers.get("docker-distribution-api-version")).toBe(
        path.startsWith("/v2/") ? "registry/2.0" : null,
      );
    }
  });

  test("has a line in the log that can be found by its id and holds no secret", async () => {
    const registry = makeRegistry();
    await pushImage(registry, "a", "v1");
    const before = registry.lines.length;

    const answer = await registry.call("GET", "/v2/a/manifests/v1?token=canary-query", { as: "bob" });
    await registry.call("GET", "/v2/", { as: "mallory", headers: { cookie: "canary-cookie" } });

    const [line = "", ...rest] = registry.lines.slice(before);
    expect(rest).toHaveLength(1);
    expect(JSON.parse(line)).toMatchObject({
      msg: "request",
      requestId: answer.headers.get("x-request-id"),
      method: "GET",
      route: "end-3",
      repository: "a",
      status: 200,
      bytes: (await answer.bytes()).byteLength,
      principal: "bob",
      client: "192.0.2.7",
    });
    expect(registry.lines.join("")).not.toMatch(/canary/);
    for (const secret of Object.values(secrets)) expect(registry.lines.join("")).not.toContain(btoa(secret));
  });
});

describe("access", () => {
  test("is decided without a look at what exists, and says what to do", async () => {
    const registry = makeRegistry();
    const digest = await pushImage(registry, "a", "v1");

    const there = await registry.call("DELETE", `/v2/a/manifests/${digest}`, { as: "bob" });
    const notThere = await registry.call("DELETE", `/v2/a/manifests/${hello}`, { as: "bob" });

    expect([there.status, notThere.status]).toEqual([403, 403]);
    const text = await there.text();
    expect(text).toBe(await notThere.text());
    expect(text).toContain("bob may not delete in a: ask an admin");
  });

  test("is decided before a byte of a body is read", async () => {
    const registry = makeRegistry({}, { decide: () => ({ verdict: "denied", rule: undefined }) });
    for (const [authorization, status] of [
      [undefined, 401],
      [credentialsOf("alice"), 403],
    ] as const) {
      let isRead = false;
      const body = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            isRead = true;
            controller.enqueue(new Uint8Array(10));
          },
        },
        { highWaterMark: 0 },
      );
      const headers: Record<string, string> = { "transfer-encoding": "chunked" };
      if (authorization !== undefined) headers["authorization"] = authorization;
      for (const path of ["/v2/a/manifests/v1", `/v2/a/blobs/uploads/x?digest=${hello}`]) {
        const request = new Request(`http://registry.test${path}`, { method: "PUT", headers, body });

        const answer = await registry.handle(request, { address: undefined });

        expect(answer.status).toBe(status);
        expect(request.bodyUsed).toBe(false);
      }
      expect(isRead).toBe(false);
    }
  });
});
