/**
 * A cookie that only this host gets, over TLS, and that no script reads (`__Host-`, RFC 6265bis section 4.1.3.2). `Lax` comes back
 * also when a page of another site opens an address here, `Strict` does not.
 */
export interface HostCookie {
  readonly name: `__Host-${string}`;
  readonly sameSite: "Strict" | "Lax";
}

/** The value of the one cookie of this name; undefined where there is none, or more than one. */
export function readCookie(headers: Headers, { name }: HostCookie): string | undefined {
  const prefix = `${name}=`;
  const pairs = (headers.get("cookie") ?? "").split(/; */).filter((pair) => pair.startsWith(prefix));
  const [pair, ...others] = pairs;
  return pair === undefined || others.length > 0 ? undefined : pair.slice(prefix.length);
}

/** The header that makes a browser keep a value, of base64url's letters only; until it is closed, or for so long. */
export function setCookie(
  { name, sameSite }: HostCookie,
  value: string,
  seconds?: number,
): Record<"Set-Cookie", string> {
  const age = seconds === undefined ? "" : `; Max-Age=${seconds}`;
  return { "Set-Cookie": `${name}=${value}${age}; Path=/; Secure; HttpOnly; SameSite=${sameSite}` };
}
