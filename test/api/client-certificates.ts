import "reflect-metadata";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { type App, openApp } from "../../src/app.ts";
import { settingsSchema } from "../../src/config/settings.ts";
import type { TlsMaterial } from "../../src/http/listener.ts";
import { createLog } from "../../src/log.ts";
import { createServerKey } from "../../src/pki/certificate-authority.ts";
import { type ClientAuthority, issueClientCertificate, openClientAuthority } from "../../src/pki/client-authority.ts";
import { openPki } from "../../src/pki/open.ts";
import type { PkiFiles } from "../../src/pki/pki-files.ts";
import { algorithm, asPem, exportKey, importKey, publicKeyPemOf } from "../../src/pki/signing.ts";
import { PkiFolder } from "../../src/process/pki-folder.ts";
import { RawClient } from "./raw-client.ts";

/** What a client shows: certificate and key as PEM. */
export interface Shown {
  readonly cert: string;
  readonly key: string;
}

/** A certificate of dozo's own, with its serial. */
export interface Issued extends Shown {
  readonly serial: string;
}

/** A whole registry with one listener that demands certificates. */
export interface CertificateRegistry {
  readonly app: App;
  readonly data: string;
  readonly port: number;
  /** The first listener that demands none, where the settings have one. */
  readonly plainPort: number;
  readonly rootPem: string;
  /** Log lines, as JSON. */
  readonly lines: string[];
  issue(userName: string): Promise<Issued>;
  stop(): Promise<void>;
}

export const clock = { now: (): number => Date.now() };
export const dayMs = 86_400_000;

/** Starts one with the users alice (admin) and bob, both with the password `secret`. */
export async function startRegistry(
  more: object = {},
  prepare?: (folder: string) => object,
): Promise<CertificateRegistry> {
  const data = mkdtempSync(join(tmpdir(), "dozo-mtls-"));
  mkdirSync(join(data, "run"), { mode: 0o700 });
  const prepared = prepare?.(data) ?? {};
  const files = new PkiFolder(join(data, "pki"));
  const scope = { hostNames: [], suffixes: [], publicAddresses: [] };
  const lines: string[] = [];
  let rootPem = "";
  const app = await openApp({
    settings: settingsSchema.parse({
      data,
      listen: ["mtls://127.0.0.1:0", "https://127.0.0.1:0"],
      ...more,
      ...prepared,
    }),
    programVersion: "1.2.3",
    log: createLog({ level: "info", format: "json", write: (line) => lines.push(line) }),
    openPki: async () => {
      const pki = await openPki({ files, clock, scope, names: [], foundNames: ["localhost", "127.0.0.1"] });
      rootPem = pki.rootPem;
      return pki;
    },
    controlSocket: join(data, "run/control.sock"),
    address: () => undefined,
    clientCertificateAddress: () => undefined,
    identity: () => undefined,
    onLogin: () => undefined,
    onFault: () => undefined,
  });
  const { administration } = app;
  await administration.addUser({ name: "alice", password: "secret of alice", isAdmin: true });
  await administration.addUser({ name: "bob", password: "secret of bob", isAdmin: false });
  return {
    app,
    data,
    lines,
    rootPem,
    port: app.listeners[0]?.port ?? 0,
    plainPort: app.listeners[1]?.port ?? 0,
    issue: async (userName) => {
      const key = await createServerKey();
      const request = { userName, publicKeyPem: publicKeyPemOf(key), days: 1 };
      const { pem, serial } = await administration.issueClientCertificate(request);
      return { cert: pem, key, serial };
    },
    stop: async () => {
      await app.stop();
      rmSync(data, { recursive: true });
    },
  };
}

/** Another authority for clients than the registry's, which calls its certificates what it likes. */
export async function foreignAuthority(): Promise<ClientAuthority> {
  const kept = new Map<string, string>();
  const files: PkiFiles = {
    location: "nowhere",
    read: async (name) => kept.get(name),
    write: async (name, text) => void kept.set(name, text),
    remove: async (name) => void kept.delete(name),
  };
  return openClientAuthority(files, clock);
}

/** A certificate of any authority, for a name and from a time. */
export async function signed(authority: ClientAuthority, userName: string, now = clock.now()): Promise<Shown> {
  const key = await createServerKey();
  const request = { userName, publicKeyPem: publicKeyPemOf(key), now, endsAt: now + dayMs };
  return { cert: (await issueClientCertificate(authority, request)).certificatePem, key };
}

/** A certificate with a usage of the test's own, signed by the key and under the name of some authority. */
export async function signedFor(issuer: ClientAuthority, usage: string): Promise<Shown> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: "0102",
    issuer: new X509Certificate(issuer.certificatePem).subject,
    subject: "CN=alice",
    notBefore: new Date(clock.now() - dayMs),
    notAfter: new Date(clock.now() + dayMs),
    publicKey: keys.publicKey,
    signingKey: await importKey(issuer.keyPem),
    signingAlgorithm: algorithm,
    extensions: [new BasicConstraintsExtension(false), new ExtendedKeyUsageExtension([usage])],
  });
  return { cert: asPem(certificate), key: await exportKey(keys.privateKey) };
}

/** A connection to the registry on which a test writes what it likes. */
export function openRaw({ port }: CertificateRegistry, shown: Partial<Shown> = {}): Promise<RawClient> {
  return RawClient.open({ port, tls: true, ...shown });
}

/** One request on a connection of its own: its status and body. */
export async function ask(
  registry: CertificateRegistry,
  shown: Partial<Shown>,
  path = "/v2/",
  headers: readonly string[] = [],
): Promise<{ readonly status: number; readonly body: string }> {
  const client = await openRaw(registry, shown);
  client.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${headers.map((line) => `${line}\r\n`).join("")}\r\n`);
  try {
    return await client.answer();
  } finally {
    await client.close();
  }
}

/** Writes a file beside a registry's data, for settings that name one. */
export function fileWith(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** A self-signed certificate for a server, told by its common name. */
export async function serverMaterial(name: string): Promise<TlsMaterial> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({ name: `CN=${name}`, keys });
  return { certificatePem: asPem(certificate), keyPem: await exportKey(keys.privateKey) };
}

/** The common name that a server shows to a client, which may ask for a name. */
export function shownName(target: { readonly port: number }, servername?: string): Promise<string> {
  const name = servername === undefined ? {} : { servername };
  return new Promise((resolve, reject) => {
    const socket = connect({ ...target, host: "127.0.0.1", rejectUnauthorized: false, ...name }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}
