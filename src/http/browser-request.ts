/**
 * Whether a page of another site made a browser send this (UI-03). Browsers say so themselves: in `Sec-Fetch-Site` (Fetch
 * Metadata), or, where they are older, by an `Origin` (RFC 6454) that is not the host they ask. Programs send neither.
 */
export function isFromForeignPage(headers: Headers): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site !== "same-origin" && site !== "none";
  const origin = headers.get("origin");
  return origin !== null && hostOf(origin) !== headers.get("host")?.toLowerCase();
}

/** Whether a browser says of itself that a page of this host made it send this. Who says nothing has not. */
export function comesFromOwnPage(headers: Headers): boolean {
  const site = headers.get("sec-fetch-site");
  return (site === "same-origin" || (site === null && headers.has("origin"))) && !isFromForeignPage(headers);
}

/** Whether somebody opens an address in a browser: what asks for a password then, asks in a window that keeps it for all pages. */
export function isNavigation(headers: Headers): boolean {
  return headers.get("sec-fetch-mode") === "navigate";
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
