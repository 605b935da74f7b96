import { ProtocolError } from "./protocol-error.ts";

/** Where a request goes: the path as it is matched and judged, and the query behind it, without the question mark. */
export interface RequestTarget {
  readonly path: string;
  readonly query: string;
}

/**
 * Splits the address that the runtime hands over, without parsing it again: `http://<host><path>?<query>`, in which it
 * has resolved `.`, `..`, their escaped forms and backslashes already. The path is never unescaped: names, tags and
 * digests have no escapes, so `%` means something in the query only.
 *
 * The runtime hands over the bare path where there is no Host it can read. HTTP/1.0 has none and is let through;
 * one that cannot be read is a fault (400, RFC 9112 section 3.2).
 */
export function readTarget(url: string, host: string | null): RequestTarget {
  let start = 0;
  if (url.startsWith("/")) {
    if (host !== null) throw new ProtocolError(400, "the Host header cannot be read");
  } else {
    start = url.startsWith("http") ? url.indexOf("/", 8) : -1;
    if (start < 0) throw new ProtocolError(400, "the request's target is not a path");
  }
  if (url.includes("#", start)) throw new ProtocolError(400, "the request's target has a fragment");
  const mark = url.indexOf("?", start);
  if (mark < 0) return { path: url.slice(start), query: "" };
  return { path: url.slice(start, mark), query: url.slice(mark + 1) };
}
