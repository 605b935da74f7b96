/** How a bounded read ended, if not with the bytes. */
export type BodyFault = "too-large" | "no-room" | "broken-off" | "silent";

/** So many bytes of bodies may be in memory at once, whoever sends them. */
const maxBytesInAll = 64 * 1024 * 1024;

/** The length that a request announces; undefined where it sends chunks. No body at all is 0. */
export function announcedLength(headers: Headers): number | undefined {
  const length = headers.get("content-length");
  if (length !== null) return Number(length);
  return headers.get("transfer-encoding") === null ? 0 : undefined;
}

/** Reads bodies into memory, and bounds what all of them together take there. */
export class BodyReader {
  readonly #silenceMs: number;
  readonly #maxBytesInAll: number;
  #bytesInAll = 0;

  /** A body that has been silent for `silenceMs` is given up. */
  constructor(silenceMs: number, maxBytes = maxBytesInAll) {
    this.#silenceMs = silenceMs;
    this.#maxBytesInAll = maxBytes;
  }

  /** Hands `work` a body of at most `maxBytes`, or why there is none. Its bytes count until `work` has ended. */
  async with<Result>(
    request: Request,
    maxBytes: number,
    work: (body: Uint8Array | BodyFault) => Promise<Result>,
  ): Promise<Result> {
    let takenBytes = 0;
    const take = (sizeBytes: number): boolean => {
      if (this.#bytesInAll + sizeBytes > this.#maxBytesInAll) return false;
      this.#bytesInAll += sizeBytes;
      takenBytes += sizeBytes;
      return true;
    };
    try {
      return await work(await readBody(request, maxBytes, this.#silenceMs, take));
    } finally {
      this.#bytesInAll -= takenBytes;
    }
  }
}

/**
 * Stops at the chunk that goes beyond `maxBytes` (the runtime hands over at most some 64 KiB more than that) or for which
 * there is no room, when the client goes away, and after `silenceMs` without a byte.
 */
async function readBody(
  request: Request,
  maxBytes: number,
  silenceMs: number,
  take: (sizeBytes: number) => boolean,
): Promise<Uint8Array | BodyFault> {
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
      if (!take(value.byteLength)) return "no-room";
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
