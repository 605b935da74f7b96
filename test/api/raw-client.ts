import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** An answer as it came off the wire. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Where to connect to; with `tls` any certificate is taken. */
export interface RawTarget {
  readonly port: number;
  readonly tls?: boolean;
  /** A client certificate with its key, PEM. */
  readonly cert?: string;
  readonly key?: string;
}

/** One connection on which a test writes what it likes. Bytes are Latin-1, so that a string can be any bytes. */
export class RawClient {
  readonly socket: Socket;
  received = "";
  isClosed = false;
  readonly #closed: Promise<void>;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes) => {
      this.received += bytes.toString("latin1");
      this.#wake();
    });
    // A reset is one way in which a server ends a connection.
    socket.on("error", () => {});
    this.#closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.isClosed = true;
        this.#wake();
        resolve();
      });
    });
  }

  static open({ port, tls = false, ...shown }: RawTarget): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket: Socket = tls
        ? connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false, ...shown }, () =>
            resolve(new RawClient(socket)),
          )
        : connect(port, "127.0.0.1", () => resolve(new RawClient(socket)));
      socket.once("error", reject);
    });
  }

  write(text: string): void {
    if (!this.isClosed) this.socket.write(text, "latin1");
  }

  /** The next whole answer; rejects when the connection ends before, or when nothing has come after `timeoutMs`. */
  async answer(timeoutMs = 5000): Promise<RawAnswer> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = takeAnswer(this.received, this.isClosed);
      if (found !== undefined) {
        this.received = this.received.slice(found.consumed);
        if (found.answer.status !== 100) return found.answer;
        continue;
      }
      if (this.isClosed) throw new Error(`closed with ${JSON.stringify(this.received.slice(0, 200))} received`);
      if (performance.now() > deadline) throw new Error("no answer in time");
      await this.#change(deadline - performance.now());
    }
  }

  /** Everything that comes until the server closes the connection; rejects when it does not. */
  async untilClosed(timeoutMs = 5000): Promise<string> {
    const timer = setTimeout(() => this.#wake(), timeoutMs);
    const deadline = performance.now() + timeoutMs;
    while (!this.isClosed && performance.now() < deadline) await this.#change(deadline - performance.now());
    clearTimeout(timer);
    if (!this.isClosed) throw new Error("the server kept the connection open");
    return this.received;
  }

  async close(): Promise<void> {
    this.socket.destroy();
    await this.#closed;
  }

  #change(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, timeoutMs));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Sends one text on a connection of its own and answers the first response. */
export async function exchangeRaw(target: RawTarget, text: string): Promise<RawAnswer> {
  const client = await RawClient.open(target);
  try {
    client.write(text);
    return await client.answer();
  } finally {
    await client.close();
  }
}

function takeAnswer(text: string, isClosed: boolean): { answer: RawAnswer; consumed: number } | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [statusLine = "", ...lines] = text.slice(0, end).split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1] ?? Number.NaN);
  if (Number.isNaN(status)) throw new Error(`no status line: ${JSON.stringify(statusLine)}`);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    if (headers.has(name)) throw new Error(`the answer has ${name} twice`);
    headers.set(name, line.slice(colon + 1).trim());
  }
  const start = end + 4;
  if (status < 200 || status === 204 || status === 304)
    return { answer: { status, headers, body: "" }, consumed: start };
  if (headers.get("transfer-encoding") === "chunked") return takeChunked(text, start, status, headers);
  const length = headers.get("content-length");
  if (length === undefined) {
    return isClosed ? { answer: { status, headers, body: text.slice(start) }, consumed: text.length } : undefined;
  }
  const stop = start + Number(length);
  if (text.length < stop) return undefined;
  return { answer: { status, headers, body: text.slice(start, stop) }, consumed: stop };
}

function takeChunked(
  text: string,
  start: number,
  status: number,
  headers: Map<string, string>,
): { answer: RawAnswer; consumed: number } | undefined {
  let body = "";
  for (let at = start; ;) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    // The server broke this answer off with another one, because what it received could not be parsed any further.
    if (Number.isNaN(size)) return { answer: { status, headers, body }, consumed: at };
    const chunkEnd = lineEnd + 2 + size;
    if (text.length < chunkEnd + 2) return undefined;
    if (size === 0) return { answer: { status, headers, body }, consumed: chunkEnd + 2 };
    body += text.slice(lineEnd + 2, chunkEnd);
    at = chunkEnd + 2;
  }
}
