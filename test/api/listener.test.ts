import { afterEach, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, type PeerCertificate } from "node:tls";
import {
  AddressInUseError,
  type Listener,
  type ListenOptions,
  listen,
  type TlsMaterial,
} from "../../src/http/listener.ts";
import { createAuthority, createServerKey, issueServerCertificate } from "../../src/pki/certificate-authority.ts";
import { RawClient } from "./raw-client.ts";

const listeners: Listener[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(listeners.splice(0).map((listener) => listener.stop(0)));
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

function open(handle: ListenOptions["handle"], options: Partial<ListenOptions> = {}): Listener & { port: number } {
  const listener = listen({ address: { host: "127.0.0.1", port: 0 }, tls: undefined, handle, ...options });
  listeners.push(listener);
  return listener as Listener & { port: number };
}

async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "dozo-listener-"));
  folders.push(folder);
  return folder;
}

async function certificate(names: readonly string[] = ["localhost", "127.0.0.1"]): Promise<TlsMaterial> {
  const now = Date.now();
  const authority = await createAuthority({ hostNames: ["localhost"], suffixes: [], publicAddresses: [] }, now);
  const keyPem = await createServerKey();
  const request = { names, serverKeyPem: keyPem, now };
  return { certificatePem: await issueServerCertificate(authority, request), keyPem };
}

async function shownSerial(port: number): Promise<string> {
  return (await shownCertificate(port)).serialNumber;
}

