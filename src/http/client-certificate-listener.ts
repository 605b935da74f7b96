import { connect, type Socket } from "node:net";
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from "node:tls";
import type { ClientCertificate } from "../core/client-certificate.ts";
import { RegistryError } from "../core/error.ts";
import { refusalAnswer } from "./error-response.ts";
import {
  AddressInUseError,
  type Client,
  type Listener,
  type ListenOptions,
  listen,
  type TlsMaterial,
  cipherSuites,
} from "./listener.ts";

/** Where the private sockets lie: a folder that only this user may enter, in which no name can be guessed. */
interface PrivateSockets {
  /** A path that nothing stands under. */
  fresh(): string;
  /** Removes what stands there, if anything does. */
  remove(path: string): void;
}

export interface CertificateListenOptions {
  readonly address: { readonly host: string; readonly port: number };
  readonly tls: readonly TlsMaterial[];
  readonly handle: ListenOptions["handle"];
  /** PEM; a certificate that none of them stands above is refused. */
  readonly authorities: readonly string[];
  /** Reads a certificate (DER) whose chain is good; a text is why it counts for nobody, which the client is told. */
  readonly identify: (der: Uint8Array) => Promise<ClientCertificate | string>;
  readonly sockets: PrivateSockets;
  readonly onRefused: (reason: string, address: string | undefined) => void;
}

const handshakeTimeoutMs = 10_000;
/** An identified client that takes nothing of what it asked for is cut off; a piece is at most 512 KiB. */
const stallTimeoutMs = 240_000;
/** For the end of a connection: the other side's last bytes, or the first of one that is refused. */
const lingerMs = 10_000;
const maxConnections = 1024;
/** Of clients that have not shown yet who they are; beyond, the one that has taken longest has to go. */
const maxNewcomers = 512;
const maxConnectionsPerCertificate = 256;

/**
 * Serves HTTP/1.1 to clients that show a certificate. The runtime's server does not tell its handler who came, so TLS ends here, and
 * each connection's bytes go to a server of its own on a private socket, which knows the certificate and the address from this
 * file and from nothing that the client sends. The socket's name is gone as soon as the connection stands.
 *
 * Rejects with `AddressInUseError`, or the runtime's error where the address cannot be used.
 */
export async function listenForCertificates(options: CertificateListenOptions): Promise<Listener> {
  const server = createServer({
    ...secureContext(options.tls[0], options.authorities),
    requestCert: true,
    // Our own check decides, and answers in words.
    rejectUnauthorized: false,
    handshakeTimeout: handshakeTimeoutMs,
    allowHalfOpen: true,
  });
  server.maxConnections = maxConnections + maxNewcomers;
  const listener = new CertificateListener(options, server);
  listener.replaceCertificate(options.tls);
  const { host, port } = options.address;
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  server.once("error", (error: NodeJS.ErrnoException) =>
    reject(error.code === "EADDRINUSE" ? new AddressInUseError(options.address, error) : error),
  );
  server.listen(port, host, () => resolve(undefined));
  await promise;
  return listener;
}

function secureContext(tls: TlsMaterial | undefined, authorities: readonly string[]): SecureContextOptions {
  if (tls === undefined) throw new Error("a listener with TLS needs a certificate");
  const pair = { cert: tls.certificatePem, key: tls.keyPem };
  return { ...pair, ca: [...authorities], minVersion: "TLSv1.2", ciphers: cipherSuites };
}

class CertificateListener implements Listener {
  readonly #options: CertificateListenOptions;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  /** Those of whom it is not known yet who they are, the oldest first. */
  readonly #newcomers = new Set<TLSSocket>();
  #serverNames: readonly string[] = [];

