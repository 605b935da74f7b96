import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Finding } from "../diagnosis/finding.ts";
import {
  type CertificateAuthority,
  createAuthority,
  createServerKey,
  issueServerCertificate,
} from "../pki/certificate-authority.ts";
import { readCertificates } from "../pki/trust-path.ts";
import { checkClocks, checkFirstAnswer } from "./answer-checks.ts";
import { checkCertificate, checkConnection } from "./connection-checks.ts";
import { type ConnectionFacts, seeConnection } from "./connection-facts.ts";
import { checkAnnouncement, checkExchange } from "./exchange-checks.ts";
import type { Exchange } from "./exchange-facts.ts";
import type { Examination } from "./examination.ts";
import { parseRegistryReference, type RegistryReference } from "./registry-reference.ts";

const dayMs = 86_400_000;
const now = Date.UTC(2026, 10, 23);

let authority: CertificateAuthority;
let serverKeyPem: string;
const servers: Server[] = [];

beforeAll(async () => {
  authority = await createAuthority({ hostNames: ["registry.lan"], suffixes: [], publicAddresses: [] }, now);
  serverKeyPem = await createServerKey();
});

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

function readReference(text: string): RegistryReference {
  const reference = parseRegistryReference(text);
  if (typeof reference === "string") throw new Error(reference);
  return reference;
}

async function portOf(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

const ids = (examinations: readonly Examination[]): readonly string[] =>
  examinations.flatMap(({ findings }) => findings.map(({ id }) => id));

async function look(registry: string): Promise<readonly string[]> {
  const reference = readReference(registry);
  return ids(checkConnection(reference, await seeConnection(reference)));
}

async function lookAtCertificate(
  name: string,
  names: readonly string[],
  issuedAt: number,
): Promise<readonly Finding[]> {
  const chain = await issueServerCertificate(authority, { names, serverKeyPem, now: issuedAt });
  return checkCertificate(`${name}:5000`, name, readCertificates(chain), now).findings;
}

describe("the way to a registry", () => {
  test("is seen up to its certificates, whoever signed them, and nothing is sent over it", async () => {
    const cert = await issueServerCertificate(authority, { names: ["localhost"], serverKeyPem, now: Date.now() });
    let received = 0;
    const server = createTlsServer({ cert, key: serverKeyPem }, (socket) => {
      socket.on("data", (bytes) => (received += bytes.length)).on("error", () => undefined);
    });
    const reference = readReference(`127.0.0.1:${await portOf(server)}`);

    const { tls } = await seeConnection(reference);

    expect(tls?.kind === "chain" ? tls.chain.length : tls).toBe(2);
    expect(received).toBe(0);
  });

  test.each([
    ["https://registry.lan:5000", "leave out https://"],
    ["registry.lan:5000/team", "leave out what begins with the slash: /team"],
    ["registry.lan:99999", "a port is a number"],
    ["registry.lan:", "it is not HOST or HOST:PORT"],
    ["-v", "it is not HOST or HOST:PORT"],
  ])("%s is no registry as image names have it", (text, problem) => {
    expect(parseRegistryReference(text)).toEqual(expect.stringContaining(problem));
  });
});

describe("a planted fault of the connection is found:", () => {
  test("a name that nobody knows", async () => {
    expect(await look("registry.dozo.invalid:5000")).toEqual(["name-unknown"]);
  });

  test("a closed port", async () => {
    const server = createServer();
    const port = await portOf(server);
    await new Promise((resolve) => server.close(resolve));
    servers.length = 0;

    expect(await look(`127.0.0.1:${port}`)).toContain("port-closed");
  });

  test("plain HTTP where TLS belongs", async () => {
    const server = createServer((socket) => {
      socket.on("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")).on("error", () => undefined);
    });

    expect(await look(`127.0.0.1:${await portOf(server)}`)).toEqual(["name-is-loopback", "plain-http"]);
  });

  test("something that is no TLS at all", async () => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined).end("SSH-2.0-OpenSSH_9.2\r\n");
    });

    expect(await look(`127.0.0.1:${await portOf(server)}`)).toEqual(["name-is-loopback", "not-tls"]);
  });

  test.each([
    ["a name server that says nothing", { nameFault: "silent" }, "name-server-silent"],
    ["a firewall that drops packets", attempts("silent"), "port-silent"],
    ["no way there", attempts("unreachable"), "host-unreachable"],
    ["one of two addresses that fails", attempts("open", "silent"), "address-fails"],
  ] as const)("%s", (_, seen, id) => {
    const facts: ConnectionFacts = {
      addresses: [],
      nameFault: undefined,
      attempts: [],
      tls: undefined,
      isPlainHttp: false,
      ...seen,
    };

    expect(ids(checkConnection(readReference("registry.lan:5000"), facts))).toEqual([id]);
  });
});

