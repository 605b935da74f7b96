import { announcedLength } from "./request-body.ts";

/** So much of a body nobody wanted is read and thrown away; with more of it the connection is closed. */
const drainedBytes = 64 * 1024;

/** Long enough for the answer to reach a client that is still sending, so that it is read before the connection breaks. */
const lingerMs = 500;

/**
 * Whether there may still be more of the request's body on its way than is worth reading: then the next request would come
 * only behind it. A body that somebody began to read is read to its end, unless the request was refused meanwhile.
 */
export function leavesBodyUnread(request: Request, response: Response): boolean {
  const length = announcedLength(request.headers);
  if (length !== undefined && length <= drainedBytes) return false;
  return response.status >= 400 || !request.bodyUsed;
}

/**
 * Sends the answer at once and closes the connection half a second later. Meanwhile nothing is read beyond what the
 * socket's buffers take: a client that sends on comes to a halt, and has seen the answer before a reset can overtake it.
 * GET and HEAD are closed at once: the runtime reads their bodies on and on, and no honest client sends one of that size.
 */
export async function answerWhileClosing(request: Request, response: Response): Promise<Response> {
  if (request.method === "GET" || request.method === "HEAD") {
    response.headers.set("Connection", "close");
    return response;
  }
  const headers = new Headers(response.headers);
  headers.set("Connection", "close");
  const bytes = await response.bytes();
  const content = new ReadableStream<Uint8Array>({
    start(controller) {
      if (bytes.byteLength > 0) controller.enqueue(bytes);
      const close = (): void => {
        clearTimeout(timer);
        request.signal.removeEventListener("abort", close);
        try {
          controller.close();
        } catch {
          // The client has gone and taken the stream with it.
        }
      };
      const timer = setTimeout(close, lingerMs);
      request.signal.addEventListener("abort", close);
    },
  });
  return new Response(content, { status: response.status, headers });
}
