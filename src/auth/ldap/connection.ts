import { connect as connectPlain, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

import { Client, type Entry, ResultCodeError } from "ldapts";

import { DirectoryUnavailableError } from "./directory-error.ts";

export interface ConnectionOptions {
  /** `ldaps://HOST[:PORT]`, or `ldap://` for a connection that begins without TLS. */
  readonly url: string;
  /** With `ldap://`: TLS before anybody is named (RFC 4511 section 4.14). */
  readonly startTls: boolean;
  /** The authorities that may vouch for the server, PEM; undefined: the usual ones. */
  readonly caPem: string | undefined;
  /** For everything, connecting included; then the connection is cut. */
  readonly timeoutMs: number;
}

/** Far more than a user's groups take. */
const maxAnswerBytes = 8 * 1024 ** 2;
const pageEntries = 500;
const startTlsRequest = "1.3.6.1.4.1.1466.20037";

/**
 * The results of a bind (RFC 4511 appendix A) that are about who binds: no such entry, a name that cannot be one, no password
 * stored, the wrong password, an account that is locked (some directories say it in one way, some in the other).
 */
const refusals: ReadonlySet<number> = new Set([19, 32, 34, 48, 49, 50, 53]);

/**
 * One connection to one server of a directory. It ends by itself after its time, and when more comes than can be meant. Everything
 * on it rejects with a `DirectoryUnavailableError` when it fails.
 */
export class DirectoryConnection {
  readonly #client: Client;
  readonly #wire: Wire;

  private constructor(client: Client, wire: Wire) {
    this.#client = client;
    this.#wire = wire;
  }

  /** The server's certificate is verified, always, and for the host of the URL. */
  static async open(options: ConnectionOptions): Promise<DirectoryConnection> {
    const wire = new Wire(options.timeoutMs);
    try {
      const socket = await openSocket(options, wire);
      return new DirectoryConnection(clientOn(socket, wire), wire);
    } catch (error) {
      wire.close();
      throw wire.explain(error);
    }
  }

  /**
   * Whether the directory takes this password for this entry. An empty name or password would be a bind as nobody, which a
   * directory answers with success (RFC 4513 section 5.1.2): false, and nothing is asked.
   */
  async bind(dn: string, password: string): Promise<boolean> {
    // Without "=" it is no entry's name; and the library would take "PLAIN" for a mechanism.
    if (password === "" || !dn.includes("=")) return false;
    try {
      await this.#client.bind(dn, password);
      return true;
    } catch (error) {
      if (error instanceof ResultCodeError && refusals.has(error.code)) return false;
      throw this.#wire.explain(error);
    }
  }

  /** As nobody, which is what a connection is at first. */
  async bindAsNobody(): Promise<void> {
    try {
      await this.#client.bind("", "");
    } catch (error) {
      throw this.#wire.explain(error);
    }
  }

  /** Every entry below the base that fits; rejects where the directory gives only some of them. */
  async search(base: string, filter: string, attributes: readonly string[]): Promise<readonly Entry[]> {
    try {
      // Without a limit of ours: with one, the library passes a list for whole that the server cut off.
      const found = await this.#client.search(base, {
        filter,
        attributes: [...attributes],
        paged: { pageSize: pageEntries },
      });
      return found.searchEntries;
    } catch (error) {
      throw this.#wire.explain(error);
    }
  }

  close(): void {
    this.#wire.close();
  }
}

/** A connection that stands, TLS included where there is to be any. */
async function openSocket({ url, startTls, caPem }: ConnectionOptions, wire: Wire): Promise<Socket> {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const tls = { ca: caPem, host, servername: isIP(host) === 0 ? host : undefined, minVersion: "TLSv1.2" } as const;
  if (protocol === "ldaps:") {
    const secure = wire.hold(connectTls({ ...tls, port: Number(port === "" ? 636 : port) }));
    return established(secure, "secureConnect");
  }
  const plain = wire.hold(connectPlain({ host, port: Number(port === "" ? 389 : port) }));
  await established(plain, "connect");
  if (!startTls) return plain;
  await clientOn(plain, wire).exop(startTlsRequest);
  // Another client goes on, which knows nothing of what came in plain text: somebody on the way could have put the beginning
  // of an answer there.
  plain.removeAllListeners();
  const secure = wire.hold(connectTls({ ...tls, socket: wire.hold(plain) }));
  return established(secure, "secureConnect");
}

function established(socket: Socket, event: "connect" | "secureConnect"): Promise<Socket> {
  return new Promise((resolve, reject) => {
    socket.once(event, () => resolve(socket));
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("the connection was closed")));
  });
}

function clientOn(socket: Socket, wire: Wire): Client {
  // The library insists on a URL, and takes the connection as it is.
  return new Client({ url: "ldap://directory", strictDN: false, createConnection: () => wire.count(socket) });
}

/** The sockets of a connection, and why they were cut. */
class Wire {
  readonly #sockets: Socket[] = [];
  readonly #timer: ReturnType<typeof setTimeout>;
  #receivedBytes = 0;
  #cutBecause: string | undefined;

  constructor(timeoutMs: number) {
    this.#timer = setTimeout(() => this.#cut(`it did not answer within ${timeoutMs / 1000} s`), timeoutMs);
  }

  hold<Kind extends Socket>(socket: Kind): Kind {
    // Whoever waits for something hears of it; later there is nobody.
    socket.on("error", () => {});
    this.#sockets.push(socket);
    return socket;
  }

  count(socket: Socket): Socket {
    return socket.on("data", (chunk: Uint8Array) => {
      this.#receivedBytes += chunk.byteLength;
      if (this.#receivedBytes > maxAnswerBytes) this.#cut("it answered with more than 8 MiB");
    });
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const socket of this.#sockets) socket.destroy();
  }

  explain(error: unknown): DirectoryUnavailableError {
    return new DirectoryUnavailableError(this.#cutBecause ?? reasonOf(error), error);
  }

  #cut(reason: string): void {
    this.#cutBecause = reason;
    this.close();
  }
}

/** What the results mean that faults of the settings lead to. */
const hints: Readonly<Record<number, string>> = {
  8: ": it wants TLS: write ldaps://, or set ldap.startTls",
  13: ": it wants TLS: write ldaps://, or set ldap.startTls",
  32: ": is ldap.base right, and ldap.groupBase, and may ldap.bindDn read there?",
  50: ": may ldap.bindDn read below ldap.base and ldap.groupBase?",
};

function reasonOf(error: unknown): string {
  if (!(error instanceof ResultCodeError)) return error instanceof Error ? error.message : String(error);
  return `it answered with result ${error.code} of RFC 4511${hints[error.code] ?? ""}`;
}
