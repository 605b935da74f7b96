import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHash, randomBytes, X509Certificate } from "node:crypto";
import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { connect, type TLSSocket } from "node:tls";
import { makeSandbox, type Running, type Sandbox } from "../cli/run-dozo.ts";
import { OtherAuthority, type Pair } from "./pairs.ts";

const pulls = 200;
const blob = randomBytes(3 * 1024 ** 2);
const digest = `sha256:${createHash("sha256").update(blob).digest("hex")}`;
const authorization = `Basic ${btoa("admin:correct-horse-7-battery")}`;

let sandbox: Sandbox;
let certificate: string;
let key: string;

beforeEach(() => {
  sandbox = makeSandbox();
  certificate = join(sandbox.home, "site.crt");
  key = join(sandbox.home, "site.key");
});

afterEach(() => sandbox.dispose());

async function start(pair: Pair): Promise<{ readonly dozo: Running; readonly port: number }> {
  await writeFile(certificate, pair.certificatePem);
  await writeFile(key, pair.keyPem, { mode: 0o600 });
  const settings = join(sandbox.home, "dozo.yaml");
  const listen = `{ address: "127.0.0.1:0", tls: { certificate: ${certificate}, key: ${key} } }`;
  await writeFile(settings, `data: ${sandbox.data}\nhosts: registry.example.com\nlisten:\n  - ${listen}\n`);
  const words = ["up", "--config", settings, "--password-stdin"];
  const dozo = sandbox.start(words, { input: "correct-horse-7-battery\n" });
  const [, port = ""] = await dozo.untilSaid(/serves at https:\/\/[^ ]+:([0-9]+) [\s\S]*docker push/);
  return { dozo, port: Number(port) };
}

async function push(port: number): Promise<void> {
  const answer = await fetch(`https://127.0.0.1:${port}/v2/team/app/blobs/uploads/?digest=${digest}`, {
    method: "POST",
    headers: { authorization, "content-type": "application/octet-stream" },
    body: blob,
    tls: { rejectUnauthorized: false },
  });
  expect(answer.status).toBe(201);
}

function insecureFetch(port: number, path: string): Promise<Response> {
  return fetch(`https://127.0.0.1:${port}${path}`, { tls: { rejectUnauthorized: false } });
}

/** Pulls the blob over 200 connections at once, each so slowly that it lasts some fifteen seconds; gives what came, by digest. */
async function pullSlowly(port: number): Promise<Map<string, number>> {
  const options = ["--no-progress-meter", "--insecure", "--limit-rate", "100k"];
  const parallel = ["--parallel", "--parallel-immediate", "--parallel-max", `${pulls}`];
  const header = ["--header", `Authorization: ${authorization}`, "--output", join(sandbox.home, "pulled-#1")];
  const url = `https://127.0.0.1:${port}/v2/team/app/blobs/${digest}?n=[1-${pulls}]`;
  const curl = Bun.spawn(["curl", ...options, ...parallel, ...header, url], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const [text] = await Promise.all([new Response(curl.stderr).text(), curl.exited]);
  expect(text).toBe("");
  const digests = new Map<string, number>();
  for (let n = 1; n <= pulls; n += 1) {
    const hash = createHash("sha256").update(await readFile(join(sandbox.home, `pulled-${n}`)));
    const found = `sha256:${hash.digest("hex")}`;
    digests.set(found, (digests.get(found) ?? 0) + 1);
  }
  return digests;
}

/** Waits until every pull has begun to write its file. */
async function untilAllPull(): Promise<void> {
  for (;;) {
    const begun = (await readdir(sandbox.home)).filter((name) => name.startsWith("pulled-"));
    if (begun.length === pulls) return;
    await setTimeout(50);
  }
}

function connected(port: number, servername?: string): Promise<TLSSocket> {
  const name = servername === undefined ? {} : { servername };
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...name }, () => resolve(socket));
    socket.once("error", reject);
  });
}

