import type { Caller } from "../core/caller.ts";
import type { ClientCertificate } from "../core/client-certificate.ts";
import type { Clock } from "../core/clock.ts";
import type { Log, TextForm } from "../log.ts";
import type { Answer } from "../http/answer.ts";
import type { RouteRecord } from "../registry/audit-trail.ts";

/** What becomes known of a request while it is worked on. */
export interface Exchange {
  readonly requestId: string;
  readonly startedAt: number;
  readonly method: string;
  readonly client: string | undefined;
  /** With which the connection was opened. */
  readonly certificate?: ClientCertificate | undefined;
  /** The id of the row of the route table. */
  route?: string;
  /** How the row is called in a line for a person: `push`. */
  routeName?: string;
  /** The row changes what others see: its success is news. */
  isChange?: boolean;
  /** What its success is for the record. */
  record?: RouteRecord | undefined;
  repository?: string;
  /** The tag or digest that the request is about. */
  reference?: string;
  principal?: string;
  caller?: Caller;
  /** The user whose password was wrong. */
  claimedName?: string | undefined;
  /** A token would have to be for this. */
  scope?: string | undefined;
  /** It came without credentials, as the first request of most clients does. */
  isAnonymous?: boolean;
  /** The process's own request (the self-test): of no interest to the operator. */
  isOwn?: boolean;
  /** Why it was refused; of a login more than the client is told. */
  reason?: string;
}

/**
 * One line a request, when its answer is ready (its body may still be on the way). The path is not in it: what is
 * interesting of it has been parsed by then, and what could not be parsed is not worth keeping.
 */
export function logExchange(log: Log, clock: Clock, exchange: Exchange, answer: Answer): void {
  const { requestId, method, client, route, repository, reference, principal, reason } = exchange;
  const bytes = answer.body?.lengthBytes ?? 0;
  const durationMs = clock.now() - exchange.startedAt;
  const certificate = exchange.certificate?.serial;
  const known = { requestId, method, client, certificate, route, repository, reference, principal, reason };
  const fields = { ...known, status: answer.status, bytes, durationMs };
  if (exchange.isOwn === true) log.debug("request", fields);
  else log.info("request", fields, textForm(exchange, answer.status, durationMs));
}

/** `push team/app:latest  201  admin  192.0.2.9  12 ms`, and the reason behind it where there is one. */
function textForm(exchange: Exchange, status: number, durationMs: number): TextForm {
  const { method, routeName, principal, client, reason } = exchange;
  const what = [routeName ?? method, cutFront(thing(exchange))].filter((part) => part !== "").join(" ");
  const parts = [
    what,
    `${status}`,
    principal,
    client,
    `${durationMs} ms`,
    status < 400 ? undefined : reason?.slice(0, shownReasonLength),
  ];
  return {
    level: isNews(exchange, status) ? "info" : "debug",
    line: parts.filter((part) => part !== undefined).join("  "),
  };
}

/** What a person at a terminal cares about: what has changed, and what went wrong. Clients ask for much that is not there. */
function isNews({ method, isChange, isAnonymous }: Exchange, status: number): boolean {
  if (status < 400) return isChange === true;
  if (status === 404) return method !== "GET" && method !== "HEAD";
  return status !== 401 || isAnonymous !== true;
}

function thing({ repository, reference = "" }: Exchange): string {
  if (repository === undefined || reference === "") return repository ?? "";
  const isDigest = reference.includes(":");
  return isDigest ? `${repository}@${reference.slice(0, shownDigestLength)}` : `${repository}:${reference}`;
}

/** `sha256:` and 12 digits, as Docker shows it. */
const shownDigestLength = 19;
const shownThingLength = 56;
const shownReasonLength = 120;

/** The end of a long name says more than its beginning. */
function cutFront(text: string): string {
  return text.length <= shownThingLength ? text : `…${text.slice(1 - shownThingLength)}`;
}
