import { type ByteRange, parseContentRange } from "../../core/byte-range.ts";
import { type Digest, parseDigest } from "../../core/digest.ts";
import { RegistryError } from "../../core/error.ts";
import { parseRepositoryName, type RepositoryName } from "../../core/repository-name.ts";
import { type Answer, emptyAnswer } from "../../http/answer.ts";
import { refusalAnswer } from "../../http/error-response.ts";
import type { ApiParts, ChangeCall, UploadCall } from "../call.ts";
import { single } from "../query.ts";

/** end-4a, end-4b and end-11: an upload to be filled, a whole blob at once, or a mount; never two of them. */
export async function start(parts: ApiParts, call: ChangeCall & UploadCall): Promise<Answer> {
  const digest = single(call.query, "digest", "DIGEST_INVALID");
  const mount = single(call.query, "mount", "DIGEST_INVALID");
  const from = single(call.query, "from", "NAME_INVALID");
  if (mount !== undefined) {
    if (digest !== undefined) throw new RegistryError("DIGEST_INVALID", "the query has both mount and digest");
    return mountOrStart(parts, call, parseDigest(mount), from);
  }
  if (digest !== undefined) return putWhole(parts, call, parseDigest(digest));
  return accepted(call.repository, await parts.uploads.start(call.repository, call.principal), 0);
}

/** end-5: a chunk, or everything, without its end. */
export async function append({ uploads }: ApiParts, call: ChangeCall & UploadCall): Promise<Answer> {
  const { repository, parameter, principal, upload, request } = call;
  return withTrueRange(repository, parameter, async () => {
    const length = await uploads.append(repository, parameter, principal, upload, chunkRange(request));
    return accepted(repository, parameter, length);
  });
}

/** end-6: the end, with the last chunk, everything or nothing in its body. */
export async function commit({ uploads }: ApiParts, call: ChangeCall & UploadCall): Promise<Answer> {
  const { repository, parameter, principal, query, upload, request } = call;
  const digest = parseDigest(single(query, "digest", "DIGEST_INVALID") ?? "");
  return withTrueRange(repository, parameter, async () => {
    const range = chunkRange(request);
    const hasBody = upload.lengthBytes !== 0;
    await uploads.commit(repository, parameter, principal, digest, hasBody ? upload : undefined, range);
    return created(repository, digest);
  });
}

/** end-13: how much of an upload is there. */
export async function status({ uploads }: ApiParts, call: ChangeCall): Promise<Answer> {
  const { repository, parameter, principal } = call;
  const length = await uploads.status(repository, parameter, principal);
  return emptyAnswer(204, uploadHeaders(repository, parameter, length));
}

/** end-14 */
export async function cancel({ uploads }: ApiParts, call: ChangeCall): Promise<Answer> {
  await uploads.cancel(call.repository, call.parameter, call.principal);
  return emptyAnswer(204);
}

async function mountOrStart(
  { uploads, decide }: ApiParts,
  { repository, caller, principal }: ChangeCall,
  digest: Digest,
  from: string | undefined,
): Promise<Answer> {
  const isMounted = await uploads.mount(repository, principal, {
    digest,
    from: from === undefined ? undefined : parseRepositoryName(from),
    mayPullFrom: (source) => decide(caller, "pull", source).verdict === "allowed",
  });
  if (isMounted) return created(repository, digest);
  return accepted(repository, await uploads.start(repository, principal), 0);
}

async function putWhole({ uploads }: ApiParts, call: ChangeCall & UploadCall, digest: Digest): Promise<Answer> {
  await uploads.putWhole(call.repository, call.principal, digest, call.upload);
  return created(call.repository, digest);
}

function chunkRange(request: ChangeCall["request"]): ByteRange | undefined {
  const header = request.headers.get("content-range");
  return header === null ? undefined : parseContentRange(header);
}

/** A chunk that does not fit is refused with what is there, so that the client can go on behind it (end-5: 416). */
async function withTrueRange(repository: RepositoryName, id: string, work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RegistryError) || error.code !== "RANGE_INVALID" || error.offset === undefined) throw error;
    const answer = refusalAnswer(error);
    return { ...answer, headers: { ...answer.headers, ...uploadHeaders(repository, id, error.offset) } };
  }
}

function accepted(repository: RepositoryName, id: string, lengthBytes: number): Answer {
  return emptyAnswer(202, uploadHeaders(repository, id, lengthBytes));
}

function created(repository: RepositoryName, digest: Digest): Answer {
  return emptyAnswer(201, { Location: `/v2/${repository}/blobs/${digest}`, "Docker-Content-Digest": digest });
}

/** The last byte is inclusive; of an empty upload every registry says `0-0`, since `0--1` is no range. */
function uploadHeaders(repository: RepositoryName, id: string, lengthBytes: number): Record<string, string> {
  return {
    Location: `/v2/${repository}/blobs/uploads/${id}`,
    Range: `0-${Math.max(0, lengthBytes - 1)}`,
    "Docker-Upload-UUID": id,
  };
}
