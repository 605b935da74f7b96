import type { Socket } from "bun";

/** Where a registry listens, and what a client needs to speak to it. Plain HTTP where `caPem` is undefined. */
export interface Endpoint {
  readonly port: number;
  readonly caPem: string | undefined;
  /** The value of the header `Authorization`. */
  readonly authorization: string;
}

/** The first part of an answer. Names of headers are in lower case. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
}

/** What a request says besides its method and target. */
export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** A body that is in memory; its length is announced. */
  readonly body?: Uint8Array | string;
}

const endOfHead = Buffer.from("\r\n\r\n");

/**
 * One HTTP/1.1 connection, kept alive, one request at a time. A purpose-made one, because the tests have to stop in
 * the middle of a body, read slowly, and measure without a pool of connections in between.
 */
export class Connection {
  readonly #endpoint: Endpoint;
  #socket: Socket | undefined;
  #received: Buffer[] = [];
  #receivedBytes = 0;
  #failure: Error | undefined;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;
  #paused = false;

  private constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  /** Throws when nobody listens, or not with TLS where that is meant. */
  static async open(endpoint: Endpoint): Promise<Connection> {
    const connection = new Connection(endpoint);
    await connection.#connect();
    return connection;
  }

  async #connect(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // A server that goes away in the middle of the handshake is only seen by the connection's end.
    this.#wakeReader = () => reject(this.#failure ?? new Error("bytes came before the end of the handshake"));
    await Bun.connect({
      hostname: "127.0.0.1",
      port: this.#endpoint.port,
      // The runtime's TLS client cannot judge name constraints on addresses, which dozo's certificates have. That real
      // clients trust them is what test/clients shows; here it is about bytes.
      ...(this.#endpoint.caPem === undefined ? {} : { tls: { rejectUnauthorized: false, serverName: "localhost" } }),
      socket: {
        binaryType: "buffer",
        open: (socket) => {
          this.#socket = socket;
          if (this.#endpoint.caPem === undefined) resolve();
        },
        handshake: (_socket, success, error) => {
          if (success) resolve();
          else reject(new Error(`the TLS handshake failed: ${String(error)}`));
        },
        data: (_socket, bytes) => this.#take(bytes),
        drain: () => this.#wakeWriter?.(),
        close: () => this.#fail(new Error("the server closed the connection")),
        end: () => this.#fail(new Error("the server closed the connection")),
        error: (_socket, error) => this.#fail(error),
      },
    });
    await promise;
    this.#wakeReader = undefined;
  }

  /** Sends a request and reads its answer whole. */
  async request(
    method: string,
    target: string,
    options: RequestOptions = {},
  ): Promise<AnswerHead & { readonly body: Buffer }> {
    await this.sendHead(method, target, {
      ...options.headers,
      ...(options.body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(options.body)) }),
    });
    if (options.body !== undefined) await this.send(Buffer.from(options.body));
    const head = await this.readHead();
    const parts: Buffer[] = [];
    await this.readBody(method, head, (part) => {
      parts.push(part);
    });
    return { ...head, body: Buffer.concat(parts) };
  }

  /** Begins a request; its body, if it has one, follows with `send`. */
  async sendHead(method: string, target: string, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    const lines = Object.entries({ Authorization: this.#endpoint.authorization, ...headers }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    await this.send(Buffer.from(`${method} ${target} HTTP/1.1\r\nHost: localhost\r\n${lines.join("")}\r\n`));
  }

  /** Sends bytes as they are and waits while the server does not take them. */
  async send(bytes: Uint8Array): Promise<void> {
    let sent = 0;
    while (sent < bytes.length) {
      if (this.#failure !== undefined) throw this.#failure;
      const written = this.#socket?.write(bytes, sent, bytes.length - sent) ?? -1;
      if (written < 0) throw new Error("the connection is closed");
      sent += written;
      if (sent < bytes.length) await this.#untilDrained();
    }
  }

  /** Reads the first part of an answer, passing over `100 Continue`. */
  async readHead(): Promise<AnswerHead> {
    for (;;) {
      const text = await this.#readUntil(endOfHead);
      const [first = "", ...lines] = text.split("\r\n");
      const status = Number(/^HTTP\/1\.1 ([0-9]{3})/.exec(first)?.[1]);
      if (Number.isNaN(status)) throw new Error(`not an answer: ${first}`);
      const headers = new Map<string, string>();
      for (const line of lines) {
        const colon = line.indexOf(":");
        if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
      }
      if (status >= 200) return { status, headers };
    }
  }

  /** Hands over the body of an answer part by part; goes on when what `take` returns is done. */
  async readBody(method: string, head: AnswerHead, take: (part: Buffer) => void | Promise<void>): Promise<void> {
    if (method === "HEAD" || head.status === 204 || head.status === 304) return;
    if (head.headers.get("transfer-encoding") !== "chunked") {
      await this.#readBytes(Number(head.headers.get("content-length") ?? 0), take);
      return;
    }
    for (;;) {
      const length = Number.parseInt(await this.#readUntil(Buffer.from("\r\n")), 16);
      if (Number.isNaN(length)) throw new Error("a chunk of the answer has no length");
      await this.#readBytes(length, take);
      await this.#readUntil(Buffer.from("\r\n"));
      if (length === 0) return;
    }
  }

  /** Takes no more bytes from the server until something is read again. */
  pause(): void {
    this.#paused = true;
    this.#socket?.pause();
  }

  /** Goes away without a farewell, in the middle of whatever there was. */
  abort(): void {
    this.#socket?.terminate();
  }

  close(): void {
    this.#socket?.end();
  }

  #take(bytes: Buffer): void {
    this.#received.push(bytes);
    this.#receivedBytes += bytes.length;
    if (this.#receivedBytes > 1024 * 1024) this.pause();
    this.#wakeReader?.();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wakeReader?.();
    this.#wakeWriter?.();
  }

  async #untilDrained(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wakeWriter = resolve;
    await promise;
    this.#wakeWriter = undefined;
  }

  async #untilReceived(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wakeReader = resolve;
    if (this.#paused) {
      this.#paused = false;
      this.#socket?.resume();
    }
    await promise;
    this.#wakeReader = undefined;
  }

  async #readBytes(length: number, take: (part: Buffer) => void | Promise<void>): Promise<void> {
    let missing = length;
    while (missing > 0) {
      const part = this.#received.shift();
      if (part === undefined) {
        await this.#untilReceived();
        continue;
      }
      this.#receivedBytes -= part.length;
      if (part.length > missing) this.#putBack(part.subarray(missing));
      const taken = part.subarray(0, missing);
      missing -= taken.length;
      await take(taken);
    }
  }

  async #readUntil(mark: Buffer): Promise<string> {
    for (;;) {
      const all = Buffer.concat(this.#received);
      const at = all.indexOf(mark);
      this.#received = [all];
      if (at >= 0) {
        this.#received = [];
        this.#receivedBytes = 0;
        if (at + mark.length < all.length) this.#putBack(all.subarray(at + mark.length));
        return all.subarray(0, at).toString("latin1");
      }
      await this.#untilReceived();
    }
  }

  #putBack(bytes: Buffer): void {
    this.#received.unshift(bytes);
    this.#receivedBytes += bytes.length;
  }
}
