import { describe, expect, test } from "bun:test";
import { digestOf } from "../../src/core/digest.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import { errorCode, imageManifest, pushBlob, pushImage } from "./content.ts";
import { makeRegistry } from "./registry.ts";

const encoder = new TextEncoder();
const hello = digestOf(encoder.encode("hello"));
const absent = digestOf(encoder.encode("absent"));
const manifestType = { "content-type": mediaTypes.ociManifest };

describe("end-1", () => {
  test("answers that this is a registry", async () => {
    const answer = await makeRegistry().call("GET", "/v2/");

    expect(answer.status).toBe(200);
    expect(answer.headers.get("docker-distribution-api-version")).toBe("registry/2.0");
    expect(await answer.json()).toEqual({});
  });
});

describe("end-2: a blob", () => {
  test("is served with what clients know it by", async () => {
    const registry = makeRegistry();
    await pushBlob(registry, "a/b", "hello");

    const answer = await registry.call("GET", `/v2/a/b/blobs/${hello}`);

    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe("hello");
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "docker-content-digest": hello,
      etag: `"${hello}"`,
      "cache-control": "private, max-age=31536000, immutable",
      "content-type": "application/octet-stream",
      "content-disposition": "attachment",
      "accept-ranges": "bytes",
    });
  });

  test("is announced by HEAD with its length and without its bytes", async () => {
    const registry = makeRegistry();
    await pushBlob(registry, "a/b", new Uint8Array(100_000));

    const answer = await registry.call("HEAD", `/v2/a/b/blobs/${digestOf(new Uint8Array(100_000))}`);

    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-length")).toBe("100000");
    expect(await answer.text()).toBe("");
  });

  test("is not sent to who has it already", async () => {
    const registry = makeRegistry();
    await pushBlob(registry, "a/b", "hello");

    for (const header of [`"${hello}"`, `W/"${hello}"`, `"x", "${hello}"`, "*"]) {
      const answer = await registry.call("GET", `/v2/a/b/blobs/${hello}`, { headers: { "if-none-match": header } });
      expect(answer.status).toBe(304);
      expect(answer.headers.get("etag")).toBe(`"${hello}"`);
      expect(await answer.text()).toBe("");
    }
    const other = await registry.call("GET", `/v2/a/b/blobs/${hello}`, { headers: { "if-none-match": `"${absent}"` } });
    expect(other.status).toBe(200);
  });

  test("of another repository is unknown, and If-None-Match does not tell (code-1)", async () => {
    const registry = makeRegistry();
    await pushBlob(registry, "a/b", "hello");

    const answer = await registry.call("GET", `/v2/a/c/blobs/${hello}`, { headers: { "if-none-match": "*" } });

    expect(answer.status).toBe(404);
    expect(await errorCode(answer)).toBe("BLOB_UNKNOWN");
  });
});

describe("end-3: a manifest", () => {
  test("is served byte for byte by tag and by digest, whatever Accept says", async () => {
    const registry = makeRegistry();
    const digest = await pushImage(registry, "a/b", "v1");

    for (const [reference, caching] of [
      ["v1", "no-cache"],
      [digest, "private, max-age=31536000, immutable"],
    ]) {
      const headers = { accept: mediaTypes.dockerSchema1 };
      const answer = await registry.call("GET", `/v2/a/b/manifests/${reference}`, { headers });
      expect(answer.status).toBe(200);
      expect(digestOf(await answer.bytes())).toBe(digest);
      expect(answer.headers.get("content-type")).toBe(mediaTypes.ociManifest);
      expect(answer.headers.get("docker-content-digest")).toBe(digest);
      expect(answer.headers.get("cache-control")).toBe(caching ?? "");
    }
  });

  test("is announced by HEAD, and confirmed by 304", async () => {
    const registry = makeRegistry();
    const digest = await pushImage(registry, "a/b", "v1");

    const head = await registry.call("HEAD", "/v2/a/b/manifests/v1");
    const same = await registry.call("GET", "/v2/a/b/manifests/v1", { headers: { "if-none-match": `"${digest}"` } });

    expect(head.status).toBe(200);
    expect(Number(head.headers.get("content-length"))).toBeGreaterThan(100);
    expect(await head.text()).toBe("");
    expect(same.status).toBe(304);
  });

  test("that is not there is unknown (code-7)", async () => {
    for (const reference of ["v1", absent]) {
      const answer = await makeRegistry().call("GET", `/v2/a/b/manifests/${reference}`);
      expect(answer.status).toBe(404);
      expect(await errorCode(answer)).toBe("MANIFEST_UNKNOWN");
    }
  });
});