  constructor(options: CertificateListenOptions, server: Server) {
    this.#options = options;
    this.#server = server;
    server.on("connection", (socket: TLSSocket) => this.#welcome(socket));
    server.on("secureConnection", (socket) => void this.#accept(socket));
    server.on("tlsClientError", (_error, socket) => socket.destroy());
  }

  get port(): number | undefined {
    const address = this.#server.address();
    return address === null || typeof address === "string" ? undefined : address.port;
  }

  replaceCertificate(tls: readonly TlsMaterial[]): void {
    const [first] = tls;
    const fallback = secureContext(first, this.#options.authorities);
    this.#server.setSecureContext(fallback);
    // A name cannot be taken back: it is shown the first certificate again.
    for (const name of this.#serverNames) this.#server.addContext(name, fallback);
    for (const material of tls) {
      const context = secureContext(material, this.#options.authorities);
      for (const name of material.serverNames ?? []) this.#server.addContext(name, context);
    }
    this.#serverNames = tls.flatMap(({ serverNames = [] }) => serverNames);
  }

  async stop(graceMs: number): Promise<void> {
    const deadline = performance.now() + graceMs;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    const connections = [...this.#connections];
    await Promise.all(connections.map((connection) => connection.stop(graceMs)));
    const timer = setTimeout(() => this.#cutAll(), Math.max(0, deadline - performance.now()));
    await Promise.all(connections.map((connection) => connection.closed));
    clearTimeout(timer);
    this.#cutAll();
    await closed;
  }

  /** Who floods the port with handshakes that never end must not keep those out who have a certificate. */
  #welcome(socket: TLSSocket): void {
    this.#newcomers.add(socket);
    socket.once("close", () => this.#newcomers.delete(socket));
    const [oldest] = this.#newcomers;
    if (oldest === undefined || this.#newcomers.size <= maxNewcomers) return;
    this.#newcomers.delete(oldest);
    oldest.destroy();
  }

  #cutAll(): void {
    for (const socket of this.#newcomers) socket.destroy();
    for (const connection of this.#connections) connection.cut();
  }

  async #accept(socket: TLSSocket): Promise<void> {
    const connection = new Connection(socket);
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
    try {
      const refusal = await this.#identify(connection, socket);
      if (refusal === undefined) return;
      this.#options.onRefused(refusal.message, connection.address);
      connection.refuse(refusal);
    } catch (error) {
      connection.cut();
      this.#options.onRefused(error instanceof Error ? error.message : String(error), connection.address);
    }
  }

  #served(): number {
    return [...this.#connections].filter(({ fingerprint }) => fingerprint !== undefined).length;
  }

  /** Why there is no serving this client. */
  async #identify(connection: Connection, socket: TLSSocket): Promise<RegistryError | undefined> {
    const der = socket.getPeerX509Certificate()?.raw;
    if (der === undefined) return new RegistryError("DENIED", withoutCertificate);
    if (!socket.authorized) return new RegistryError("DENIED", `${notTrusted} (${reasonOf(socket)})`);
    const certificate = await this.#options.identify(der);
    if (typeof certificate === "string") return new RegistryError("DENIED", certificate);
    const { fingerprint } = certificate;
    const others = [...this.#connections].filter((each) => each.fingerprint === fingerprint).length;
    this.#newcomers.delete(socket);
    if (others >= maxConnectionsPerCertificate || this.#served() >= maxConnections)
      return new RegistryError("TOOMANYREQUESTS", "too many connections with client certificates", {
        retryAfterSeconds: 10,
      });
    connection.serve(this.#options, { address: connection.address, certificate });
    return undefined;
  }
}

const withoutCertificate =
  "this address demands a client certificate: put client.cert and client.key beside ca.crt in certs.d; an admin issues them";
const notTrusted = "this registry does not trust the client certificate";

function reasonOf({ authorizationError }: TLSSocket): string {
  return String(authorizationError);
}

/** One connection: TLS on the outside; inside, once it is known who came, a server of its own. */
class Connection {
  readonly address: string | undefined;
  readonly closed: Promise<void>;
  fingerprint: string | undefined;
  readonly #socket: TLSSocket;
  #inner: { readonly listener: Listener; readonly pipe: Socket } | undefined;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    this.address = socket.remoteAddress;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.closed = promise.then(() => this.#end());
    socket.once("close", () => resolve(undefined));
    // What matters of an error is the close that follows it.
    socket.on("error", () => socket.destroy());
  }

  serve({ sockets, handle }: CertificateListenOptions, client: Client & { certificate: ClientCertificate }): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    this.fingerprint = client.certificate.fingerprint;
    const path = sockets.fresh();
    const listener = listen({ address: { unix: path }, tls: undefined, handle: (request) => handle(request, client) });
    const pipe = connect({ path, allowHalfOpen: true });
    this.#inner = { listener, pipe };
    pipe.once("connect", () => sockets.remove(path));
    pipe.on("error", () => pipe.destroy());
    pipe.once("close", () => (pipe.readableEnded ? this.#finish() : socket.destroy()));
    socket.pipe(pipe);
    passOn(pipe, socket);
  }

  /** Answers the first request with a refusal, whatever it is, and closes. */
  refuse(error: RegistryError): void {
    const socket = this.#socket;
    this.#closeWithin(lingerMs);
    socket.once("data", () => {
      socket.end(refusalText(error));
      socket.resume();
    });
    socket.once("end", () => socket.end());
  }

  async stop(graceMs: number): Promise<void> {
    if (this.#inner === undefined) this.cut();
    else await this.#inner.listener.stop(graceMs);
  }

  cut(): void {
    this.#socket.destroy();
  }

  /** The server is through: its last bytes may still be on their way. */
  #finish(): void {
    const socket = this.#socket;
    this.#closeWithin(stallTimeoutMs);
    socket.end(() => this.#closeWithin(lingerMs));
  }

  #closeWithin(ms: number): void {
    const timer = setTimeout(() => this.#socket.destroy(), ms);
    this.#socket.once("close", () => clearTimeout(timer));
  }

  async #end(): Promise<void> {
    this.#inner?.pipe.destroy();
    await this.#inner?.listener.stop(0);
  }
}

/** What the server answers, no faster than the client takes it; a client that takes nothing for minutes is cut off. */
function passOn(from: Socket, to: TLSSocket): void {
  let stall: ReturnType<typeof setTimeout> | undefined;
  from.on("data", (chunk) => {
    if (to.write(chunk)) return;
    from.pause();
    stall = setTimeout(() => to.destroy(), stallTimeoutMs);
  });
  to.on("drain", () => {
    clearTimeout(stall);
    from.resume();
  });
  to.once("close", () => clearTimeout(stall));
  from.once("end", () => from.end());
}

/** An answer for a connection that no server stands behind. */
function refusalText(error: RegistryError): string {
  const { status, headers, body } = refusalAnswer(error);
  const content = Buffer.from(body?.content instanceof Uint8Array ? body.content : "").toString();
  const lines = Object.entries({
    ...headers,
    "Content-Length": String(Buffer.byteLength(content)),
    Connection: "close",
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Refused\r\n${lines.join("")}\r\n${content}`;
}