function attempts(...outcomes: readonly ("open" | "silent" | "unreachable")[]): Partial<ConnectionFacts> {
  const addresses = outcomes.map((_, index) => `10.0.0.${index + 1}`);
  const tried = outcomes.map((outcome, index) => ({ address: addresses[index] ?? "", outcome, code: "EHOSTUNREACH" }));
  return { addresses, attempts: tried };
}

describe("a certificate", () => {
  test("for the name, in its time, is not complained of", async () => {
    expect(await lookAtCertificate("registry.lan", ["registry.lan", "10.0.0.1"], now)).toEqual([]);
    expect(await lookAtCertificate("10.0.0.1", ["registry.lan", "10.0.0.1"], now)).toEqual([]);
  });

  test("for other names is a planted fault that is found, with the command that adds the name", async () => {
    const [finding] = await lookAtCertificate("other.lan", ["registry.lan"], now);

    expect(finding).toMatchObject({
      id: "name-not-in-certificate",
      fix: "on the server: dozo cert add-name other.lan",
    });
    expect(finding?.what).toContain("not for other.lan but for registry.lan");
  });

  test("for a name, asked by an address, is found", async () => {
    expect((await lookAtCertificate("10.0.0.1", ["registry.lan"], now))[0]?.id).toBe("name-not-in-certificate");
  });

  test("that has ended is found", async () => {
    const [finding] = await lookAtCertificate("registry.lan", ["registry.lan"], now - 100 * dayMs);

    expect(finding).toMatchObject({ id: "certificate-expired", severity: "error" });
    expect(finding?.fix).toContain("dozo cert renew");
  });

  test("that ends within days was not renewed, and is found", async () => {
    const [finding] = await lookAtCertificate("registry.lan", ["registry.lan"], now - 80 * dayMs);

    expect(finding).toMatchObject({ id: "certificate-ends-soon", severity: "warning" });
  });

  test("seen by a clock that is a year back is found to be the clock's fault", async () => {
    const [finding] = await lookAtCertificate("registry.lan", ["registry.lan"], now + 365 * dayMs);

    expect(finding).toMatchObject({ id: "certificate-not-yet-valid", severity: "error" });
    expect(finding?.fix).toContain("timedatectl");
  });
});

function answered(status: number, headers: Record<string, string>): Parameters<typeof checkFirstAnswer>[1] {
  return { status, headers: new Headers(headers), bytes: new Uint8Array() };
}

const dozoHeaders = {
  "www-authenticate": 'Basic realm="dozo", charset="UTF-8"',
  "docker-distribution-api-version": "registry/2.0",
};

