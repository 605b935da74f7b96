import { createHash } from "node:crypto";
import type { AnswerHead, Connection } from "./connection.ts";
import type { Content } from "./content.ts";

/** How a blob goes up: as Docker does it (POST, PATCH in chunks of 32 KiB, PUT), or POST and one PUT with its length. */
export type PushFlow = "docker" | "put";

const chunkBytes = 32 * 1024;

/** Throws an error that names the request when the status is another. */
export function expectStatus(what: string, answer: AnswerHead, ...expected: readonly number[]): void {
  if (!expected.includes(answer.status))
    throw new Error(`${what}: the server answered ${answer.status} instead of ${expected.join(" or ")}`);
}

/** The path and query of an answer's `Location`, which some registries give with scheme and host. */
export function locationOf(answer: AnswerHead): string {
  const location = answer.headers.get("location") ?? "";
  return location.startsWith("/") ? location : new URL(location).pathname + new URL(location).search;
}

/** A target with the digest as its last parameter. */
export function withDigest(target: string, digest: string): string {
  return `${target}${target.includes("?") ? "&" : "?"}digest=${encodeURIComponent(digest)}`;
}

/** Begins an upload and answers its target. */
export async function startUpload(connection: Connection, repository: string): Promise<string> {
  const answer = await connection.request("POST", `/v2/${repository}/blobs/uploads/`, { body: "" });
  expectStatus("POST of an upload", answer, 202);
  return locationOf(answer);
}

/** Sends a part of `content` in the chunked coding, as Docker frames it, without the end of the body. */
export async function sendChunked(connection: Connection, content: Content, start: number, end: number): Promise<void> {
  const frame = Buffer.from(`${chunkBytes.toString(16)}\r\n`);
  const tail = Buffer.from("\r\n");
  let batch: Uint8Array[] = [];
  for (const part of content.parts(start, end, chunkBytes)) {
    const head = part.length === chunkBytes ? frame : Buffer.from(`${part.length.toString(16)}\r\n`);
    batch.push(head, part, tail);
    if (batch.length >= 24) {
      await connection.send(Buffer.concat(batch));
      batch = [];
    }
  }
  if (batch.length > 0) await connection.send(Buffer.concat(batch));
}

/** Ends a body in the chunked coding. */
export async function endChunked(connection: Connection): Promise<void> {
  await connection.send(Buffer.from("0\r\n\r\n"));
}

/** Pushes a blob; when this returns, the server has acknowledged it with 201. */
export async function pushBlob(
  connection: Connection,
  repository: string,
  content: Content,
  digest: string,
  flow: PushFlow,
): Promise<void> {
  const target = await startUpload(connection, repository);
  if (flow === "put") {
    await connection.sendHead("PUT", withDigest(target, digest), {
      "Content-Type": "application/octet-stream",
      "Content-Length": String(content.sizeBytes),
    });
    for (const part of content.parts(0, content.sizeBytes, 512 * 1024)) await connection.send(part);
    expectStatus("PUT of a blob", await readAnswer(connection), 201);
    return;
  }
  await connection.sendHead("PATCH", target, { "Transfer-Encoding": "chunked" });
  await sendChunked(connection, content, 0, content.sizeBytes);
  await endChunked(connection);
  const patched = await readAnswer(connection);
  expectStatus("PATCH of an upload", patched, 202);
  expectStatus(
    "PUT of an upload",
    await connection.request("PUT", withDigest(locationOf(patched), digest), { body: "" }),
    201,
  );
}

/** Pulls a blob; throws when its bytes have another digest. */
export async function pullBlob(connection: Connection, repository: string, digest: string): Promise<void> {
  const hash = createHash("sha256");
  await connection.sendHead("GET", `/v2/${repository}/blobs/${digest}`);
  const head = await connection.readHead();
  expectStatus("GET of a blob", head, 200);
  await connection.readBody("GET", head, (part) => {
    hash.update(part);
  });
  if (`sha256:${hash.digest("hex")}` !== digest) throw new Error(`GET of ${digest}: the bytes have another digest`);
}

/** Pushes an image of one small layer under a tag and answers the manifest's bytes. */
export async function pushSmallImage(
  connection: Connection,
  repository: string,
  tag: string,
  blob: Content,
): Promise<Buffer> {
  const digest = blob.digest();
  await pushBlob(connection, repository, blob, digest, "docker");
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const descriptor = { digest, size: blob.sizeBytes };
  const body = JSON.stringify({
    schemaVersion: 2,
    mediaType,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", ...descriptor },
    layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", ...descriptor }],
  });
  const answer = await connection.request("PUT", `/v2/${repository}/manifests/${tag}`, {
    headers: { "Content-Type": mediaType },
    body,
  });
  expectStatus("PUT of a manifest", answer, 201);
  return Buffer.from(body);
}

async function readAnswer(connection: Connection): Promise<AnswerHead> {
  const head = await connection.readHead();
  await connection.readBody("PUT", head, () => undefined);
  return head;
}
