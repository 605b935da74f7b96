import { defaultMessages, type ErrorCode, type RegistryError } from "../core/error.ts";
import { type Answer, jsonAnswer } from "./answer.ts";
import type { ProtocolError } from "./protocol-error.ts";

/** The one place where a code becomes a status; total, so that a code without a status does not compile. */
const statusOf: Readonly<Record<ErrorCode, number>> = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 400,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  SIZE_INVALID: 400,
  UNAUTHORIZED: 401,
  DENIED: 403,
  UNSUPPORTED: 405,
  TOOMANYREQUESTS: 429,
  TAG_INVALID: 400,
  RANGE_INVALID: 416,
  PAGINATION_NUMBER_INVALID: 400,
  MANIFEST_TOO_LARGE: 413,
  CONFLICT: 409,
  UNAVAILABLE: 503,
};

/** A refusal in the specification's JSON (section "Error Codes"). */
export function refusalAnswer(error: RegistryError): Answer {
  const headers: Record<string, string> = {};
  if (error.retryAfterSeconds !== undefined) headers["Retry-After"] = String(Math.ceil(error.retryAfterSeconds));
  return errorAnswer(statusOf[error.code], error.code, error.message, error.detail, headers);
}

/** A request that breaks the protocol itself. */
export function protocolErrorAnswer(error: ProtocolError): Answer {
  return errorAnswer(error.status, "UNSUPPORTED", error.message, undefined, error.headers);
}

/** A fault of the registry: the client gets the id under which the operator's log has the cause, and nothing else. */
export function faultAnswer(requestId: string): Answer {
  const message = `the registry failed; its log says why under the request id ${requestId}`;
  return errorAnswer(500, "UNKNOWN", message, undefined, {});
}

/** Nothing stands under this path; `message` says what would help, where that is known. */
export function unknownPathAnswer(message = "this registry has nothing under this path"): Answer {
  return errorAnswer(404, "NAME_UNKNOWN", message, undefined, {});
}

/** RFC 9110 section 15.5.6: the answer names the methods that there are. */
export function wrongMethodAnswer(allow: string): Answer {
  return errorAnswer(405, "UNSUPPORTED", defaultMessages.UNSUPPORTED, undefined, { Allow: allow });
}

function errorAnswer(
  status: number,
  code: ErrorCode | "UNKNOWN",
  message: string,
  detail: unknown,
  headers: Readonly<Record<string, string>>,
): Answer {
  const entry = detail === undefined ? { code, message } : { code, message, detail };
  return jsonAnswer(status, { errors: [entry] }, headers);
}
