import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { PkiFolder } from "../../src/process/pki-folder.ts";
import {
  ask,
  type CertificateRegistry,
  clock,
  dayMs,
  fileWith,
  foreignAuthority,
  type Issued,
  openRaw,
  serverMaterial,
  shownName,
  type Shown,
  signed,
  signedFor,
  startRegistry,
} from "./client-certificates.ts";
import { tmpdir } from "node:os";
import { listenForCertificates } from "../../src/http/client-certificate-listener.ts";
import { AddressInUseError } from "../../src/http/listener.ts";
import { readClientCertificate } from "../../src/pki/client-certificate.ts";
import { preparePrivateSockets } from "../../src/process/private-sockets.ts";
import { RawClient } from "./raw-client.ts";
import { type ClientAuthority, openClientAuthority } from "../../src/pki/client-authority.ts";

const clientAuth = "1.3.6.1.5.5.7.3.2";
const serverAuth = "1.3.6.1.5.5.7.3.1";

let registry: CertificateRegistry;
let alice: Issued;

function basic(name: string): string {
  return `Authorization: Basic ${btoa(`${name}:secret of ${name}`)}`;
}

function requestsIn(lines: readonly string[]): number {
  return lines.filter((line) => line.includes('"request"')).length;
}

/** Who a certificate of another authority is to the registry. */
async function outcomeFor(authority: ClientAuthority, name: string): Promise<string> {
  const { status, body } = await ask(registry, await signed(authority, name), "/v2/_catalog");
  return `${name} ${status} ${/"principal":"(\w+)"/.exec(registry.lines.at(-1) ?? "")?.[1] ?? body}`;
}

function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

const folders: string[] = [];

function freshSockets(): ReturnType<typeof preparePrivateSockets> {
  const folder = mkdtempSync(join(tmpdir(), "dozo-sockets-"));
  folders.push(folder);
  return preparePrivateSockets(join(folder, "control.sock"));
}

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

