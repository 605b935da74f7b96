import type { X509Certificate } from "node:crypto";

/** A registry that a chain was seen of: requests go to whoever has the key of its certificate, and to nobody else. */
export interface RegistryDoor {
  /** `https://HOST:PORT`, without a slash at its end. */
  readonly url: string;
  /** Undefined: no TLS, on this machine's own loopback. */
  readonly leaf: X509Certificate | undefined;
  readonly authorization: string | undefined;
}

/** What came back. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
}

const longestMessage = 300;

/** What the registry says with a refusal (distribution specification, section "Error Codes"), on one line; undefined where it says nothing. */
export function refusalMessage({ bytes }: Answered): string | undefined {
  try {
    const { errors } = JSON.parse(new TextDecoder().decode(bytes)) as { errors?: readonly { message?: unknown }[] };
    const message = errors?.[0]?.message;
    if (typeof message !== "string") return undefined;
    return message.replace(/\p{Cc}+/gu, " ").slice(0, longestMessage);
  } catch {
    return undefined;
  }
}

interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  readonly timeoutMs?: number;
}

const usualTimeoutMs = 10_000;

/** Sends one request and reads the answer whole. Answers a reason where there was none. Follows no redirect, uses no proxy. */
export async function ask(door: RegistryDoor, request: Request): Promise<Answered | string> {
  const headers = new Headers(request.headers);
  if (door.authorization !== undefined) headers.set("authorization", door.authorization);
  try {
    const answer = await fetch(`${door.url}${request.path}`, {
      method: request.method,
      headers,
      body: request.body ?? null,
      redirect: "manual",
      signal: AbortSignal.timeout(request.timeoutMs ?? usualTimeoutMs),
      tls: door.leaf === undefined ? {} : pinned(door.leaf),
      proxy: false,
    });
    return { status: answer.status, headers: answer.headers, bytes: await answer.bytes() };
  } catch (error) {
    const { name, message } = error as Error;
    return name === "TimeoutError" ? "no answer in time" : message;
  }
}

/**
 * Trusts this very certificate, in its time and for its names only. (The runtime cannot check constraints on addresses and refuses
 * every chain that has them; who signed it is judged by `pki/trust-path.ts`.)
 */
export function pinned(leaf: X509Certificate): {
  readonly ca: string;
  readonly rejectUnauthorized: true;
  readonly allowPartialTrustChain: true;
} {
  return { ca: leaf.toString(), rejectUnauthorized: true, allowPartialTrustChain: true };
}
