import { isIP } from "node:net";
import type { Server } from "bun";
import type { ClientCertificate } from "../core/client-certificate.ts";
import { listeningDescriptors, steerNewConnections } from "./reuseport-group.ts";
import { answerWhileClosing, leavesBodyUnread } from "./unread-body.ts";

/**
 * What lives in this folder: the machinery of serving, which knows nothing of registries. This file is the only one that
 * names the runtime's server.
 */
export interface ListenOptions {
  readonly address: ListenAddress;
  /** Plain HTTP where it is undefined; several are chosen between by the name that a client asks for. */
  readonly tls: readonly TlsMaterial[] | undefined;
  /** Must not throw; a failure of it is the runtime's bare 500. */
  readonly handle: (request: Request, client: Client) => Response | Promise<Response>;
  /**
   * How long a connection may be idle between requests, and a client may take nothing of an answer: 75 s by default, at
   * most 255, counted in steps of 4.
   */
  readonly idleSeconds?: number;
  /** How long a replaced certificate's connections have for their next request; for tests, it follows from the other times. */
  readonly retirementMs?: number;
}

/** A TCP port (0: a free one), or the path of a Unix socket. */
export type ListenAddress = { readonly host: string; readonly port: number } | { readonly unix: string };

/** PEM, the certificate with its chain. The first of a list is for every client whose name (RFC 6066 section 3) none has. */
export interface TlsMaterial {
  readonly certificatePem: string;
  readonly keyPem: string;
  /** DNS names for which it is shown; `*.example.com` is every name with one label more. Addresses are passed over. */
  readonly serverNames?: readonly string[];
}

/** The other end of a connection; a Unix socket has no address. */
export interface Client {
  readonly address: string | undefined;
  /** With which it proved who it is, on a listener that demands one; never taken from what a request says. */
  readonly certificate?: ClientCertificate;
}

export interface Listener {
  /** Undefined for a Unix socket. */
  readonly port: number | undefined;
  /**
   * New connections see the new certificates; those there are keep the old ones until they end, and none of them is broken:
   * answers ask the client to begin a new one (RFC 9112 section 9.6), and what is idle ends as idle connections do. Only for
   * listeners with TLS, on TCP.
   */
  replaceCertificate(tls: readonly TlsMaterial[]): void;
  /**
   * Takes no new connections, closes idle ones, lets requests in flight end for `graceMs` and then cuts them. Settles when
   * everything is closed.
   */
  stop(graceMs: number): Promise<void>;
}

/** Somebody else listens there. */
export class AddressInUseError extends Error {
  readonly address: ListenAddress;

  constructor(address: ListenAddress, cause: unknown) {
    const place = "unix" in address ? address.unix : `port ${address.port} of ${address.host}`;
    super(`${place} is in use by another program`, { cause });
    this.name = "AddressInUseError";
    this.address = address;
  }
}

/**
 * The runtime's clock, as it was found to work. The head of a connection's first request has to come within 10 s whatever is
 * set here (that one is fixed). The clock runs on while a handler works and while a body arrives, whose bytes do not even
 * set it back: so requests with a body run without it, and whoever reads the body watches for silence.
 */
const defaultIdleSeconds = 75;

/** How long a client's part of a TCP handshake may take, the server's repetitions included (tcp_synack_retries in tcp(7)). */
const longestHandshakeMs = 65_000;
/** The runtime's clock for the head of a first request, with some room. */
const firstRequestMs = 15_000;
/** With more than that the quiet ones are not kept for the rest of their time. */
const manyRetired = 32;
/** Rather a broken connection than ever more listeners, however often certificates are replaced. */
const mostRetired = 256;

/** How often a stopping listener looks whether requests are still in flight. */
const stopPollMs = 20;

/**
 * Serves HTTP/1.1 on one address. Throws `AddressInUseError`, or the runtime's error where the address is not this
 * machine's or may not be used.
 */