function shownCertificate(port: number, servername?: string): Promise<PeerCertificate> {
  return new Promise((resolve, reject) => {
    const name = servername === undefined ? {} : { servername };
    const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false, ...name }, () => {
      resolve(socket.getPeerCertificate());
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

/** A promise and the way to fulfil it. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

describe("the listener", () => {
  test("refuses a port that somebody listens on, itself included", () => {
    const first = open(() => new Response("one"));

    const again = () => open(() => new Response("two"), { address: { host: "127.0.0.1", port: first.port } });

    expect(again).toThrow(AddressInUseError);
    expect(again).toThrow(`port ${first.port} of 127.0.0.1 is in use`);
  });

  test("takes a port again that was given back", async () => {
    const first = open(() => new Response("one"));
    await first.stop(0);

    const second = open(() => new Response("two"), { address: { host: "127.0.0.1", port: first.port } });

    expect(await (await fetch(`http://127.0.0.1:${second.port}/`)).text()).toBe("two");
  });

  test("serves a Unix socket, where clients have no address", async () => {
    const unix = join(await freshFolder(), "s");
    const listener = open((_, client) => new Response(String(client.address)), { address: { unix } });

    const answer = await fetch("http://x/", { unix });

    expect(await answer.text()).toBe("undefined");
    expect(listener.port).toBeUndefined();
  });

  test("shows a new certificate to new connections and lets old ones end", async () => {
    const [old, next] = [await certificate(), await certificate()];
    const bytes = new Uint8Array(30_000_000).fill(7);
    const listener = open(() => new Response(bytes), { tls: [old] });
    const before = await shownSerial(listener.port);
    const download = await RawClient.open({ port: listener.port, tls: true });
    download.write(get("/"));
    download.socket.pause();

    listener.replaceCertificate([next]);
    const serials = await Promise.all(Array.from({ length: 20 }, () => shownSerial(listener.port)));
    download.socket.resume();
    const answer = await download.answer(20_000);

    expect(serials.includes(before)).toBe(false);
    expect(new Set(serials).size).toBe(1);
    expect(answer.body).toHaveLength(bytes.byteLength);
    await download.close();
  }, 30_000);

  test("serves a connection that had not yet asked for anything when the certificate was replaced, and then ends it", async () => {
    const listener = open(() => new Response("ok"), { tls: [await certificate()] });
    const [silent, used] = await Promise.all([
      RawClient.open({ port: listener.port, tls: true }),
      RawClient.open({ port: listener.port, tls: true }),
    ]);
    used.write(get("/"));
    const before = await used.answer();

    listener.replaceCertificate([await certificate()]);
    silent.write(get("/"));
    used.write(get("/"));
    const answers = await Promise.all([silent.answer(), used.answer()]);

    expect(before.headers.has("connection")).toBe(false);
    expect(answers.map(({ body, headers }) => [body, headers.get("connection")])).toEqual([
      ["ok", "close"],
      ["ok", "close"],
    ]);
    await Promise.all([silent.untilClosed(), used.untilClosed()]);
  });

  test("keeps nothing of a certificate that was replaced once its connections have ended", async () => {
    const listener = open(() => new Response("ok"), { tls: [await certificate()], retirementMs: 1 });
    const other = await certificate();
    const before = descriptors();

    for (let swap = 0; swap < 5; swap++) listener.replaceCertificate([other]);
    expect(descriptors()).toBe(before + 5);
    while (descriptors() > before) await new Promise((resolve) => setImmediate(resolve));
    const serials = await Promise.all(Array.from({ length: 10 }, () => shownSerial(listener.port)));

    expect(new Set(serials).size).toBe(1);
  });

  test("shows each client the certificate of the name it asks for, and the first to all others", async () => {
    const other = { ...(await certificate(["b.test"])), serverNames: ["b.test", "*.w.test", "192.0.2.1"] };
    const listener = open(() => new Response(), { tls: [await certificate(["a.test"])] });
    const shown = async (name?: string) => (await shownCertificate(listener.port, name)).subjectaltname;

    listener.replaceCertificate([{ ...(await certificate(["a.test"])), serverNames: ["a.test"] }, other]);
    const names = ["b.test", "x.w.test", "a.test", "unknown.test", undefined];

    expect(await Promise.all(names.map(shown))).toEqual([
      "DNS:b.test",
      "DNS:b.test",
      "DNS:a.test",
      "DNS:a.test",
      "DNS:a.test",
    ]);
  });

  test("is never without TLS because a list of certificates is empty", () => {
    expect(() => open(() => new Response(), { tls: [] })).toThrow("needs a certificate");
  });

  test("takes no new certificate once it stops, and so listens no more", async () => {
    const listener = open(() => new Response(), { tls: [await certificate()] });
    await listener.stop(0);

    listener.replaceCertificate([await certificate()]);

    expect(await shownSerial(listener.port).catch(() => "refused")).toBe("refused");
  });

  test("stops after the requests in flight have ended, and takes no new ones meanwhile", async () => {
    const released = gate();
    const arrived = gate();
    const listener = open(async () => {
      arrived.open();
      await released.opened;
      return new Response("done");
    });
    const client = await RawClient.open({ port: listener.port });
    client.write(get("/"));
    await arrived.opened;

    const stopped = listener.stop(10_000);
    const refused = await RawClient.open({ port: listener.port }).catch((error: Error) => error.message);
    released.open();

    expect(refused).toMatch(/ECONNREFUSED|Failed to connect/);
    expect((await client.answer()).body).toBe("done");
    await stopped;
    await client.untilClosed();
  });

  test("cuts requests that are in flight when the grace is over", async () => {
    const arrived = gate();
    const listener = open(() => {
      arrived.open();
      return new Promise<Response>(() => {});
    });
    const client = await RawClient.open({ port: listener.port });
    client.write(get("/"));
    await arrived.opened;

    await listener.stop(50);

    expect(await client.untilClosed()).toBe("");
  });

  test("closes idle connections when it stops", async () => {
    const listener = open(() => new Response("ok"));
    const client = await RawClient.open({ port: listener.port });
    client.write(get("/"));
    await client.answer();

    await listener.stop(10_000);

    expect(await client.untilClosed()).toBe("");
  });
});

// The runtime's clock is the one thing here that cannot be set forward: these wait for it, all at once.
describe("the runtime's clock", () => {
  test("ends slow heads and idle connections, and neither slow uploads nor slow handlers", async () => {
    const folder = await freshFolder();
    const file = join(folder, "large");
    await writeFile(file, new Uint8Array(40_000_000));
    const listener = open(
      async (request) => {
        if (request.url.endsWith("/file")) return new Response(Bun.file(file));
        if (request.url.endsWith("/silent")) await Bun.sleep(10_000);
        return new Response(String((await request.bytes()).byteLength));
      },
      { idleSeconds: 4 },
    );
    const target = { port: listener.port };
    const [slowHead, nothing, slowUpload, silent, idle, stalled] = await Promise.all(
      Array.from({ length: 6 }, () => RawClient.open(target)),
    );
    if (!slowHead || !nothing || !slowUpload || !silent || !idle || !stalled) throw new Error("not connected");

    slowHead.write("GET / HTTP/1.1\r\nHost: x\r\nX: ");
    slowUpload.write("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n");
    silent.write("PUT /silent HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx");
    idle.write(get("/"));
    stalled.write(get("/file"));
    stalled.socket.pause();
    const ticks = setInterval(() => {
      slowHead.write("x");
      slowUpload.write("x");
    }, 1000);
    const [cutHead, cutNothing, cutIdle] = await Promise.all([
      slowHead.untilClosed(20_000),
      nothing.untilClosed(20_000),
      idle.untilClosed(20_000),
    ]);
    const uploaded = await slowUpload.answer(20_000);
    const answered = await silent.answer(20_000);
    clearInterval(ticks);
    stalled.socket.resume();
    const rest = await stalled.untilClosed(20_000);

    expect([cutHead, cutNothing]).toEqual(["", ""]);
    expect(cutIdle).toStartWith("HTTP/1.1 200");
    expect(uploaded.body).toBe("13");
    expect(answered.body).toBe("1");
    expect(rest.length).toBeLessThan(40_000_000);
    await Promise.all([slowUpload.close(), silent.close()]);
  }, 60_000);
});