describe("end-4a, end-5, end-6, end-13, end-14: an upload", () => {
  test("goes through POST, PATCH, status and PUT", async () => {
    const registry = makeRegistry();

    const started = await registry.call("POST", "/v2/a/b/blobs/uploads/", { body: "" });
    const location = started.headers.get("location") ?? "";
    const patched = await registry.call("PATCH", location, { body: "hel", headers: { "content-range": "0-2" } });
    const status = await registry.call("GET", location);
    const ended = await registry.call("PUT", `${location}?digest=${hello}`, {
      body: "lo",
      headers: { "content-range": "3-4" },
    });

    expect(started.status).toBe(202);
    expect(location).toMatch(/^\/v2\/a\/b\/blobs\/uploads\/[0-9A-Z]{26}$/);
    expect(started.headers.get("range")).toBe("0-0");
    expect(started.headers.get("docker-upload-uuid")).toBe(location.slice(-26));
    expect(patched.status).toBe(202);
    expect(patched.headers.get("range")).toBe("0-2");
    expect(patched.headers.get("location")).toBe(location);
    expect(status.status).toBe(204);
    expect(status.headers.get("range")).toBe("0-2");
    expect(ended.status).toBe(201);
    expect(ended.headers.get("location")).toBe(`/v2/a/b/blobs/${hello}`);
    expect(ended.headers.get("docker-content-digest")).toBe(hello);
    expect(await (await registry.call("GET", `/v2/a/b/blobs/${hello}`)).text()).toBe("hello");
  });

  test("may be streamed without a length, and ended by an empty PUT", async () => {
    const registry = makeRegistry();
    const started = await registry.call("POST", "/v2/a/b/blobs/uploads/");
    const location = started.headers.get("location") ?? "";

    const patched = await registry.call("PATCH", location, { body: "hello", chunked: true });
    const ended = await registry.call("PUT", `${location}?digest=${hello}`, { body: "" });

    expect([patched.status, ended.status]).toEqual([202, 201]);
  });

  test("may begin with an empty PATCH", async () => {
    const registry = makeRegistry();
    const started = await registry.call("POST", "/v2/a/b/blobs/uploads/");
    const location = started.headers.get("location") ?? "";

    const patched = await registry.call("PATCH", location, { body: "" });

    expect(patched.status).toBe(202);
    expect(patched.headers.get("range")).toBe("0-0");
  });

  test("is refused with the true range where a chunk does not follow, and may go on (code-4)", async () => {
    const registry = makeRegistry();
    const started = await registry.call("POST", "/v2/a/b/blobs/uploads/");
    const location = started.headers.get("location") ?? "";
    await registry.call("PATCH", location, { body: "hel" });

    for (const [method, path] of [
      ["PATCH", location],
      ["PUT", `${location}?digest=${hello}`],
    ] as const) {
      const answer = await registry.call(method, path, { body: "lo", headers: { "content-range": "7-8" } });
      expect(answer.status).toBe(416);
      expect(answer.headers.get("range")).toBe("0-2");
      expect(answer.headers.get("location")).toBe(location);
      expect(await errorCode(answer)).toBe("RANGE_INVALID");
    }
    const ended = await registry.call("PUT", `${location}?digest=${hello}`, { body: "lo" });
    expect(ended.status).toBe(201);
  });

  test("is over when it is cancelled (code-5)", async () => {
    const registry = makeRegistry();
    const started = await registry.call("POST", "/v2/a/b/blobs/uploads/");
    const location = started.headers.get("location") ?? "";

    const cancelled = await registry.call("DELETE", location);
    const after = await registry.call("GET", location);

    expect(cancelled.status).toBe(204);
    expect(after.status).toBe(404);
    expect(await errorCode(after)).toBe("BLOB_UPLOAD_UNKNOWN");
  });

  test("with another digest than it was ended with is refused (code-6)", async () => {
    const registry = makeRegistry();
    const started = await registry.call("POST", "/v2/a/b/blobs/uploads/");

    const ended = await registry.call("PUT", `${started.headers.get("location")}?digest=${absent}`, { body: "hello" });

    expect(ended.status).toBe(400);
    expect(await errorCode(ended)).toBe("DIGEST_INVALID");
  });
});

