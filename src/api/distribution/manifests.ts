import { defaultMessages, RegistryError } from "../../core/error.ts";
import { parseReference, parseTag } from "../../core/reference.ts";
import { type Answer, bytesAnswer, emptyAnswer } from "../../http/answer.ts";
import type { BodyFault } from "../../http/request-body.ts";
import type { ApiParts, BodyCall, ChangeCall, RepositoryCall } from "../call.ts";
import { cacheForGood, cacheNothingUnasked, contentHeaders, isNotModified } from "./content.ts";

/** end-3: the bytes as they were pushed, whatever `Accept` says. */
export async function read({ manifests }: ApiParts, call: RepositoryCall): Promise<Answer> {
  const reference = parseReference(call.parameter);
  const { digest, mediaType, bytes } = await manifests.find(call.repository, reference);
  const headers = contentHeaders(digest, reference.kind === "digest" ? cacheForGood : cacheNothingUnasked);
  if (isNotModified(call.request.headers.get("if-none-match"), digest)) return emptyAnswer(304, headers);
  headers["Content-Type"] = mediaType;
  return bytesAnswer(200, bytes, headers);
}

/** end-7a and end-7b: a manifest under a tag or a digest, and under every `tag` of the query. */
export async function put({ manifests, decide }: ApiParts, call: ChangeCall & BodyCall): Promise<Answer> {
  const { repository, caller, principal, request, query } = call;
  const reference = parseReference(call.parameter);
  const tags = query.getAll("tag").map(parseTag);
  const contentType = request.headers.get("content-type") ?? undefined;
  const mayOverwriteTag = decide(caller, "overwrite", repository).verdict === "allowed";
  const stored = await call.readBody(async (body) => {
    if (!(body instanceof Uint8Array)) throw refusalOf(body, call.maxBodyBytes);
    return manifests.put(repository, principal, { reference, tags, contentType, bytes: body, mayOverwriteTag });
  });
  const headers: Record<string, string> = {
    Location: `/v2/${repository}/manifests/${stored.digest}`,
    "Docker-Content-Digest": stored.digest,
  };
  if (stored.subject !== undefined) headers["OCI-Subject"] = stored.subject;
  if (tags.length > 0) headers["OCI-Tag"] = stored.tags.join(", ");
  return emptyAnswer(201, headers);
}

/** end-9: a tag alone, or a manifest with its tags. */
export async function remove({ manifests }: ApiParts, call: ChangeCall): Promise<Answer> {
  await manifests.delete(call.repository, parseReference(call.parameter), call.principal);
  return emptyAnswer(202);
}

function refusalOf(fault: BodyFault, maxBytes: number): RegistryError {
  if (fault === "too-large") {
    return new RegistryError(
      "MANIFEST_TOO_LARGE",
      `${defaultMessages.MANIFEST_TOO_LARGE}, which is ${maxBytes} bytes (the setting limits.manifestBytes)`,
    );
  }
  if (fault === "no-room") {
    return new RegistryError("TOOMANYREQUESTS", "too many manifests are arriving at once, try again later", {
      retryAfterSeconds: 1,
    });
  }
  return new RegistryError("MANIFEST_INVALID", "the manifest did not arrive whole");
}
