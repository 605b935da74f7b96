import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openApp } from "./app.ts";
import { settingsSchema } from "./config/settings.ts";
import { silentLog } from "./log.ts";
import { openPki } from "./pki/open.ts";
import { PkiFolder } from "./process/pki-folder.ts";

let data: string;

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "dozo-app-"));
});

afterEach(() => rmSync(data, { recursive: true }));

test("uploads that nobody goes on with are removed after the start, not an hour later", async () => {
  const fromLongAgo = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  await mkdir(join(data, "uploads"));
  writeFileSync(join(data, "uploads", fromLongAgo), "bytes");

  const files = new PkiFolder(join(data, "pki"));
  const clock = { now: () => Date.now() };
  const scope = { hostNames: [], suffixes: [], publicAddresses: [] };

  const app = await openApp({
    settings: settingsSchema.parse({ data, listen: ["http://127.0.0.1:0"] }),
    programVersion: "1.2.3",
    log: silentLog,
    openPki: () => openPki({ files, clock, scope, names: [], foundNames: ["localhost"] }),
    controlSocket: join(data, "control.sock"),
    address: () => undefined,
    clientCertificateAddress: () => undefined,
    identity: () => undefined,
    onLogin: () => undefined,
    onFault: () => undefined,
  });
  await app.stop();

  expect(readdirSync(join(data, "uploads"))).toEqual([]);
});