describe("end-4b and end-11: one request", () => {
  test("stores a blob under sha256 and sha512", async () => {
    const registry = makeRegistry();

    const digest = await pushBlob(registry, "a/b", "hello", "sha512");

    const answer = await registry.call("GET", `/v2/a/b/blobs/${digest}`);
    expect(await answer.text()).toBe("hello");
    expect(answer.headers.get("docker-content-digest")).toBe(digest);
  });

  test("mounts what another repository has, with from and without", async () => {
    const registry = makeRegistry();
    await pushBlob(registry, "a/source", "hello");

    const named = await registry.call("POST", `/v2/a/one/blobs/uploads/?mount=${hello}&from=a/source`);
    const found = await registry.call("POST", `/v2/a/two/blobs/uploads/?mount=${hello}`);

    for (const [answer, name] of [
      [named, "a/one"],
      [found, "a/two"],
    ] as const) {
      expect(answer.status).toBe(201);
      expect(answer.headers.get("location")).toBe(`/v2/${name}/blobs/${hello}`);
    }
    expect((await registry.call("HEAD", `/v2/a/two/blobs/${hello}`)).status).toBe(200);
  });

  test("starts an upload where nothing can be mounted", async () => {
    const registry = makeRegistry();

    const answer = await registry.call("POST", `/v2/a/one/blobs/uploads/?mount=${absent}&from=a/source`);

    expect(answer.status).toBe(202);
    expect(answer.headers.get("location")).toMatch(/^\/v2\/a\/one\/blobs\/uploads\//);
  });

  test("asks whether the principal may pull from the source", async () => {
    const asked: unknown[] = [];
    const registry = makeRegistry(
      {},
      {
        decide: (caller, action, repository) => {
          asked.push([caller.principal?.name, action, repository]);
          return { verdict: action === "pull" ? "denied" : "allowed", rule: undefined };
        },
      },
    );
    await pushBlob(registry, "a/source", "hello");

    const answer = await registry.call("POST", `/v2/a/one/blobs/uploads/?mount=${hello}&from=a/source`);

    expect(answer.status).toBe(202);
    expect(asked).toContainEqual(["alice", "pull", "a/source"]);
  });
});

describe("end-7a, end-7b: pushing a manifest", () => {
  test("answers where it is, under which digest, and whose referrer it is", async () => {
    const registry = makeRegistry();
    const config = await pushBlob(registry, "a/b", "{}");
    const subject = { mediaType: mediaTypes.ociManifest, digest: absent, size: 5 };
    const body = imageManifest(config, 2, { subject });

    const answer = await registry.call("PUT", "/v2/a/b/manifests/v1", { body, headers: manifestType });

    const digest = digestOf(encoder.encode(body));
    expect(answer.status).toBe(201);
    expect(answer.headers.get("location")).toBe(`/v2/a/b/manifests/${digest}`);
    expect(answer.headers.get("docker-content-digest")).toBe(digest);
    expect(answer.headers.get("oci-subject")).toBe(absent);
    expect(answer.headers.get("oci-tag")).toBeNull();
  });

  test("sets every tag of the query and names them", async () => {
    const registry = makeRegistry();
    const config = await pushBlob(registry, "a/b", "{}");
    const body = imageManifest(config, 2);
    const digest = digestOf(encoder.encode(body), "sha512");

    const path = `/v2/a/b/manifests/${digest}?tag=one&tag=two`;
    const answer = await registry.call("PUT", path, { body, headers: manifestType });

    expect(answer.status).toBe(201);
    expect(answer.headers.get("oci-tag")).toBe("one, two");
    expect((await registry.call("HEAD", "/v2/a/b/manifests/two")).headers.get("docker-content-digest")).toBe(digest);
  });

  test("without its blobs is refused with the digest that is missing (code-8)", async () => {
    const body = imageManifest(absent, 5);

    const answer = await makeRegistry().call("PUT", "/v2/a/b/manifests/v1", { body, headers: manifestType });

    expect(answer.status).toBe(400);
    expect(await errorCode(answer)).toBe("MANIFEST_BLOB_UNKNOWN");
  });

  test.each([
    ["{", "MANIFEST_INVALID"],
    ["", "MANIFEST_INVALID"],
  ])("that is %p is refused", async (body, code) => {
    const answer = await makeRegistry().call("PUT", "/v2/a/b/manifests/v1", { body, headers: manifestType });

    expect(answer.status).toBe(400);
    expect(await errorCode(answer)).toBe(code);
  });

  test("MAN-12: under the digest of other bytes is refused", async () => {
    const registry = makeRegistry();
    const config = await pushBlob(registry, "a/b", "{}");

    const body = `${imageManifest(config, 2)} `;
    const path = `/v2/a/b/manifests/${digestOf(encoder.encode(body.trim()))}`;
    const answer = await registry.call("PUT", path, { body, headers: manifestType });

    expect(answer.status).toBe(400);
    expect(await errorCode(answer)).toBe("DIGEST_INVALID");
  });

  test("of schema 1 is refused with what to do", async () => {
    const answer = await makeRegistry().call("PUT", "/v2/a/b/manifests/v1", {
      body: JSON.stringify({ schemaVersion: 1, name: "a/b", tag: "v1", fsLayers: [], history: [] }),
      headers: { "content-type": mediaTypes.dockerSchema1Signed },
    });

    expect(answer.status).toBe(400);
    expect(await answer.text()).toMatch(/Docker/);
  });
});

describe("MAN-01: a manifest beyond the limit", () => {
  const limits = { manifestBytes: 1000 };

  test.each([
    ["announced", false],
    ["in chunks", true],
  ])("%s is refused with 413", async (_, chunked) => {
    const sent = { body: "x".repeat(1001), headers: manifestType, chunked };

    const answer = await makeRegistry(limits).call("PUT", "/v2/a/b/manifests/v1", sent);

    expect(answer.status).toBe(413);
    expect(await errorCode(answer)).toBe("MANIFEST_TOO_LARGE");
  });

  test("in chunks without end is read no further than the limit and the chunk behind it", async () => {
    let handedOut = 0;
    const registry = makeRegistry(limits);
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        handedOut += 100;
        controller.enqueue(new Uint8Array(100));
      },
    });
    const template = new Request("http://registry.test/v2/a/b/manifests/v1", {
      method: "PUT",
      body,
      headers: {
        ...manifestType,
        "transfer-encoding": "chunked",
        authorization: `Basic ${btoa("alice:canary-alice")}`,
      },
    });

    const answer = await registry.handle(template, { address: undefined });

    expect(answer.status).toBe(413);
    expect(handedOut).toBeLessThanOrEqual(1000 + 65536);
  });

  test("of exactly its length is taken", async () => {
    const registry = makeRegistry(limits);
    const config = await pushBlob(registry, "a/b", "{}");
    const body = imageManifest(config, 2).padEnd(1000);

    const answer = await registry.call("PUT", "/v2/a/b/manifests/v1", { body, headers: manifestType });

    expect(answer.status).toBe(201);
  });
});