export function listen(options: ListenOptions): Listener {
  const { address } = options;
  if ("unix" in address) return new ServedAddress(options, start(options, address, options.tls));
  assertFree(address);
  const first = start(options, address, options.tls);
  return new ServedAddress({ ...options, address: { ...address, port: first.server.port ?? address.port } }, first);
}

/** One of the runtime's servers; it cannot change its certificate. */
interface Generation {
  readonly server: Server<undefined>;
  readonly state: GenerationState;
}

interface GenerationState {
  /** Another one takes the new connections; this one's answers end the connections it has. */
  isRetired: boolean;
  /** At the last look no request was in flight. */
  wasQuiet: boolean;
}

class ServedAddress implements Listener {
  readonly #options: ListenOptions;
  /** Those that listen, in the kernel's order (see `steerNewConnections`). */
  readonly #group: Generation[];
  /** All of the group but the current one, the oldest first. */
  #retired: Generation[] = [];
  /** Of the current one, where there are others. */
  #descriptor: number | undefined;
  /** They listen no more, and have requests in flight. */
  readonly #ending = new Set<Server<undefined>>();
  #current: Generation;
  #retirement: ReturnType<typeof setTimeout> | undefined;
  #isStopping = false;

  constructor(options: ListenOptions, first: Generation) {
    this.#options = options;
    this.#current = first;
    this.#group = [first];
  }

  get port(): number | undefined {
    return "unix" in this.#options.address ? undefined : this.#options.address.port;
  }

