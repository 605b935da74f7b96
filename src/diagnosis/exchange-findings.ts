import type { Finding } from "./finding.ts";
import { shellWord } from "./shell-word.ts";

// What something between client and registry changes in requests and answers: mostly a reverse proxy.

/** Large bodies are refused by something in front. */
export function bodyLimited({
  registry,
  size,
  status,
}: Readonly<{ registry: string; size: string; status: number }>): Finding {
  return {
    id: "proxy-body-limit",
    severity: "error",
    what: `What stands in front of ${registry} refuses uploads of ${size} (${status}).`,
    why: "Layers are often larger than a proxy's usual limit of 1 MB: pushes fail with 413 Request Entity Too Large.",
    fix: "in nginx: client_max_body_size 0; in Apache: LimitRequestBody 0; in Traefik: no buffering middleware",
  };
}

/** Bodies are collected before they are passed on. */
export function requestsBuffered({ registry }: { readonly registry: string }): Finding {
  return {
    id: "proxy-buffers-requests",
    severity: "warning",
    what: `What stands in front of ${registry} collects an upload whole before it passes it on.`,
    why: "Each layer is written twice, the client sees no progress, and long ones end in a timeout.",
    fix: "in nginx: proxy_request_buffering off; and proxy_http_version 1.1;",
  };
}

/** An answer's Location leads elsewhere. */
export function locationChanged({
  registry,
  location,
}: {
  readonly registry: string;
  readonly location: string;
}): Finding {
  return {
    id: "proxy-changes-location",
    severity: "error",
    what: `The way to upload that ${registry} gives leads to ${location}.`,
    why: "The client goes on there with its password, where another server or none is, or without TLS.",
    fix: "let the proxy leave Location alone (nginx: proxy_redirect off;) and pass on the name and scheme: proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto $scheme;",
  };
}

/** The login does not come through. */
export function challengeChanged({
  registry,
  challenge,
}: {
  readonly registry: string;
  readonly challenge: string;
}): Finding {
  return {
    id: "proxy-changes-challenge",
    severity: "error",
    what: `${registry} asks for a login in a way that is not dozo's (${challenge}).`,
    why: "The proxy in front asks for a login of its own, and a client can send one only.",
    fix: "take the login out of the proxy (nginx: auth_basic off; for this place), and let it pass on Authorization",
  };
}

/** A range of a blob comes back as the whole. */
export function rangeIgnored({ registry, status }: { readonly registry: string; readonly status: number }): Finding {
  return {
    id: "proxy-ignores-range",
    severity: "warning",
    what: `A part of a blob was asked for at ${registry} and ${status} came back instead of 206.`,
    why: "A pull that was interrupted begins again from its start, and lazy pulling (stargz) does not work.",
    fix: "in nginx: proxy_set_header Range $http_range; and no proxy_cache without slice",
  };
}

/** What comes back is not what was sent. */
export function bytesChanged({ registry }: { readonly registry: string }): Finding {
  return {
    id: "proxy-changes-bytes",
    severity: "error",
    what: `Other bytes come back from ${registry} than were sent.`,
    why: "Something on the way changes content, and clients refuse what has another digest.",
    fix: "switch off compression and rewriting in the proxy (nginx: gzip off; sub_filter off;)",
  };
}

/** The registry's rules do not let this user push where doctor tries it. `said` is what it answered. */
export function uploadDenied({
  registry,
  user,
  said,
}: Readonly<Record<"registry" | "user" | "said", string>>): Finding {
  const name = shellWord(user);
  return {
    id: "upload-denied",
    severity: "warning",
    what: `${registry} refused doctor's upload: ${said}.`,
    why: `Doctor tries in repositories of its own, dozo-doctor/…; in others ${user} may have more rights.`,
    fix: `on the server: dozo access check ${name} push dozo-doctor/x (or the repository that matters); to let doctor try: dozo access allow ${name} pull,push,delete 'dozo-doctor/**'`,
  };
}

/** An upload did not work. */
export function uploadFailed({
  registry,
  size,
  reason,
}: Readonly<Record<"registry" | "size" | "reason", string>>): Finding {
  return {
    id: "upload-failed",
    severity: "error",
    what: `An upload of ${size} to ${registry} failed (${reason}).`,
    why: "Pushes fail in the same way.",
    fix: "on the server the log says more, and so does: dozo doctor",
  };
}
