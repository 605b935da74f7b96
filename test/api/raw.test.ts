import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { digestOf } from "../../src/core/digest.ts";
import { type Listener, listen } from "../../src/http/listener.ts";
import { createAuthority, createServerKey, issueServerCertificate } from "../../src/pki/certificate-authority.ts";
import { exchangeRaw, RawClient, type RawTarget } from "./raw-client.ts";
import { credentialsOf, makeRegistry, type TestRegistry } from "./registry.ts";
import { pushImage } from "./content.ts";

const alice = `Authorization: ${credentialsOf("alice")}\r\n`;
const host = "Host: registry.test\r\n";
/** What must never run: a request hidden in another one's body. */
const canary = `PUT /v2/canary/manifests/v1 HTTP/1.1\r\n${host}${alice}Content-Length: 2\r\n\r\n{}`;
const upload = "/v2/a/blobs/uploads/";

let registry: TestRegistry;
let listener: Listener;
let target: RawTarget;

beforeAll(async () => {
  registry = makeRegistry();
  await pushImage(registry, "a", "v1");
  listener = listen({ address: { host: "127.0.0.1", port: 0 }, tls: undefined, handle: registry.handle });
  target = { port: listener.port ?? 0 };
});

afterAll(async () => {
  await listener.stop(0);
});

function canaryRan(): boolean {
  return registry.lines.some((line) => line.includes("canary/") || line.includes('"repository":"canary"'));
}

describe("RAW-01: a body whose length can be read in two ways", () => {
  const hidden = canary;
  const variants: readonly [string, string][] = [
    ["CL and TE", `Content-Length: ${hidden.length + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`],
    ["TE and CL", `Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n${hidden}`],
    ["two different CLs", `Content-Length: 0\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`],
    ["a list in CL", `Content-Length: 0,0\r\n\r\n${hidden}`],
    ["a signed CL", `Content-Length: +0\r\n\r\n${hidden}`],
    ["a hexadecimal CL", `Content-Length: 0x0\r\n\r\n${hidden}`],
    ["a negative CL", `Content-Length: -1\r\n\r\n${hidden}`],
    ["a CL of 2^64", `Content-Length: 18446744073709551616\r\n\r\n${hidden}`],
    ["a listed coding", `Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${hidden}`],
    ["an unknown coding", `Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${hidden}`],
    ["a coding behind a vertical tab", `Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n${hidden}`],
    ["two codings", `Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${hidden}`],
    ["a space before the colon", `Content-Length : 0\r\n\r\n${hidden}`],
    ["a folded header", `X: a\r\n Content-Length: 0\r\n\r\n${hidden}`],
    ["a bare line feed", `X: a\nContent-Length: 0\r\n\r\n${hidden}`],
    ["a bare carriage return", `X: a\rContent-Length: 0\r\n\r\n${hidden}`],
    ["NUL in a header", `X: a\0b\r\n\r\n${hidden}`],
    ["a name with a bracket", `X(y: a\r\n\r\n${hidden}`],
    ["a hexadecimal chunk size", `Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n${hidden}`],
    ["a chunk size beyond 64 bits", `Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx\r\n0\r\n\r\n${hidden}`],
    ["a negative chunk size", `Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n${hidden}`],
    ["a chunk without its end", `Transfer-Encoding: chunked\r\n\r\n1\r\nx0\r\n\r\n${hidden}`],
    [
      "a chunk extension of 1 MiB",
      `Transfer-Encoding: chunked\r\n\r\n1;${"e".repeat(1 << 20)}\r\nx\r\n0\r\n\r\n${hidden}`,
    ],
  ];
  test.each(variants)("such as %s ends the connection, and what is hidden in it does not run", async (_, rest) => {
    const client = await RawClient.open(target);

    client.write(`POST ${upload} HTTP/1.1\r\n${host}${alice}${rest}`);
    const received = await client.untilClosed(15_000);

    expect(received.match(/HTTP\/1\.1 (?!100)\d{3}/g)?.length ?? 0).toBeLessThanOrEqual(2);
    expect(canaryRan()).toBe(false);
  });
});