  replaceCertificate(tls: readonly TlsMaterial[]): void {
    if (this.#isStopping) return;
    // The runtime cannot swap a certificate, and a server of its that is stopped breaks connections that have sent no request
    // yet. So the old one goes on listening, gets no new connections, and is stopped when it has none that this could break.
    const others = listeningDescriptors(this.port ?? 0);
    const next = start(this.#options, this.#options.address, tls);
    const retired = this.#current;
    this.#group.push(next);
    this.#current = next;
    retired.state.isRetired = true;
    this.#retired.push(retired);
    this.#descriptor = listeningDescriptors(this.port ?? 0).find((descriptor) => !others.includes(descriptor));
    if (!this.#steer()) this.#end(retired);
    this.#endSurplus();
    this.#retireLater();
  }

  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#retirement);
    const servers = [...this.#group.map(({ server }) => server), ...this.#ending];
    const ended = Promise.all(servers.map((server) => server.stop(false)));
    const deadline = performance.now() + graceMs;
    const isBusy = (): boolean => servers.some((server) => server.pendingRequests > 0);
    while (isBusy() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, stopPollMs));
    for (const server of servers) void server.stop(true);
    await ended;
  }

  #retireLater(): void {
    if (this.#retirement !== undefined || this.#retired.length === 0) return;
    const { idleSeconds = defaultIdleSeconds } = this.#options;
    const usualMs = Math.max(idleSeconds * 1000, longestHandshakeMs) + firstRequestMs;
    this.#retirement = setTimeout(() => {
      this.#retirement = undefined;
      this.#endQuietOnes();
      this.#retireLater();
    }, this.#options.retirementMs ?? usualMs);
    this.#retirement.unref();
  }

  /**
   * Ends those that were quiet at the look before: by now each of their connections has been idle for too long, or was told to
   * end by an answer. While an ending moves the current one in the kernel's order, a connection may still come to a retired one:
   * then only one is ended at a time.
   */
  #endQuietOnes(): void {
    const quiet = this.#retired.filter(({ state }) => state.wasQuiet);
    for (const each of this.#group[0] === this.#current ? quiet : quiet.slice(0, 1)) this.#end(each);
    for (const { server, state } of this.#retired) state.wasQuiet = server.pendingRequests === 0;
  }

  #endSurplus(): void {
    if (this.#retired.length <= manyRetired) return;
    const quiet = this.#retired.find(({ state }) => state.wasQuiet);
    if (quiet !== undefined) this.#end(quiet);
    for (const each of this.#retired.slice(0, -mostRetired)) this.#end(each);
  }

  #end(retired: Generation): void {
    const { server } = retired;
    this.#ending.add(server);
    void server.stop(false).then(() => this.#ending.delete(server));
    this.#retired = this.#retired.filter((each) => each !== retired);
    const last = this.#group.pop();
    const place = this.#group.indexOf(retired);
    if (last !== undefined && place >= 0) this.#group[place] = last;
    this.#steer();
  }

  #steer(): boolean {
    const descriptor = this.#descriptor;
    return descriptor !== undefined && steerNewConnections(descriptor, this.#group.indexOf(this.#current));
  }
}

function start(options: ListenOptions, address: ListenAddress, tls: ListenOptions["tls"]): Generation {
  const state: GenerationState = { isRetired: false, wasQuiet: false };
  const common = {
    development: false,
    idleTimeout: options.idleSeconds ?? defaultIdleSeconds,
    // The stores bound what they take, and refuse it in the specification's words.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: (request: Request, server: Server<undefined>) => answer(options, state, request, server),
    ...(tls === undefined ? {} : { tls: tlsOptions(tls) }),
  };
  try {
    if ("unix" in address)
      return { state, server: Bun.serve({ ...common, unix: address.unix } as Bun.Serve.Options<undefined>) };
    return { state, server: Bun.serve({ ...common, hostname: address.host, port: address.port, reusePort: true }) };
  } catch (error) {
    throw isInUse(error) ? new AddressInUseError(address, error) : error;
  }
}

/** Of TLS 1.2 only those with forward secrecy and authenticated encryption (RFC 9325 section 4.2); 1.3 has no others. */
export const cipherSuites = "ECDHE+AESGCM:ECDHE+CHACHA20";

/** One entry for each name; the runtime shows the very first where no name fits, and plain HTTP where the list is empty. */
function tlsOptions(tls: readonly TlsMaterial[]): Bun.TLSOptions[] {
  if (tls.length === 0) throw new Error("a listener with TLS needs a certificate");
  return tls.flatMap(({ certificatePem, keyPem, serverNames = [] }, index) => {
    const pair = { cert: certificatePem, key: keyPem, ciphers: cipherSuites };
    const named = serverNames.filter((name) => isIP(name) === 0).map((serverName) => ({ ...pair, serverName }));
    return index === 0 ? [pair, ...named] : named;
  });
}

function answer(
  options: ListenOptions,
  state: GenerationState,
  request: Request,
  server: Server<undefined>,
): Response | Promise<Response> {
  const response = serve(options, request, server);
  return state.isRetired ? endingConnection(response) : response;
}

async function endingConnection(answered: Response | Promise<Response>): Promise<Response> {
  const response = await answered;
  response.headers.set("Connection", "close");
  return response;
}

function serve(options: ListenOptions, request: Request, server: Server<undefined>): Response | Promise<Response> {
  const client = { address: server.requestIP(request)?.address };
  const { headers } = request;
  if (headers.get("content-length") === null && headers.get("transfer-encoding") === null) {
    return options.handle(request, client);
  }
  server.timeout(request, 0);
  return serveWithBody(options, request, client, server);
}

async function serveWithBody(
  options: ListenOptions,
  request: Request,
  client: Client,
  server: Server<undefined>,
): Promise<Response> {
  const response = await options.handle(request, client);
  server.timeout(request, options.idleSeconds ?? defaultIdleSeconds);
  return leavesBodyUnread(request, response) ? answerWhileClosing(request, response) : response;
}

/** With `reusePort` two programs would share a port without a word: an exclusive bind comes first and is let go again. */
function assertFree(address: { readonly host: string; readonly port: number }): void {
  if (address.port === 0) return;
  try {
    const probe = Bun.serve({ hostname: address.host, port: address.port, fetch: () => new Response() });
    void probe.stop(true);
  } catch (error) {
    throw isInUse(error) ? new AddressInUseError(address, error) : error;
  }
}

function isInUse(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}