describe("the first answer", () => {
  test("of dozo is not complained of", () => {
    expect(checkFirstAnswer("registry.lan", answered(401, dozoHeaders)).findings).toEqual([]);
  });

  test.each([
    ["another web server", answered(404, { server: "Apache" }), "not-a-registry"],
    ["a page for everybody", answered(200, {}), "not-a-registry"],
    ["a redirect", answered(301, { location: "/login" }), "not-a-registry"],
    ["a proxy that does not reach the registry", answered(502, {}), "registry-fails"],
    ["a registry that cannot work", answered(503, dozoHeaders), "registry-fails"],
    [
      "a proxy with a login of its own",
      answered(401, { "www-authenticate": 'Basic realm="Staff"' }),
      "proxy-changes-challenge",
    ],
    ["silence", "no answer in time", "not-a-registry"],
  ])("that shows %s is a planted fault that is found", (_, answer, id) => {
    expect(ids([checkFirstAnswer("registry.lan", answer)])).toEqual([id]);
  });

  test("of a listener that demands a client certificate is said in its words, with the command that makes one", () => {
    const refusal = { errors: [{ code: "DENIED", message: "this address wants a client certificate\u001b[2J" }] };
    const bytes = new TextEncoder().encode(JSON.stringify(refusal));

    const [finding, ...rest] = checkFirstAnswer("registry.lan", {
      status: 403,
      headers: new Headers(),
      bytes,
    }).findings;

    expect(rest).toEqual([]);
    expect(finding?.id).toBe("client-certificate-demanded");
    expect(finding?.why).toContain('"this address wants a client certificate [2J"');
    expect(finding?.fix).toContain("dozo cert issue --client USER");
  });

  test.each([
    [4, []],
    [-4, []],
    [10, ["clocks-differ"]],
    [-525_600, ["clocks-differ"]],
  ])("tells whether this machine's clock is %p minutes off", (minutes, expected) => {
    const answer = answered(401, { date: new Date(now).toUTCString() });

    expect(ids([checkClocks(answer, now + minutes * 60_000)])).toEqual([...expected]);
  });
});

describe("what stands in front", () => {
  const good: Exchange = {
    login: 200,
    location: "/v2/dozo-doctor/1/blobs/uploads/2",
    uploads: [{ sizeBytes: 65_536, outcome: 201, said: undefined }],
    range: { status: 206, isRight: true },
    isWhole: true,
  };
  const judge = (exchange: Partial<Exchange>): readonly string[] =>
    ids(checkExchange("registry.lan", "https://registry.lan", "maria", { ...good, ...exchange }));

  test("and changes nothing is not complained of", () => {
    expect(judge({})).toEqual([]);
    expect(judge({ location: "https://registry.lan/v2/x" })).toEqual([]);
    expect(ids([checkAnnouncement("registry.lan", { sizeBytes: 1024, status: 401 })])).toEqual([]);
  });

  test.each([
    ["a wrong password", { login: 401 }, "login-refused"],
    ["too many wrong ones", { login: 429 }, "login-throttled"],
    ["a Location without TLS", { location: "http://registry.lan/v2/x" }, "proxy-changes-location"],
    ["a Location to the inside", { location: "https://127.0.0.1:5000/v2/x" }, "proxy-changes-location"],
    ["a limit for bodies", { uploads: [{ sizeBytes: 65_536, outcome: 413, said: undefined }] }, "proxy-body-limit"],
    [
      "an upload that breaks off",
      { uploads: [{ sizeBytes: 65_536, outcome: "ECONNRESET", said: undefined }] },
      "upload-failed",
    ],
    ["a range that is ignored", { range: { status: 200, isRight: false } }, "proxy-ignores-range"],
    ["bytes that were changed", { isWhole: false }, "proxy-changes-bytes"],
  ])("is found out: %s", (_, exchange, id) => {
    expect(judge(exchange)).toEqual([id]);
  });

  test("and a rule that refuses the upload are told apart, in the registry's words, with the question to ask it", () => {
    const said = "bob may not push in dozo-doctor/1: ask an admin of this registry";
    const uploads = [{ sizeBytes: 65_536, outcome: 403, said }];

    const examinations = checkExchange("registry.lan", "https://registry.lan", "bob", { ...good, uploads });

    const [finding, ...rest] = examinations.flatMap(({ findings }) => findings);
    expect(rest).toEqual([]);
    expect(finding?.id).toBe("upload-denied");
    expect(finding?.what).toContain(said);
    expect(finding?.fix).toContain("dozo access check bob push dozo-doctor/x");
  });

  test.each([
    [413, "proxy-body-limit"],
    [undefined, "proxy-buffers-requests"],
  ])("is found out by an announced body that is answered with %p", (status, id) => {
    expect(ids([checkAnnouncement("registry.lan", { sizeBytes: 134_217_728, status })])).toEqual([id]);
  });
});