describe("RAW-02: trailers", () => {
  test("are not headers: nobody is logged in by one", async () => {
    const client = await RawClient.open(target);
    const trailers = `${alice}Content-Length: 5\r\nHost: evil\r\n__proto__: x\r\n`;

    client.write(`POST ${upload} HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n${trailers}\r\n`);

    expect((await client.answer()).status).toBe(401);
    await client.close();
  });
});

describe("RAW-03 and DOS-05: a body that nobody wants", () => {
  test("of a small size is thrown away, and the next request is not parsed out of it", async () => {
    for (const method of ["GET", "DELETE", "PUT"]) {
      const client = await RawClient.open(target);
      client.write(
        `${method} /v2/a/tags/list HTTP/1.1\r\n${host}${alice}Content-Length: ${canary.length}\r\n\r\n${canary}`,
      );
      client.write(`GET /livez HTTP/1.1\r\n${host}\r\n`);

      expect((await client.answer()).status).toBe(method === "GET" ? 200 : 405);
      expect((await client.answer()).body).toBe("ok\n");
      await client.close();
    }
    expect(canaryRan()).toBe(false);
  });

  const refused: readonly [string, number, string][] = [
    ["without credentials", 401, `PUT ${upload}x HTTP/1.1\r\n${host}`],
    ["for a name that is none", 400, `PUT /v2/A/manifests/v1 HTTP/1.1\r\n${host}${alice}`],
    ["for an upload that is not there", 404, `PATCH ${upload}x HTTP/1.1\r\n${host}${alice}`],
    ["as a manifest that is too large", 413, `PUT /v2/a/manifests/v1 HTTP/1.1\r\n${host}${alice}`],
    ["where nothing is wanted", 200, `GET /livez HTTP/1.1\r\n${host}`],
  ];
  for (const [length, announced] of [
    ["10 GiB", "Content-Length: 10737418240"],
    ["chunks without end", "Transfer-Encoding: chunked"],
  ] as const) {
    test.each(refused)(`of ${length} %s gets %p, and the connection is closed`, async (_, status, head) => {
      const client = await RawClient.open(target);
      client.write(`${head}${announced}\r\n\r\n`);
      const chunk = "x".repeat(65_536);
      const piece = announced.startsWith("T") ? `10000\r\n${chunk}\r\n` : chunk;
      let sent = 0;
      const pump = (): void => {
        while (!client.isClosed && sent < 1 << 30) {
          sent += piece.length;
          if (!client.socket.write(piece, "latin1")) return void client.socket.once("drain", pump);
        }
      };
      pump();

      const received = await client.untilClosed();

      expect(received).toStartWith(`HTTP/1.1 ${status} `);
      expect(received).toContain("\r\nConnection: close\r\n");
      if (status >= 400) expect(received).toContain('{"errors":[{');
      expect(sent).toBeLessThan(64 << 20);
    });
  }
});

describe("RAW-04: a head that is too long", () => {
  test.each([
    ["a header of 40 kB", `GET /livez HTTP/1.1\r\n${host}X: ${"x".repeat(40_000)}\r\n\r\n`],
    ["500 headers", `GET /livez HTTP/1.1\r\n${host}${"X: y\r\n".repeat(500)}\r\n`],
    ["a line of 64 KiB", `GET /${"x".repeat(65_536)} HTTP/1.1\r\n${host}\r\n`],
    ["8,000 query keys", `GET /v2/_catalog?${"a=b&".repeat(8000)} HTTP/1.1\r\n${host}${alice}\r\n`],
  ])("such as %s is refused", async (_, text) => {
    const answer = await exchangeRaw(target, text);

    expect([400, 414, 431]).toContain(answer.status);
  });
});

