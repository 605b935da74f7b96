import { describe, expect, test } from "bun:test";
import { digestOf } from "../../src/core/digest.ts";
import { RegistryError } from "../../src/core/error.ts";
import { errorCode, pushBlob } from "./content.ts";
import { makeRegistry, type TestRegistry } from "./registry.ts";

const hello = digestOf(new TextEncoder().encode("hello"));

async function startUpload(registry: TestRegistry, as: "alice" | "bob" = "alice"): Promise<string> {
  const answer = await registry.call("POST", "/v2/a/app/blobs/uploads/", { as });
  expect(answer.status).toBe(202);
  return answer.headers.get("location") ?? "";
}

describe("UPL-01: an upload", () => {
  test("is there for who started it only, and in its repository only", async () => {
    const registry = makeRegistry();
    const location = await startUpload(registry, "bob");
    const elsewhere = location.replace("/a/app/", "/b/app/");

    for (const method of ["GET", "PATCH", "PUT", "DELETE"]) {
      const query = method === "PUT" ? `?digest=${hello}` : "";
      const byOther = await registry.call(method, `${location}${query}`, { as: "alice" });
      const inOther = await registry.call(method, `${elsewhere}${query}`, { as: "bob" });
      expect([byOther.status, inOther.status]).toEqual([404, 404]);
      if (method !== "GET") expect(await errorCode(byOther)).toBe("BLOB_UPLOAD_UNKNOWN");
    }
    expect((await registry.call("GET", location, { as: "bob" })).status).toBe(204);
  });
});

describe("UPL-02: a chunk", () => {
  const chunks: readonly [string, string, number][] = [
    ["0-2", "hel", 202],
    ["bytes 0-2/5", "hel", 202],
    ["bytes=0-2", "hel", 202],
    ["1-3", "hel", 416],
    ["5-7", "hel", 416],
    ["0-9", "hel", 400],
    ["0-1", "hel", 400],
    ["0-", "hel", 400],
    ["-3", "hel", 400],
    ["2-0", "hel", 400],
    ["x", "hel", 400],
    ["0-2, 3-5", "hel", 400],
    ["0-99999999999999999999", "hel", 400],
  ];
  test.each(chunks)("at %p with the body %p gets %p", async (range, body, status) => {
    const registry = makeRegistry();
    const location = await startUpload(registry);

    const answer = await registry.call("PATCH", location, { body, headers: { "content-range": range } });

    expect(answer.status).toBe(status);
    const ended = await registry.call("PUT", `${location}?digest=${hello}`, {
      body: status === 202 ? "lo" : "hello",
    });
    expect(ended.status).toBe(201);
  });

  test("that comes while another one is on its way is refused, and the digest is right in the end", async () => {
    const registry = makeRegistry();
    for (let round = 0; round < 50; round++) {
      const location = await startUpload(registry);

      const answers = await Promise.all([
        registry.call("PATCH", location, { body: "hello" }),
        registry.call("PATCH", location, { body: "hello", headers: { "content-range": "0-4" } }),
      ]);

      const statuses = answers.map((answer) => answer.status).toSorted((one, other) => one - other);
      expect(statuses[0]).toBe(202);
      expect([409, 416]).toContain(statuses[1] ?? 0);
      expect((await registry.call("PUT", `${location}?digest=${hello}`)).status).toBe(201);
    }
  });

  test("behind the end of an upload finds none", async () => {
    const registry = makeRegistry();
    const location = await startUpload(registry);
    await registry.call("PUT", `${location}?digest=${hello}`, { body: "hello" });

    const patched = await registry.call("PATCH", location, { body: "hello" });
    const again = await registry.call("PUT", `${location}?digest=${hello}`, { body: "hello" });

    expect([patched.status, again.status]).toEqual([404, 404]);
  });
});

describe("UPL-04: open uploads", () => {
  test("beyond the number that one may have are refused, and others may go on", async () => {
    const registry = makeRegistry({ uploadsPerPrincipal: 3 });
    for (let count = 0; count < 3; count++) await startUpload(registry);

    const answer = await registry.call("POST", "/v2/a/app/blobs/uploads/");

    expect(answer.status).toBe(429);
    expect(await errorCode(answer)).toBe("TOOMANYREQUESTS");
    await startUpload(registry, "bob");
  });
});

describe("UPL-07: a full disk", () => {
  test("refuses a push with the reason, and serves pulls", async () => {
    let isFull = false;
    const assertRoomFor = async (): Promise<void> => {
      if (isFull) throw new RegistryError("DENIED", "the registry's disk is nearly full");
    };
    const registry = makeRegistry({}, { reserve: { assertRoomFor } });
    const digest = await pushBlob(registry, "a/app", "hello");
    isFull = true;

    const pushed = await registry.call("POST", "/v2/a/app/blobs/uploads/");
    const pulled = await registry.call("GET", `/v2/a/app/blobs/${digest}`);

    expect(pushed.status).toBe(403);
    expect(await pushed.text()).toContain("nearly full");
    expect(pulled.status).toBe(200);
  });
});

describe("UPL-09: nothing at all", () => {
  test("is refused under the digest of something, and is a blob under its own", async () => {
    const registry = makeRegistry();
    const empty = digestOf(new Uint8Array(0));

    const wrong = await registry.call("POST", `/v2/a/app/blobs/uploads/?digest=${hello}`, { body: "" });
    const right = await registry.call("POST", `/v2/a/app/blobs/uploads/?digest=${empty}`, { body: "" });

    expect([wrong.status, right.status]).toEqual([400, 201]);
    const head = await registry.call("HEAD", `/v2/a/app/blobs/${empty}`);
    expect(head.headers.get("content-length")).toBe("0");
  });
});

describe("UPL-10: a query that says two things", () => {
  test.each([
    [`mount=${hello}&mount=${hello}`, "DIGEST_INVALID"],
    [`mount=${hello}&from=a&from=b`, "NAME_INVALID"],
    [`mount=${hello}&from=../b`, "NAME_INVALID"],
    [`mount=${hello}&digest=${hello}`, "DIGEST_INVALID"],
    [`digest=${hello}&digest=${hello}`, "DIGEST_INVALID"],
  ])("such as %.30s… is refused with %s", async (query, code) => {
    const registry = makeRegistry();

    const answer = await registry.call("POST", `/v2/a/app/blobs/uploads/?${query}`, { body: "hello" });

    expect(answer.status).toBe(400);
    expect(await errorCode(answer)).toBe(code);
    expect((await registry.metadata.totals()).openUploads).toBe(0);
  });
});
