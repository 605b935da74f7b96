import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { withinTime } from "./examination.ts";

/** What answered a TLS greeting. */
export type SeenTls =
  | { readonly kind: "chain"; readonly chain: readonly X509Certificate[] }
  | { readonly kind: "failed"; readonly reason: string };

/**
 * Looks at the certificates that a server shows, whoever signed them, and hangs up: not a byte is sent or read over the
 * connection. What a doctor is called for is mostly a chain that is not trusted, and the runtime shows such a chain only when it is
 * told to go on. So this file, and no other, switches the verification off (test TLS-08); whoever talks to the server afterwards
 * opens a connection of its own, which is verified.
 */
export function seeChain(host: string, port: number, address: string, timeoutMs: number): Promise<SeenTls> {
  const { promise, resolve } = Promise.withResolvers<SeenTls>();
  const socket = connect({
    host: address,
    port,
    rejectUnauthorized: false,
    ...(isIP(host) === 0 ? { servername: host } : {}),
  });
  socket.once("secureConnect", () => resolve(chainOf(socket)));
  socket.once("error", (error: NodeJS.ErrnoException) => resolve({ kind: "failed", reason: reasonOf(error) }));
  socket.once("close", () => resolve({ kind: "failed", reason: "it hung up" }));
  const silent: SeenTls = { kind: "failed", reason: "it says nothing" };
  return withinTime(promise, timeoutMs, silent).finally(() => socket.destroy());
}

function chainOf(socket: TLSSocket): SeenTls {
  const chain: X509Certificate[] = [];
  let current = socket.getPeerX509Certificate();
  while (current !== undefined && !chain.some((each) => each.raw.equals(current?.raw ?? Buffer.alloc(0)))) {
    chain.push(current);
    current = current.issuerCertificate;
  }
  return chain.length === 0 ? { kind: "failed", reason: "it shows no certificate" } : { kind: "chain", chain };
}

function reasonOf(error: NodeJS.ErrnoException): string {
  return error.message === "" ? (error.code ?? "unknown error") : error.message;
}
