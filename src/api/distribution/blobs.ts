import { type ByteRange, parseRange } from "../../core/byte-range.ts";
import { type Digest, parseDigest } from "../../core/digest.ts";
import { RegistryError } from "../../core/error.ts";
import type { BlobRecord } from "../../core/metadata-store.ts";
import { type Answer, emptyAnswer } from "../../http/answer.ts";
import { refusalAnswer } from "../../http/error-response.ts";
import { ProtocolError } from "../../http/protocol-error.ts";
import type { ApiParts, ChangeCall, RepositoryCall } from "../call.ts";
import { cacheForGood, contentHeaders, isNotModified } from "./content.ts";

/** end-2: a blob, or one range of it. For HEAD nothing is opened. */
export async function read({ blobs }: ApiParts, call: RepositoryCall): Promise<Answer> {
  const { request, repository, parameter } = call;
  const digest = parseDigest(parameter);
  const record = await blobs.stat(repository, digest);
  const headers = blobHeaders(digest);
  if (isNotModified(request.headers.get("if-none-match"), digest)) return emptyAnswer(304, headers);
  if (request.method === "HEAD") return wholeOf(record, headers);
  const range = wantedRange(request, record);
  if (range === "outside") return outside(record.sizeBytes);
  const body = await blobs.open(record, range);
  if (range === undefined) return { status: 200, headers, body };
  // RFC 9110 section 15.3.7; the last byte is inclusive there.
  headers["Content-Range"] = `bytes ${range.start}-${range.end - 1}/${record.sizeBytes}`;
  return { status: 206, headers, body };
}

/** end-10 */
export async function remove({ blobs }: ApiParts, call: ChangeCall): Promise<Answer> {
  await blobs.delete(call.repository, parseDigest(call.parameter), call.principal);
  return emptyAnswer(202);
}

/** A blob is bytes to be saved and nothing for a browser to look at, whatever is in it. */
function blobHeaders(digest: Digest): Record<string, string> {
  const headers = contentHeaders(digest, cacheForGood);
  headers["Content-Type"] = "application/octet-stream";
  headers["Content-Disposition"] = "attachment";
  headers["Accept-Ranges"] = "bytes";
  return headers;
}

function wholeOf(record: BlobRecord, headers: Readonly<Record<string, string>>): Answer {
  return { status: 200, headers, body: { content: new Uint8Array(0), lengthBytes: record.sizeBytes } };
}

/** `If-Range` with another entity tag, or a date, makes the range void (RFC 9110 section 13.1.5). */
function wantedRange(request: RepositoryCall["request"], record: BlobRecord): ByteRange | undefined | "outside" {
  const range = request.headers.get("range");
  // The runtime joins headers of one name; one range header names its unit once.
  if (range !== null && range.indexOf("=") !== range.lastIndexOf("=")) {
    throw new ProtocolError(400, "the request has two Range headers");
  }
  const ifRange = request.headers.get("if-range");
  if (ifRange !== null && ifRange.trim() !== `"${record.digest}"`) return undefined;
  try {
    return parseRange(range, record.sizeBytes);
  } catch (error) {
    if (error instanceof RegistryError && error.code === "RANGE_INVALID") return "outside";
    throw error;
  }
}

/** RFC 9110 section 15.5.17: the client learns how long it really is. */
function outside(sizeBytes: number): Answer {
  const answer = refusalAnswer(new RegistryError("RANGE_INVALID", `the blob has ${sizeBytes} bytes`));
  return { ...answer, headers: { ...answer.headers, "Content-Range": `bytes */${sizeBytes}` } };
}
