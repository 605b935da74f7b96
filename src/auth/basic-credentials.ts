export interface BasicCredentials {
  readonly name: string;
  readonly password: string;
}

/** What an `Authorization` header says. */
export type ReadCredentials =
  | { readonly kind: "none" }
  | { readonly kind: "basic"; readonly credentials: BasicCredentials }
  | { readonly kind: "bearer"; readonly token: string }
  | { readonly kind: "unreadable"; readonly reason: string };

/** Longer than any name and password that can be right, so nothing of it is looked at. */
const maxHeaderLength = 4096;
/** The same for tokens; the runtime takes 16 KiB of headers in all. */
const maxTokenLength = 12 * 1024;

/**
 * Reads `Basic` as RFC 7617 has it, in UTF-8, and `Bearer` (RFC 6750 section 2.1), the scheme in any case. An empty name with
 * an empty password is what podman sends when it means nobody. Everything that could be read in two ways is unreadable.
 */
export function readCredentials(authorization: string | null): ReadCredentials {
  if (authorization === null) return { kind: "none" };
  if (authorization.length > maxTokenLength) return unreadable("the header is too long");
  const [, scheme = "", encoded = ""] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) +(\S+)$/.exec(authorization) ?? [];
  if (scheme.toLowerCase() === "bearer") return readToken(encoded);
  if (scheme.toLowerCase() !== "basic") return unreadable("the scheme is neither Basic nor Bearer");
  if (authorization.length > maxHeaderLength) return unreadable("the header is too long");
  const text = decode(encoded);
  if (text === undefined) return unreadable("the credentials are not base64 of UTF-8");
  const colon = text.indexOf(":");
  if (colon === -1) return unreadable("there is no colon in the credentials");
  const credentials = { name: text.slice(0, colon), password: text.slice(colon + 1) };
  if (credentials.name === "" && credentials.password === "") return { kind: "none" };
  return { kind: "basic", credentials };
}

function readToken(token: string): ReadCredentials {
  if (!/^[A-Za-z0-9._~+/-]+=*$/.test(token)) return unreadable("the bearer token is none (RFC 6750 section 2.1)");
  return { kind: "bearer", token };
}

function decode(encoded: string): string | undefined {
  if (encoded.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(encoded, "base64"));
  } catch {
    return undefined;
  }
}

function unreadable(reason: string): ReadCredentials {
  return { kind: "unreadable", reason };
}