describe("end-9 and end-10: deleting", () => {
  test("ends a tag, a manifest and a blob, each with 202 and once", async () => {
    const registry = makeRegistry();
    const digest = await pushImage(registry, "a/b", "v1");
    await pushBlob(registry, "a/b", "hello");

    for (const path of ["manifests/v1", `manifests/${digest}`, `blobs/${hello}`]) {
      expect((await registry.call("DELETE", `/v2/a/b/${path}`)).status).toBe(202);
      expect((await registry.call("DELETE", `/v2/a/b/${path}`)).status).toBe(404);
      expect((await registry.call("GET", `/v2/a/b/${path}`)).status).toBe(404);
    }
  });
});

describe("what is not there", () => {
  test.each(["/v2/x", "/v2/a/b/nothing/here", "/v2/_other", "/v2//", "/v2/a/tags/other"])(
    "under %s is told in the specification's JSON, to those who are logged in",
    async (path) => {
      const answer = await makeRegistry().call("GET", path);

      expect(answer.status).toBe(404);
      expect(await errorCode(answer)).toBe("NAME_UNKNOWN");
      expect(answer.headers.get("docker-distribution-api-version")).toBe("registry/2.0");
      expect((await makeRegistry().call("GET", path, { as: "nobody" })).status).toBe(401);
    },
  );

  test.each(["/v1/repositories/a/b/images", "/v1/users/", "/ui/", "/v2", "/favicon.ico"])(
    "under %s is told to everybody",
    async (path) => {
      const answer = await makeRegistry().call("GET", path, { as: "nobody" });

      expect(answer.status).toBe(404);
      expect(await errorCode(answer)).toBe("NAME_UNKNOWN");
    },
  );

  test.each([
    ["GET", "/v1/repositories/a/b/images"],
    ["PUT", "/v1/repositories/a/b/"],
    ["GET", "/v1/users/"],
  ])("%s %s says which Docker it needs", async (method, path) => {
    const answer = await makeRegistry().call(method, path, { as: "nobody" });

    expect(answer.status).toBe(404);
    expect(await answer.text()).toContain("Docker 1.10 or later");
  });

  test.each([
    ["POST", "/v2/a/b/manifests/v1", "DELETE, GET, HEAD, PUT"],
    ["PUT", "/v2/", "GET, HEAD"],
    ["DELETE", "/v2/a/tags/list", "GET, HEAD"],
    ["GET", "/v2/a/blobs/uploads/", "POST"],
    ["OPTIONS", "/livez", "GET, HEAD"],
  ])("%s %s is told with the methods that there are (code-13)", async (method, path, allow) => {
    const answer = await makeRegistry().call(method, path);

    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toBe(allow);
    expect(await errorCode(answer)).toBe("UNSUPPORTED");
  });
});

