import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { OwnCertificates } from "../../src/certificates/own-certificates.ts";
import { type Listener, listen } from "../../src/http/listener.ts";
import { silentLog } from "../../src/log.ts";
import { openPki } from "../../src/pki/open.ts";
import { PkiFolder } from "../../src/process/pki-folder.ts";

const dayMs = 86_400_000;
const start = Date.UTC(2026, 10, 23);
const clock = { now: () => now };
let now: number;
let parent: string;
let certificates: OwnCertificates;
let listener: Listener;

beforeEach(async () => {
  parent = mkdtempSync(join(tmpdir(), "dozo-renewal-"));
  now = start;
  const files = new PkiFolder(join(parent, "pki"));
  const scope = { hostNames: [], suffixes: [], publicAddresses: [] };
  const open = (): ReturnType<typeof openPki> => openPki({ files, clock, scope, names: [], foundNames: ["localhost"] });
  certificates = await OwnCertificates.open({ open, clock, log: silentLog });
  const address = { host: "127.0.0.1", port: 0 };
  listener = listen({ address, tls: certificates.current(), handle: () => new Response() });
  certificates.watch(() => listener.replaceCertificate(certificates.current()));
});

afterEach(async () => {
  await listener.stop(0);
  await certificates.stop();
  rmSync(parent, { recursive: true });
});

/** When what a new connection is shown ends. */
function shownEnd(): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: listener.port ?? 0, host: "127.0.0.1", rejectUnauthorized: false }, () => {
      resolve(Date.parse(socket.getPeerCertificate().valid_to));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

test("a clock that goes 61 days on makes the server show a certificate of that day", async () => {
  expect(await shownEnd()).toBe(start + 90 * dayMs);

  now = start + 61 * dayMs;
  await certificates.lookIfDue();

  expect(await shownEnd()).toBe(start + 151 * dayMs);
});

test("a clock that goes a year back makes the server show nothing else: no client with a right clock would take it", async () => {
  now = start - 365 * dayMs;
  await certificates.lookIfDue();

  expect(await shownEnd()).toBe(start + 90 * dayMs);
});
