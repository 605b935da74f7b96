import { parseDigest } from "../../core/digest.ts";
import { RegistryError } from "../../core/error.ts";
import { mediaTypes } from "../../core/media-type.ts";
import { type Answer, bytesAnswer } from "../../http/answer.ts";
import type { ApiParts, RepositoryCall } from "../call.ts";
import { linkHeader, pageOf, single } from "../query.ts";

// RFC 6838 section 4.2: 127 characters a side, and a slash.
const maxMediaTypeLength = 255;

/** end-12a and end-12b: an image index of what refers to a manifest, which need not be there. */
export async function list({ referrers, limits }: ApiParts, call: RepositoryCall): Promise<Answer> {
  const { repository, query } = call;
  const subject = parseDigest(call.parameter);
  const artifactType = artifactTypeOf(query);
  const page = pageOf(query, limits.pageEntries);
  const { index, next } = await referrers.list(repository, subject, artifactType, page);
  const headers: Record<string, string> = { "Content-Type": mediaTypes.ociIndex };
  if (artifactType !== undefined) headers["OCI-Filters-Applied"] = "artifactType";
  if (next !== undefined) {
    const filter = artifactType === undefined ? {} : { artifactType };
    const behind = { ...filter, n: String(page.limit), last: next };
    Object.assign(headers, linkHeader(`/v2/${repository}/referrers/${subject}`, behind));
  }
  return bytesAnswer(200, index, headers);
}

function artifactTypeOf(query: URLSearchParams): string | undefined {
  const text = single(query, "artifactType", "MANIFEST_INVALID");
  if (text !== undefined && (text.length > maxMediaTypeLength || !/^[\x20-\x7e]*$/.test(text))) {
    throw new RegistryError("MANIFEST_INVALID", "artifactType is not a media type");
  }
  return text;
}
