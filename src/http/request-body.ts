/** How a bounded read ended, if not with the bytes. */
export type BodyFault = "too-large" | "broken-off" | "silent";

/** The length that a request announces; undefined where it sends chunks. No body at all is 0. */
export function announcedLength(headers: Headers): number | undefined {
  const length = headers.get("content-length");
  if (length !== null) return Number(length);
  return headers.get("transfer-encoding") === null ? 0 : undefined;
}

/**
 * Reads a body that has to fit into memory. Stops at the chunk that goes beyond `maxBytes` (the runtime hands over at most
 * some 64 KiB more than that), when the client goes away, and after `silenceMs` without a byte.
 */
export async function readBody(request: Request, maxBytes: number, silenceMs: number): Promise<Uint8Array | BodyFault> {
  const announced = announcedLength(request.headers);
  if (announced !== undefined && announced > maxBytes) return "too-large";
  if (request.body === null) return new Uint8Array(0);
  const reader = request.body.getReader();
  let silent = false;
  const stop = (): void => {
    silent = true;
    void reader.cancel().catch(() => undefined);
  };
  let timer = setTimeout(stop, silenceMs);
  try {
    const chunks: Uint8Array[] = [];
    let lengthBytes = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return silent ? "silent" : joined(chunks, lengthBytes);
      lengthBytes += value.byteLength;
      // Not cancelled: what nobody reads stays with the client, of a cancelled body the runtime reads all there is.
      if (lengthBytes > maxBytes) return "too-large";
      chunks.push(value);
      clearTimeout(timer);
      timer = setTimeout(stop, silenceMs);
    }
  } catch {
    return silent ? "silent" : "broken-off";
  } finally {
    clearTimeout(timer);
  }
}

function joined(chunks: readonly Uint8Array[], lengthBytes: number): Uint8Array {
  const [first] = chunks;
  if (chunks.length === 1 && first !== undefined) return first;
  const bytes = new Uint8Array(lengthBytes);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}
