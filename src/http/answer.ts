/** The bytes of an answer, and how many they are: what `HEAD` announces and the log counts. */
interface AnswerBody {
  readonly content: Blob | Uint8Array | ReadableStream<Uint8Array>;
  readonly lengthBytes: number;
}

/** What a handler answers: plain data, from which the one `Response` is made at the end. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AnswerBody | undefined;
}

const encoder = new TextEncoder();

/** An answer without a body. */
export function emptyAnswer(status: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers, body: undefined };
}

export function bytesAnswer(status: number, bytes: Uint8Array, headers: Readonly<Record<string, string>>): Answer {
  return { status, headers, body: { content: bytes, lengthBytes: bytes.byteLength } };
}

export function jsonAnswer(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  const bytes = encoder.encode(JSON.stringify(value));
  return bytesAnswer(status, bytes, { "Content-Type": "application/json; charset=utf-8", ...headers });
}

/**
 * The one `Response` of a request. `HEAD` gets the headers of `GET`, its Content-Length among them, and no body
 * (RFC 9110 section 9.3.2). The headers of the answer win over the common ones.
 */
export function toResponse(answer: Answer, isHead: boolean, common: Readonly<Record<string, string>>): Response {
  const { status, body } = answer;
  const headers: Record<string, string> = { ...common, ...answer.headers };
  if (body === undefined) return new Response(null, { status, headers });
  if (!isHead) return new Response(body.content as BodyInit, { status, headers });
  headers["Content-Length"] = String(body.lengthBytes);
  return new Response(null, { status, headers });
}
