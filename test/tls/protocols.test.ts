import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { domainToASCII } from "node:url";
import { type Listener, listen } from "../../src/http/listener.ts";
import { createAuthority, createServerKey, issueServerCertificate } from "../../src/pki/certificate-authority.ts";
import { type ClientHello, clientHello, send } from "./client-hello.ts";

setDefaultTimeout(120_000);

let listener: Listener & { readonly port: number };
let rootPem: string;

beforeAll(async () => {
  const now = Date.now();
  const authority = await createAuthority({ hostNames: ["localhost"], suffixes: [], publicAddresses: [] }, now);
  rootPem = authority.rootPem;
  const keyPem = await createServerKey();
  const pair = async (name: string) => ({
    certificatePem: await issueServerCertificate(authority, { names: [name], serverKeyPem: keyPem, now }),
    keyPem,
    serverNames: [name],
  });
  listener = listen({
    address: { host: "127.0.0.1", port: 0 },
    tls: [await pair("localhost"), await pair("second.test")],
    handle: () => new Response("here"),
  }) as typeof listener;
});

afterAll(() => listener.stop(0));

async function output(command: readonly string[]): Promise<string> {
  const child = Bun.spawn([...command], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const texts = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  await child.exited;
  return texts.join("");
}

async function isServing(): Promise<boolean> {
  const answer = await fetch(`https://localhost:${listener.port}/`, { tls: { ca: rootPem }, proxy: false });
  return (await answer.text()) === "here";
}

function text(value: string): Uint8Array {
  return Buffer.from(value, "latin1");
}

describe("TLS-02: what the listener speaks", () => {
  let scan: string;
  beforeAll(async () => {
    scan = await output(["sslscan", "--no-colour", `127.0.0.1:${listener.port}`]);
  });

  test("is TLS 1.2 and 1.3 and nothing older", () => {
    const protocols = [...scan.matchAll(/^((?:SSL|TLS)v[\d.]+ +(?:enabled|disabled))$/gm)].map(([line]) =>
      line.replace(/ +/, " "),
    );

    expect(protocols).toEqual([
      "SSLv2 disabled",
      "SSLv3 disabled",
      "TLSv1.0 disabled",
      "TLSv1.1 disabled",
      "TLSv1.2 enabled",
      "TLSv1.3 enabled",
    ]);
  });

  test("has forward secrecy and authenticated encryption, whatever the client offers", () => {
    const suites = [...scan.matchAll(/^(?:Preferred|Accepted) +TLSv1\.\d +\d+ bits +(\S+)/gm)].map(
      ([, name = ""]) => name,
    );

    expect(suites.length).toBeGreaterThanOrEqual(6);
    expect(suites.filter((name) => !/^TLS_(?:AES|CHACHA20)|^ECDHE-\w+-(?:AES\d+-GCM|CHACHA20)/.test(name))).toEqual([]);
  });

  test("is neither renegotiated nor compressed", async () => {
    expect(scan).toContain("Session renegotiation not supported");
    expect(await output(["openssl", "s_client", "-tls1_2", "-connect", `127.0.0.1:${listener.port}`])).toContain(
      "Compression: NONE",
    );
  });

  // The names of OpenSSL; security level 0 lets it offer them at all.
  test.each([
    "AES128-SHA",
    "AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-ECDSA-AES128-SHA256",
    "DHE-RSA-AES256-GCM-SHA384",
    "ADH-AES256-SHA",
    "AECDH-AES256-SHA",
    "ECDHE-ECDSA-NULL-SHA",
    "NULL-SHA",
    "PSK-AES128-CBC-SHA",
  ])("is not %s", async (suite) => {
    const cipher = ["-cipher", `${suite}@SECLEVEL=0`];
    const answer = await output([
      "openssl",
      "s_client",
      "-tls1_2",
      ...cipher,
      "-connect",
      `127.0.0.1:${listener.port}`,
    ]);

    expect(answer).toMatch(/alert handshake failure|no ciphers available|no cipher match/);
    expect(answer).not.toContain("BEGIN CERTIFICATE");
  });

  test.each(["-tls1", "-tls1_1"])("is not %s of an old client", async (version) => {
    const answer = await output([
      "openssl",
      "s_client",
      version,
      "-cipher",
      "ALL@SECLEVEL=0",
      "-connect",
      `127.0.0.1:${listener.port}`,
    ]);

    expect(answer).toMatch(/alert protocol version/);
  });
});

describe("TLS-03: a greeting that means harm", () => {
  const greetings: readonly (readonly [string, ClientHello])[] = [
    ["no name", {}],
    ["a good name", { serverName: text("second.test") }],
    ["a name of 255 bytes", { serverName: text("a".repeat(255)) }],
    ["a name of 60,000 bytes", { serverName: text("a".repeat(60_000)) }],
    ["a name with a NUL", { serverName: text("second.test\0.evil.test") }],
    ["a name that is a NUL", { serverName: text("\0") }],
    ["an empty name", { serverName: text("") }],
    ["an internationalised name, as it is written", { serverName: Buffer.from("bücher.test", "utf8") }],
    ["an internationalised name, as it is sent", { serverName: text(domainToASCII("bücher.test")) }],
    ["an IPv4 address as the name", { serverName: text("127.0.0.1") }],
    ["an IPv6 address as the name", { serverName: text("[::1]") }],
    ["a wildcard as the name", { serverName: text("*.test") }],
    ["a path as the name", { serverName: text("../../etc/passwd") }],
    ["ALPN h2", { protocols: [text("h2")] }],
    ["ALPN spdy", { protocols: [text("spdy/3.1"), text("spdy/1")] }],
    ["ALPN of random bytes", { protocols: [randomBytes(255), randomBytes(1)] }],
    ["ALPN of an empty protocol", { protocols: [text("")] }],
    ["ALPN of 60,000 bytes", { protocols: Array.from({ length: 235 }, () => randomBytes(255)) }],
    ["ALPN whose length is a lie", { rawProtocols: Buffer.from([0xff, 0xff, 1, 0x68]) }],
    ["ALPN that is rubbish", { rawProtocols: randomBytes(64) }],
  ];
  test.each(greetings)("with %s is answered or refused, and others are served", async (_, hello) => {
    expect(["handshake", "alert", "closed"]).toContain(await send(listener.port, clientHello(hello)));
    expect(await isServing()).toBeTrue();
  });

  test("is told from a good one: a name that is there, and none at all, are answered", async () => {
    expect(await send(listener.port, clientHello({ serverName: text("second.test") }))).toBe("handshake");
    expect(await send(listener.port, clientHello({}))).toBe("handshake");
    expect(await send(listener.port, clientHello({ protocols: [text("http/1.1")] }))).toBe("handshake");
  });

  test("a thousand times with other random names, none of which brings it down", async () => {
    for (let round = 0; round < 20; round++) {
      const names = Array.from({ length: 50 }, () => randomBytes(1 + ((round * 13) % 255)));
      await Promise.all(names.map((serverName) => send(listener.port, clientHello({ serverName }))));
    }
    expect(await isServing()).toBeTrue();
  });

  test("of 64 KiB of random bytes, or a record of another kind, ends that connection alone", async () => {
    for (const bytes of [
      randomBytes(65_536),
      Buffer.concat([Buffer.from([0x16, 3, 1, 0xff, 0xff]), randomBytes(65_535)]),
    ])
      expect(["alert", "closed"]).toContain(await send(listener.port, bytes));
    expect(await isServing()).toBeTrue();
  });
});

describe("TLS-01: plain HTTP on the port of TLS", () => {
  test("is not answered with anything that is the registry's", async () => {
    const child = await output(["curl", "-sS", "-i", "--max-time", "10", `http://127.0.0.1:${listener.port}/v2/`]);

    expect(child).not.toContain("here");
    expect(child).not.toMatch(/^HTTP\/1\.1 [23]/);
    expect(await isServing()).toBeTrue();
  });
});
