import { createHash, randomBytes } from "node:crypto";
import { connect as connectPlain, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { withinTime } from "./examination.ts";
import { ask, pinned, refusalMessage, type RegistryDoor } from "./registry-answers.ts";
import type { RegistryReference } from "./registry-reference.ts";

/** How a request that announces a large body, and sends nothing of it, was answered. */
export interface AnnouncedBody {
  readonly sizeBytes: number;
  /** Undefined: no answer before the body; something collects it first. */
  readonly status: number | undefined;
}

/** One upload: its status or the reason why there was none, and what a registry said that refused it. */
interface Upload {
  readonly sizeBytes: number;
  readonly outcome: number | string;
  readonly said: string | undefined;
}

/** What happened to a blob on its way there and back. */
export interface Exchange {
  readonly login: number | string;
  /** Undefined: it did not come to that. */
  readonly location: string | undefined;
  readonly uploads: readonly Upload[];
  readonly range: { readonly status: number; readonly isRight: boolean } | undefined;
  readonly isWhole: boolean | undefined;
}

const kibibyte = 1024;
export const smallBytes = 64 * kibibyte;
export const largeBytes = 128 * kibibyte * kibibyte;
const answerTimeoutMs = 3000;
/** Enough for 128 MiB at 4 Mbit/s. */
const largeTimeoutMs = 300_000;

/**
 * Announces an upload without a login. A registry says 401 at once; a proxy with a limit says 413; a proxy that collects bodies says
 * nothing and waits for it. Not a byte of the body is sent.
 */
export function announceBody(
  door: RegistryDoor,
  { host, port, registry }: RegistryReference,
  sizeBytes: number,
): Promise<AnnouncedBody> {
  const { promise, resolve } = Promise.withResolvers<AnnouncedBody>();
  const head = [
    "POST /v2/dozo-doctor/blobs/uploads/ HTTP/1.1",
    `Host: ${registry}`,
    "Content-Type: application/octet-stream",
    `Content-Length: ${sizeBytes}`,
    "\r\n",
  ].join("\r\n");
  const socket: Socket =
    door.leaf === undefined
      ? connectPlain({ host, port })
      : connectTls({ host, port, ...pinned(door.leaf), ...(isIP(host) === 0 ? { servername: host } : {}) });
  socket.once(door.leaf === undefined ? "connect" : "secureConnect", () => socket.write(head));
  socket.once("data", (bytes) => {
    const status = /^HTTP\/1\.[01] ([0-9]{3})/.exec(String(bytes))?.[1];
    resolve({ sizeBytes, status: status === undefined ? 0 : Number(status) });
  });
  socket.once("error", () => resolve({ sizeBytes, status: 0 }));
  return withinTime(promise, answerTimeoutMs, { sizeBytes, status: undefined }).finally(() => socket.destroy());
}

/**
 * Logs in and uploads random bytes to a repository of its own, in the order of `sizes`, up to the first that fails. The small blob is
 * kept until it has been read back whole and in part, and deleted; of a larger one the upload is cancelled once its bytes are there,
 * so that it is never part of the registry.
 */
export async function exchangeBlobs(door: RegistryDoor, sizes: readonly number[]): Promise<Exchange> {
  const login = await ask(door, { method: "GET", path: "/v2/" });
  if (typeof login === "string" || login.status !== 200) {
    const outcome = typeof login === "string" ? login : login.status;
    return { login: outcome, location: undefined, uploads: [], range: undefined, isWhole: undefined };
  }
  const repository = `dozo-doctor/${randomBytes(8).toString("hex")}`;
  const uploads: Upload[] = [];
  let location: string | undefined;
  let reading: Pick<Exchange, "range" | "isWhole"> = { range: undefined, isWhole: undefined };
  for (const sizeBytes of sizes) {
    const blob = randomBlob(sizeBytes);
    const isKept = sizeBytes === smallBytes;
    const upload = await upBlob(door, repository, blob, isKept);
    uploads.push({ sizeBytes, outcome: upload.outcome, said: upload.said });
    location ??= upload.location;
    if (upload.outcome !== (isKept ? 201 : 202)) break;
    if (!isKept) continue;
    reading = await readBack(door, repository, blob);
    await ask(door, { method: "DELETE", path: `/v2/${repository}/blobs/${blob.digest}` });
  }
  return { login: 200, location, uploads, ...reading };
}

interface Blob {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly digest: string;
}

function randomBlob(sizeBytes: number): Blob {
  const bytes = new Uint8Array(randomBytes(sizeBytes));
  return { bytes, digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}` };
}

async function upBlob(
  door: RegistryDoor,
  repository: string,
  { bytes, digest }: Blob,
  isKept: boolean,
): Promise<Omit<Upload, "sizeBytes"> & Pick<Exchange, "location">> {
  const begun = await ask(door, { method: "POST", path: `/v2/${repository}/blobs/uploads/` });
  if (typeof begun === "string") return { outcome: begun, location: undefined, said: undefined };
  const location = begun.headers.get("location") ?? undefined;
  if (begun.status !== 202 || location === undefined)
    return { outcome: begun.status, location, said: refusalMessage(begun) };
  const target = new URL(location, door.url);
  // Wherever else it leads, the password is not taken there.
  if (target.origin !== new URL(door.url).origin) return { outcome: "it leads elsewhere", location, said: undefined };
  if (isKept) target.searchParams.set("digest", digest);
  const path = `${target.pathname}${target.search}`;
  const headers = { "content-type": "application/octet-stream" };
  const method = isKept ? "PUT" : "PATCH";
  const done = await ask(door, { method, path, headers, body: bytes, timeoutMs: largeTimeoutMs });
  if (!isKept) await ask(door, { method: "DELETE", path });
  if (typeof done === "string") return { outcome: done, location, said: undefined };
  return { outcome: done.status, location, said: refusalMessage(done) };
}

async function readBack(
  door: RegistryDoor,
  repository: string,
  { bytes, digest }: Blob,
): Promise<Pick<Exchange, "range" | "isWhole">> {
  const path = `/v2/${repository}/blobs/${digest}`;
  const [from, to] = [1000, 1999];
  const whole = await ask(door, { method: "GET", path });
  const part = await ask(door, { method: "GET", path, headers: { range: `bytes=${from}-${to}` } });
  return {
    isWhole: typeof whole === "string" ? undefined : whole.status === 200 && isSame(whole.bytes, bytes),
    range:
      typeof part === "string"
        ? undefined
        : { status: part.status, isRight: part.status === 206 && isSame(part.bytes, bytes.subarray(from, to + 1)) },
  };
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.from(left).equals(right);
}
