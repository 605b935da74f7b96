/**
 * Every way in which the registry can refuse. Twenty codes: the fourteen of the distribution specification
 * (section "Error Codes"), and six that Docker's clients know besides.
 */
export type ErrorCode =
  | "BLOB_UNKNOWN"
  | "BLOB_UPLOAD_INVALID"
  | "BLOB_UPLOAD_UNKNOWN"
  | "DIGEST_INVALID"
  | "MANIFEST_BLOB_UNKNOWN"
  | "MANIFEST_INVALID"
  | "MANIFEST_UNKNOWN"
  | "NAME_INVALID"
  | "NAME_UNKNOWN"
  | "SIZE_INVALID"
  | "UNAUTHORIZED"
  | "DENIED"
  | "UNSUPPORTED"
  | "TOOMANYREQUESTS"
  | "TAG_INVALID"
  | "RANGE_INVALID"
  | "PAGINATION_NUMBER_INVALID"
  | "MANIFEST_TOO_LARGE"
  | "CONFLICT"
  | "UNAVAILABLE";

/** What a client reads when the code says everything that is to be said. */
export const defaultMessages: Readonly<Record<ErrorCode, string>> = {
  BLOB_UNKNOWN: "this repository has no such blob",
  BLOB_UPLOAD_INVALID: "the upload does not fit what was sent before",
  BLOB_UPLOAD_UNKNOWN: "there is no such upload in this repository",
  DIGEST_INVALID: "the digest is malformed, or is not the digest of the bytes that were sent",
  MANIFEST_BLOB_UNKNOWN: "the manifest names a blob that this repository does not have",
  MANIFEST_INVALID: "the manifest is not valid",
  MANIFEST_UNKNOWN: "this repository has no such manifest",
  NAME_INVALID: "the repository name is not valid",
  NAME_UNKNOWN: "there is no such repository",
  SIZE_INVALID: "the length does not fit the bytes that were sent",
  UNAUTHORIZED: "log in first: docker login",
  DENIED: "you may not do that",
  UNSUPPORTED: "the registry does not support this",
  TOOMANYREQUESTS: "too many requests, try again later",
  TAG_INVALID: "the tag is not valid",
  RANGE_INVALID: "the range does not fit",
  PAGINATION_NUMBER_INVALID: "n is not a whole number from 0 upwards",
  MANIFEST_TOO_LARGE: "the manifest is larger than this registry accepts",
  CONFLICT: "somebody else changed this at the same time",
  UNAVAILABLE: "the registry cannot do this now",
};

export interface RegistryErrorOptions {
  /** For the client: data that helps (the specification's `detail`). Never paths, never secrets. */
  readonly detail?: unknown;
  /** For the operator's log only. */
  readonly cause?: unknown;
  /** Seconds after which it is worth trying again (RFC 9110 section 10.2.3). */
  readonly retryAfterSeconds?: number;
  /** The length in bytes that the registry holds, for the `Range` header of a refused chunk. */
  readonly offset?: number;
}

/**
 * A refusal that the client is meant to read. Anything else that is thrown is a fault of the registry:
 * the client sees a 500 with a request id, the operator's log has the cause.
 */
export class RegistryError extends Error {
  readonly code: ErrorCode;
  readonly detail: unknown;
  readonly retryAfterSeconds: number | undefined;
  readonly offset: number | undefined;

  constructor(code: ErrorCode, message: string = defaultMessages[code], options: RegistryErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "RegistryError";
    this.code = code;
    this.detail = options.detail;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.offset = options.offset;
  }
}
