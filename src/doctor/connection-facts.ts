import { lookup } from "node:dns/promises";
import { connect, isIP } from "node:net";
import { withinTime } from "./examination.ts";
import type { RegistryReference } from "./registry-reference.ts";
import { seeChain, type SeenTls } from "./seen-chain.ts";

/** How one address took a connection. */
interface Attempt {
  readonly address: string;
  readonly outcome: "open" | "refused" | "silent" | "unreachable";
  /** The system's word for it: `EHOSTUNREACH`. */
  readonly code: string;
}

/** What can be seen of a registry without sending it anything. */
export interface ConnectionFacts {
  readonly addresses: readonly string[];
  readonly nameFault: "unknown" | "silent" | undefined;
  readonly attempts: readonly Attempt[];
  /** Missing where no address is open. */
  readonly tls: SeenTls | undefined;
  /** Asked where TLS failed: it answers HTTP without. */
  readonly isPlainHttp: boolean;
}

const probeTimeoutMs = 5000;

/** Looks the name up, knocks at every address at once, and looks at the certificates. Takes 20 s at most. */
export async function seeConnection({ host, port }: RegistryReference): Promise<ConnectionFacts> {
  const { addresses, nameFault } = await resolve(host);
  const attempts = await Promise.all(addresses.map((address) => knock(address, port)));
  const open = attempts.find(({ outcome }) => outcome === "open")?.address;
  if (open === undefined) return { addresses, nameFault, attempts, tls: undefined, isPlainHttp: false };
  const tls = await seeChain(host, port, open, probeTimeoutMs);
  const isPlainHttp = tls.kind === "failed" && (await answersHttp(open, port));
  return { addresses, nameFault, attempts, tls, isPlainHttp };
}

async function resolve(host: string): Promise<Pick<ConnectionFacts, "addresses" | "nameFault">> {
  if (isIP(host) !== 0) return { addresses: [host], nameFault: undefined };
  type Found = Pick<ConnectionFacts, "addresses" | "nameFault">;
  const found: Promise<Found> = lookup(host, { all: true }).then(
    (all) => ({ addresses: [...new Set(all.map(({ address }) => address))], nameFault: undefined }),
    () => ({ addresses: [], nameFault: "unknown" }),
  );
  return withinTime(found, probeTimeoutMs, { addresses: [], nameFault: "silent" });
}

function knock(address: string, port: number): Promise<Attempt> {
  const { promise, resolve: settle } = Promise.withResolvers<Attempt>();
  const socket = connect({ host: address, port });
  socket.once("connect", () => settle({ address, outcome: "open", code: "" }));
  socket.once("error", ({ code = "unknown error" }: NodeJS.ErrnoException) => {
    const outcome = code === "ECONNREFUSED" || code === "ECONNRESET" ? "refused" : "unreachable";
    settle({ address, outcome: code === "ETIMEDOUT" ? "silent" : outcome, code });
  });
  const silent: Attempt = { address, outcome: "silent", code: "" };
  return withinTime(promise, probeTimeoutMs, silent).finally(() => socket.destroy());
}

/** Asks for nothing but the head of the front page. */
function answersHttp(address: string, port: number): Promise<boolean> {
  const { promise, resolve: settle } = Promise.withResolvers<boolean>();
  const socket = connect({ host: address, port });
  socket.once("connect", () => socket.write("HEAD / HTTP/1.0\r\n\r\n"));
  socket.once("data", (bytes) => settle(String(bytes).startsWith("HTTP/")));
  socket.once("error", () => settle(false));
  socket.once("close", () => settle(false));
  return withinTime(promise, probeTimeoutMs, false).finally(() => socket.destroy());
}