describe("a listener that demands client certificates", () => {
  beforeAll(async () => {
    registry = await startRegistry();
    alice = await registry.issue("alice");
  });

  afterAll(() => registry.stop());

  test("knows the user by the certificate, without a password", async () => {
    expect(await ask(registry, alice, "/v2/_catalog")).toMatchObject({ status: 200, body: '{"repositories":[]}' });
    expect(registry.lines.at(-1)).toContain('"principal":"alice"');
    expect(registry.lines.at(-1)).toContain(`"certificate":"${alice.serial}"`);
    expect(registry.lines.at(-1)).toContain('"client":"127.0.0.1"');
  });

  test("gives each user what is theirs: bob may not delete", async () => {
    const bob = await registry.issue("bob");
    const client = await openRaw(registry, bob);
    client.write("DELETE /v2/team/app/manifests/latest HTTP/1.1\r\nHost: localhost\r\n\r\n");

    expect(await client.answer()).toMatchObject({ status: 403 });

    await client.close();
  });

  test("refuses 60 of 60 without a certificate that counts, and no handler sees a request of theirs", async () => {
    const own = await openClientAuthority(new PkiFolder(join(registry.data, "pki")), clock);
    const foreign = await foreignAuthority();
    const revoked = await registry.issue("alice");
    await registry.app.administration.revokeClientCertificates({ serial: revoked.serial });
    const intermediate = readFileSync(join(registry.data, "pki/ca.crt"), "utf8");
    const intermediateKey = readFileSync(join(registry.data, "pki/ca.key"), "utf8");
    const kinds: readonly (readonly [string, Partial<Shown>])[] = [
      ["none", {}],
      ["another authority's", await signed(foreign, "alice")],
      ["ended", await signed(own, "alice", clock.now() - 3 * dayMs)],
      ["revoked", revoked],
      ["not in the list", await signed(own, "alice")],
      [
        "the server's own",
        {
          cert: readFileSync(join(registry.data, "pki/server.crt"), "utf8"),
          key: readFileSync(join(registry.data, "pki/server.key"), "utf8"),
        },
      ],
      [
        "signed by the server's intermediate",
        await signedFor({ certificatePem: intermediate, keyPem: intermediateKey }, clientAuth),
      ],
      ["of the authority, for servers", await signedFor(own, serverAuth)],
      [
        "under the authority's name, by another key",
        await signedFor({ ...foreign, certificatePem: own.certificatePem }, clientAuth),
      ],
      ["of tomorrow", await signed(own, "alice", clock.now() + dayMs)],
    ];
    const before = requestsIn(registry.lines);

    const answers = await Promise.all(
      kinds.flatMap(([kind, shown]) =>
        Array.from({ length: 6 }, async () => [kind, (await ask(registry, shown, "/livez")).status] as const),
      ),
    );

    expect(answers).toEqual(kinds.flatMap(([kind]) => Array.from({ length: 6 }, () => [kind, 403] as const)));
    expect(answers).toHaveLength(60);
    expect(requestsIn(registry.lines)).toBe(before);
  });

  test("says in the registry's own form what is missing", async () => {
    const { body } = await ask(registry, {});

    expect(JSON.parse(body)).toMatchObject({ errors: [{ code: "DENIED" }] });
    expect(body).toContain("client.cert and client.key");
  });

  test("a certificate that is revoked is refused on the connection that is open", async () => {
    const other = await registry.issue("alice");
    const client = await openRaw(registry, other);
    const request = "GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n";
    client.write(request);
    expect((await client.answer()).status).toBe(200);

    await registry.app.administration.revokeClientCertificates({ serial: other.serial });
    client.write(request);

    const answer = await client.answer();
    expect(answer.status).toBe(403);
    expect(answer.body).toContain("was revoked");
    expect(answer.headers.get("www-authenticate")).toBeUndefined();
    await client.close();
  });

  test("a removed user's certificate is refused at the next request, and stays so for who gets the name", async () => {
    const { administration } = registry.app;
    await administration.addUser({ name: "carol", password: "secret of carol", isAdmin: false });
    const carol = await registry.issue("carol");
    const client = await openRaw(registry, carol);
    const request = "GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n";
    client.write(request);
    expect((await client.answer()).status).toBe(200);

    await administration.removeUser("carol");
    client.write(request);
    expect((await client.answer()).status).toBe(403);
    await administration.addUser({ name: "carol", password: "secret of carol", isAdmin: true });
    client.write(request);
    expect((await client.answer()).status).toBe(403);

    expect((await ask(registry, carol)).status).toBe(403);
    await client.close();
  });

  test("a password beside the certificate has to be right, and of the same user", async () => {
    expect((await ask(registry, alice, "/v2/", [basic("alice")])).status).toBe(200);
    expect((await ask(registry, alice, "/v2/", [basic("bob")])).status).toBe(403);
    expect((await ask(registry, alice, "/v2/", ["Authorization: Basic YWxpY2U6Z3Vlc3M="])).status).toBe(401);
  });

  test("nothing that a client sends makes it somebody else", async () => {
    const bob = await registry.issue("bob");
    const names = [
      "X-Client-Cert",
      "X-SSL-Client-S-DN",
      "X-Forwarded-User",
      "X-Remote-User",
      "Client-Cert",
      "Forwarded",
    ];
    const headers = [...names.map((name) => `${name}: CN=alice`), "X-Forwarded-For: 127.0.0.1, 10.9.9.9"];

    expect((await ask(registry, bob, "/v2/", headers)).status).toBe(200);
    expect(registry.lines.at(-1)).toContain('"principal":"bob"');
    expect(registry.lines.at(-1)).toContain('"client":"127.0.0.1"');
  });

  test.each([
    [
      "two lengths",
      "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /livez HTTP/1.1\r\nHost: h\r\n\r\n",
    ],
    ["a preface as proxies send it", "PROXY TCP4 10.9.9.9 127.0.0.1 1 2\r\nGET /v2/ HTTP/1.1\r\nHost: h\r\n\r\n"],
    ["a line feed alone", "GET /v2/ HTTP/1.1\nHost: h\nX-Client-Cert: alice\n\n"],
  ])("a request that smuggles another with %s ends the connection", async (_, text) => {
    const client = await openRaw(registry, alice);
    client.write(text);

    expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 (?:400|505)/);
  });

  test("two requests at once on one connection are both the certificate's", async () => {
    const client = await openRaw(registry, alice);
    const request = "GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n";
    client.write(request + request);

    expect([(await client.answer()).status, (await client.answer()).status]).toEqual([200, 200]);
    await client.close();
  });

  test("two users at once are not mixed up", async () => {
    const bob = await registry.issue("bob");
    const before = registry.lines.length;

    await Promise.all(
      Array.from({ length: 20 }, (_, n) => ask(registry, n % 2 === 0 ? alice : bob, `/v2/x${n}/tags/list`)),
    );

    const seen = registry.lines.slice(before).filter((line) => line.includes('"request"'));
    const wrong = seen.filter((line) => {
      const number = Number(/"repository":"x(\d+)"/.exec(line)?.[1]);
      return !line.includes(`"principal":"${number % 2 === 0 ? "alice" : "bob"}"`);
    });
    expect(seen).toHaveLength(20);
    expect(wrong).toEqual([]);
  });

  test("the private sockets are gone as soon as a connection stands, and their folder is the owner's", async () => {
    const client = await openRaw(registry, alice);
    client.write("GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await client.answer();

    expect(readdirSync(join(registry.data, "run"))).toEqual(["control.sock"]);
    expect(statSync(join(registry.data, "run")).mode & 0o777).toBe(0o700);
    await client.close();
  });

  test("a client that ends its side gets its answer; one that goes away leaves nothing behind", async () => {
    const client = await openRaw(registry, alice);
    client.write("GET /v2/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 200/);

    const before = descriptors();
    const clients = await Promise.all(Array.from({ length: 10 }, () => openRaw(registry, alice)));
    for (const each of clients) each.write("GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await Promise.all(clients.map((each) => each.answer()));
    await Promise.all(clients.map((each) => each.close()));
    while (descriptors() > before) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  test("a listener beside it that demands none goes on asking for passwords", async () => {
    const answer = await fetch(`https://127.0.0.1:${registry.plainPort}/v2/`, {
      tls: { ...alice, rejectUnauthorized: false },
    });

    expect(answer.status).toBe(401);
  });

  test("64 MB go up and come down with the same digest", async () => {
    const bytes = randomBytes(64 * 1024 * 1024);
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    const url = `https://127.0.0.1:${registry.port}/v2/big/blobs`;
    const tls = { ...alice, rejectUnauthorized: false };

    const started = await fetch(`${url}/uploads/`, { method: "POST", tls });
    const place = new URL(started.headers.get("location") ?? "", url);
    place.searchParams.set("digest", digest);
    const pushed = await fetch(place, { method: "PUT", body: bytes, tls });
    const pulled = await fetch(`${url}/${digest}`, { tls });

    expect(pushed.status).toBe(201);
    expect(
      createHash("sha256")
        .update(await pulled.bytes())
        .digest("hex"),
    ).toBe(digest.slice(7));
  });
});

describe("with an authority of the operator's", () => {
  let company: ClientAuthority;

  beforeAll(async () => {
    company = await foreignAuthority();
    const clientUsers = ["cn:build-*=bob", "cn:boss=alice", { match: "cn:root", user: "alice", admin: true }];
    registry = await startRegistry({ clientUsers }, (folder) => ({
      clientCa: fileWith(folder, "company.pem", company.certificatePem),
    }));
  });

  afterAll(() => registry.stop());

  test("its certificates stand for whom the rules say, and never for an admin by default", async () => {
    expect(await outcomeFor(company, "build-7")).toBe("build-7 200 bob");
    expect(await outcomeFor(company, "root")).toBe("root 200 alice");
    expect(await outcomeFor(company, "boss")).toMatch(/^boss 403 .*leads to an admin/);
    expect(await outcomeFor(company, "alice")).toMatch(/^alice 403 .*no rule of clientUsers/);
  });

  test("a rule is for that authority only: another's certificate of the same name is refused", async () => {
    expect(await outcomeFor(await foreignAuthority(), "build-7")).toMatch(/^build-7 403 .*does not trust/);
  });

  test("its certificates for servers are refused, and dozo's own are known as before", async () => {
    const forServers = await signedFor(company, serverAuth);

    expect((await ask(registry, forServers)).status).toBe(403);
    expect((await ask(registry, await registry.issue("bob"))).status).toBe(200);
  });
});

test("another certificate of the server's is shown to new connections, and those that stand go on", async () => {
  const handled: string[] = [];
  const own = await foreignAuthority();
  const first = await serverMaterial("first");
  const listener = await listenForCertificates({
    address: { host: "127.0.0.1", port: 0 },
    tls: [first, { ...(await serverMaterial("named")), serverNames: ["named.test"] }],
    authorities: [own.certificatePem],
    handle: (_, client) => {
      handled.push(client.certificate?.serial ?? "nobody");
      return new Response("ok");
    },
    identify: async (der) => readClientCertificate(der, own.certificatePem),
    sockets: freshSockets(),
    onRefused: () => undefined,
  });
  const target = { port: listener.port ?? 0, tls: true, ...(await signed(own, "alice")) };
  const request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const held = await RawClient.open(target);
  expect(await shownName(target)).toBe("first");
  expect(await shownName(target, "named.test")).toBe("named");

  listener.replaceCertificate([await serverMaterial("second")]);

  expect(await shownName(target)).toBe("second");
  expect(await shownName(target, "named.test")).toBe("second");
  held.write(request);
  expect((await held.answer()).status).toBe(200);
  const stranger = await RawClient.open({ port: target.port, tls: true });
  stranger.write(request);
  expect((await stranger.answer()).status).toBe(403);
  expect(handled).toHaveLength(1);
  await listener.stop(0);
  expect(await held.untilClosed()).toBe("");
});

test("a stop lets the request in flight end, and takes no new connection", async () => {
  const own = await foreignAuthority();
  const begun = Promise.withResolvers<undefined>();
  const answer = Promise.withResolvers<Response>();
  const listener = await listenForCertificates({
    address: { host: "127.0.0.1", port: 0 },
    tls: [await serverMaterial("first")],
    authorities: [own.certificatePem],
    handle: () => {
      begun.resolve(undefined);
      return answer.promise;
    },
    identify: async (der) => readClientCertificate(der, own.certificatePem),
    sockets: freshSockets(),
    onRefused: () => undefined,
  });
  const target = { port: listener.port ?? 0, tls: true, ...(await signed(own, "alice")) };
  const client = await RawClient.open(target);
  client.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await begun.promise;

  const stopped = listener.stop(5000);
  const refused = await RawClient.open(target).catch((error: unknown) => error);
  answer.resolve(new Response("whole"));

  expect(refused).toBeInstanceOf(Error);
  expect((await client.answer()).body).toBe("whole");
  await stopped;
});

test("a port that somebody else has is an error in words", async () => {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  const taken = listenForCertificates({
    address: { host: "127.0.0.1", port: server.port ?? 0 },
    tls: [await serverMaterial("first")],
    authorities: [],
    handle: () => new Response(),
    identify: async () => "nobody",
    sockets: { fresh: () => "", remove: () => undefined },
    onRefused: () => undefined,
  });

  expect(await taken.catch((error: unknown) => error)).toBeInstanceOf(AddressInUseError);
  await server.stop(true);
});

test("a flood of handshakes that never end does not keep out who has a certificate, and leaves nothing behind", async () => {
  const own = await foreignAuthority();
  const listener = await listenForCertificates({
    address: { host: "127.0.0.1", port: 0 },
    tls: [await serverMaterial("first")],
    authorities: [own.certificatePem],
    handle: () => new Response("in"),
    identify: async (der) => readClientCertificate(der, own.certificatePem),
    sockets: freshSockets(),
    onRefused: () => undefined,
  });
  const port = listener.port ?? 0;
  const flood: RawClient[] = [];
  for (let batch = 0; batch < 16; batch += 1) {
    flood.push(...(await Promise.all(Array.from({ length: 100 }, () => RawClient.open({ port })))));
  }

  const client = await RawClient.open({ port, tls: true, ...(await signed(own, "alice")) });
  client.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");

  expect((await client.answer()).body).toBe("in");
  await Promise.all([listener.stop(0), ...flood.map((each) => each.untilClosed())]);
});