/** What a new connection is shown now. One that was being accepted in the very moment of a swap may be reset. */
async function shown(port: number, servername?: string): Promise<string> {
  const socket = await connected(port, servername).catch(() => connected(port, servername));
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

function serialOf({ certificatePem }: Pair): string {
  return new X509Certificate(certificatePem).serialNumber;
}

describe("TLS-04: an operator's certificate, replaced while 200 pulls run", () => {
  test("is served when it is good, never when it is bad, and no pull is cut", async () => {
    const other = await OtherAuthority.make();
    const names = ["registry.example.com"];
    const old = await other.makePair(names);
    const { dozo, port } = await start(old);
    // Enrolment only logs in, and there is no authority to trust; the self-test went through this very certificate.
    expect(dozo.text()).not.toMatch(/CA fingerprint|self-test/i);
    expect((await insecureFetch(port, "/ca.crt")).status).toBe(404);
    await push(port);
    const pulled = pullSlowly(port);
    await untilAllPull();
    const next = await other.makePair(names);

    // Each of these is said in the log, and the old one is still shown then.
    await writeFile(key, next.keyPem);
    await dozo.untilSaid(/the old certificate stays.*is not the one of the certificate/);
    expect(await shown(port)).toBe(serialOf(old));
    await writeFile(certificate, next.certificatePem.slice(0, 400));
    await dozo.untilSaid(/the old certificate stays.*breaks off/);
    expect(await shown(port)).toBe(serialOf(old));
    const ended = await other.makePair(names, 100);
    await writeFile(certificate, ended.certificatePem);
    await writeFile(key, ended.keyPem);
    await dozo.untilSaid(/the old certificate stays.*ended on/);
    expect(await shown(port)).toBe(serialOf(old));
    const elsewhere = await other.makePair(["other.example.com"]);
    await writeFile(certificate, elsewhere.certificatePem);
    await writeFile(key, elsewhere.keyPem);
    await dozo.untilSaid(/the old certificate stays.*is not for registry\.example\.com/);
    expect(await shown(port)).toBe(serialOf(old));

    // The good one, the key first, the certificate by rename as careful programs do it.
    await writeFile(key, next.keyPem);
    await writeFile(`${certificate}.new`, next.certificatePem);
    await rename(`${certificate}.new`, certificate);
    await dozo.untilSaid(/is served now/);
    expect(await shown(port)).toBe(serialOf(next));

    expect(await pulled).toEqual(new Map([[digest, pulls]]));
  }, 60_000);

  test("is an error in words that mend it when it cannot be served at the start", async () => {
    const other = await OtherAuthority.make();
    const pair = await other.makePair(["registry.example.com"]);
    const foreign = { ...pair, keyPem: (await other.makePair(["registry.example.com"])).keyPem };

    const failure = await start(foreign).catch((error: unknown) => String(error));

    expect(failure).toContain(`the key in ${key} is not the one of the certificate in ${certificate}`);
    expect(failure).not.toContain("    at ");
  }, 30_000);
});

describe("several certificates on one port", () => {
  test("are shown by name: the operator's for its names, dozo's own to everybody else, each kept up to date", async () => {
    const other = await OtherAuthority.make();
    const [old, next] = [
      await other.makePair(["registry.example.com"]),
      await other.makePair(["registry.example.com"]),
    ];
    await writeFile(certificate, old.certificatePem);
    await writeFile(key, old.keyPem, { mode: 0o600 });
    const words = ["--listen", "127.0.0.1:0", "--host", "box.test", "--certificate", `${certificate}:${key}`];
    const dozo = sandbox.start(["up", "--data", sandbox.data, ...words]);
    const [, text = ""] = await dozo.untilSaid(/serves at https:\/\/[^ ]+:([0-9]+) [\s\S]*docker push/);
    const port = Number(text);

    expect(dozo.text()).toContain("CA fingerprint");
    expect((await insecureFetch(port, "/ca.crt")).status).toBe(200);
    const own = await shown(port);
    expect(await shown(port, "registry.example.com")).toBe(serialOf(old));
    expect(await shown(port, "box.test")).toBe(own);
    expect(await shown(port, "unknown.test")).toBe(own);

    await writeFile(certificate, next.certificatePem);
    await writeFile(key, next.keyPem);
    await dozo.untilSaid(/is served now/);
    expect(await shown(port, "registry.example.com")).toBe(serialOf(next));
    expect(await shown(port, "box.test")).toBe(own);
  }, 30_000);
});