describe("RAW-05: a request that is none of ours", () => {
  test.each([
    ["without a Host", `GET /livez HTTP/1.1\r\n\r\n`, [400]],
    ["with a Host that is none", `GET /livez HTTP/1.1\r\nHost: a@b\r\n\r\n`, [400]],
    ["with a Host that is a path", `GET /livez HTTP/1.1\r\nHost: /v2/x?\r\n\r\n`, [400]],
    ["OPTIONS *", `OPTIONS * HTTP/1.1\r\n${host}\r\n`, [400]],
    ["CONNECT", `CONNECT x:443 HTTP/1.1\r\n${host}\r\n`, [400, 405]],
    ["an upgrade to HTTP/2", `GET /livez HTTP/1.1\r\n${host}Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n`, [200]],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400, 505]],
    ["two Authorizations", `GET /v2/ HTTP/1.1\r\n${host}${alice}${alice}\r\n`, [400]],
    [
      "two Ranges",
      `GET /v2/a/blobs/${digestOf(new TextEncoder().encode("{}"))} HTTP/1.1\r\n${host}${alice}Range: bytes=0-0\r\nRange: bytes=1-1\r\n\r\n`,
      [400],
    ],
    ["TRACE", `TRACE / HTTP/1.1\r\n${host}\r\n`, [400, 405]],
  ])("such as %s is not served as one", async (_, text, statuses) => {
    const answer = await exchangeRaw(target, text);

    expect(statuses).toContain(answer.status);
  });

  test("a method that nobody knows is cut off", async () => {
    const client = await RawClient.open(target);
    client.write(`FOO / HTTP/1.1\r\n${host}\r\n`);

    expect(await client.untilClosed()).not.toContain("200");
  });

  test("two Hosts and a target with a host change nothing: no answer depends on one", async () => {
    const two = await exchangeRaw(target, `POST ${upload} HTTP/1.1\r\n${host}Host: evil\r\n${alice}\r\n`);
    const absolute = await exchangeRaw(target, `POST http://evil${upload} HTTP/1.1\r\n${host}${alice}\r\n`);

    for (const answer of [two, absolute]) {
      expect([202, 400]).toContain(answer.status);
      expect(JSON.stringify([...answer.headers])).not.toContain("evil");
    }
  });

  test("TLS on the plain port and plain text on the TLS port are closed", async () => {
    const now = Date.now();
    const authority = await createAuthority({ hostNames: ["localhost"], suffixes: [], publicAddresses: [] }, now);
    const keyPem = await createServerKey();
    const certificatePem = await issueServerCertificate(authority, { names: ["localhost"], serverKeyPem: keyPem, now });
    const address = { host: "127.0.0.1", port: 0 };
    const secure = listen({ address, tls: [{ certificatePem, keyPem }], handle: registry.handle });

    const plain = await RawClient.open({ port: secure.port ?? 0 });
    plain.write(`GET /livez HTTP/1.1\r\n${host}\r\n`);
    const hello = await RawClient.open(target);
    hello.write("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\r\n\r\n");

    expect(await plain.untilClosed(15_000)).not.toContain("HTTP/1.1 200");
    expect(await hello.untilClosed(15_000)).not.toContain("HTTP/1.1 200");
    await secure.stop(0);
  }, 40_000);
});

describe("RAW-06: Expect: 100-continue", () => {
  // The runtime sends the 100 by itself before the handler sees the request; so what can be had is that nothing of the
  // body is waited for.
  test("without credentials gets its 401 without a byte of the body", async () => {
    const client = await RawClient.open(target);
    client.write(`PUT ${upload}x HTTP/1.1\r\n${host}Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n`);

    expect((await client.answer()).status).toBe(401);
    await client.untilClosed();
  });
});

describe("RAW-07: pipelined requests", () => {
  test("are answered in order, each with its own", async () => {
    const client = await RawClient.open(target);
    const body = "hello";
    const requests = Array.from({ length: 100 }, (_, index) => {
      if (index % 3 === 0) return `GET /v2/ HTTP/1.1\r\n${host}\r\n`;
      if (index % 3 === 1) return `GET /livez HTTP/1.1\r\n${host}\r\n`;
      const digest = digestOf(new TextEncoder().encode(body + String(index)));
      const text = body + String(index);
      return `POST ${upload}?digest=${digest} HTTP/1.1\r\n${host}${alice}Content-Length: ${text.length}\r\n\r\n${text}`;
    });

    client.write(requests.join(""));

    for (let index = 0; index < 100; index++) {
      const answer = await client.answer();
      expect(answer.status).toBe([401, 200, 201][index % 3] ?? 0);
      if (index % 3 !== 2) continue;
      const digest = digestOf(new TextEncoder().encode(body + String(index)));
      expect(answer.headers.get("docker-content-digest")).toBe(digest);
    }
    await client.close();
  });
});