describe("a fault of the registry", () => {
  test("is a 500 with the id under which the log has the cause, and nothing of the cause", async () => {
    const registry = makeRegistry(
      {},
      {
        decide: () => {
          throw new Error("secret /path", { cause: new Error("deeper") });
        },
      },
    );

    const answer = await registry.call("GET", "/v2/a/tags/list");

    const text = await answer.text();
    const id = answer.headers.get("x-request-id") ?? "none";
    expect(answer.status).toBe(500);
    expect(text).toContain(id);
    expect(text).not.toMatch(/secret|deeper|at /);
    const logged = registry.lines.filter((line) => line.includes(id) && line.includes("deeper"));
    expect(logged).toHaveLength(1);
  });
});

describe("docker search", () => {
  test("asks without a login whether this is a registry of its own", async () => {
    const answer = await makeRegistry().call("GET", "/v1/_ping", { as: "nobody" });

    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-docker-registry-standalone")).toBe("True");
    expect(await answer.json()).toBe(true);
  });

  test("finds repositories whose name contains the term, for those who are logged in", async () => {
    const registry = makeRegistry();
    for (const name of ["team/web", "team/api", "webshop"]) await pushImage(registry, name, "v1");

    const answer = await registry.call("GET", "/v1/search?q=WEB&n=25&page=1");

    const { results, ...rest } = (await answer.json()) as { results: { name: string; star_count: number }[] };
    expect(results.map((result) => result.name)).toEqual(["team/web", "webshop"]);
    expect(results[0]).toMatchObject({ description: "", star_count: 0, is_official: false, is_automated: false });
    expect(rest).toEqual({ num_pages: 1, num_results: 2, page: 1, page_size: 25, query: "WEB" });
    expect((await registry.call("GET", "/v1/search?q=web", { as: "nobody" })).status).toBe(401);
  });
});

describe("what is open", () => {
  test("is the front, the certificate and whether it lives", async () => {
    const registry = makeRegistry();

    const front = await registry.call("GET", "/", { as: "nobody" });
    const certificate = await registry.call("GET", "/ca.crt", { as: "nobody" });
    const live = await registry.call("GET", "/livez", { as: "nobody" });

    expect([front.status, certificate.status, live.status]).toEqual([200, 200, 200]);
    expect(await certificate.text()).toStartWith("-----BEGIN CERTIFICATE-----");
    expect(await live.text()).toBe("ok\n");
  });

  test("says so while the registry does not serve, or has no certificate of its own", async () => {
    const registry = makeRegistry({}, { ready: () => false, caPem: () => undefined });

    expect((await registry.call("GET", "/livez")).status).toBe(503);
    expect((await registry.call("GET", "/ca.crt")).status).toBe(404);
  });
});
