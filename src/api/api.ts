import type { Actor } from "../core/administration.ts";
import type { AuthResult } from "../auth/authenticate.ts";
import type { Caller } from "../core/caller.ts";
import { RegistryError } from "../core/error.ts";
import type { Action } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { isRepositoryName, parseRepositoryName, type RepositoryName } from "../core/repository-name.ts";
import { type Answer, toResponse } from "../http/answer.ts";
import { isFromForeignPage, isNavigation } from "../http/browser-request.ts";
import { createClientAddressReader } from "../http/client-address.ts";
import {
  faultAnswer,
  protocolErrorAnswer,
  refusalAnswer,
  unknownPathAnswer,
  wrongMethodAnswer,
} from "../http/error-response.ts";
import type { Client } from "../http/listener.ts";
import { ProtocolError } from "../http/protocol-error.ts";
import { announcedLength } from "../http/request-body.ts";
import { readTarget, type RequestTarget } from "../http/request-target.ts";
import { createRouter, type RouteMatch } from "../http/router.ts";
import { type Exchange, logExchange } from "./access-log.ts";
import { type BodyKind, maxBodyBytes } from "./body-limit.ts";
import type { ApiParts, BodyCall, Call, UploadCall } from "./call.ts";
import { challengeOf, scopeFor, TokenFaultError } from "./challenge.ts";
import { authenticated } from "./identify.ts";
import { type ApiRoute, routes } from "./routes.ts";
import { readForm } from "./web/browser.ts";

/** On every answer: what comes from a registry is never to be run, framed, guessed at or kept by others. */
const commonHeaders: Readonly<Record<string, string>> = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
};
const registryHeaders = { ...commonHeaders, "Docker-Distribution-API-Version": "registry/2.0" };

const noQuery = new URLSearchParams();

/** What every row is given of a request, before it is known who sends it. */
type RowCall = Call & BodyCall & UploadCall;
type FoundRow = Extract<RouteMatch<ApiRoute>, { kind: "found" }>;

/** For the clients of Docker's first protocol, of which only the ping and the search are still in use. */
const firstProtocol = "this registry speaks version 2 of the protocol only; use Docker 1.10 or later";

/**
 * The registry as a function from request to answer, which never throws. Each request goes the same way: find its row,
 * find out who asks (before a byte of a body is read), decide, let the handler work, turn its answer or its error
 * into a response, write a line into the log, tell the record.
 */
export function createApi(parts: ApiParts): (request: Request, client: Client) => Promise<Response> {
  const match = createRouter(routes);
  const addressOf = createClientAddressReader(parts.trustedProxies);
  const nextRequestId = requestIds();

  return async (request, client) => {
    const { method, headers } = request;
    const exchange: Exchange = {
      requestId: nextRequestId(),
      startedAt: parts.clock.now(),
      method,
      client: addressOf(client.address, headers.get("x-forwarded-for")),
      certificate: client.certificate,
    };
    let isRegistry = false;
    let isForClients = false;
    let isForPrograms = false;
    let answer: Answer;
    const challenge = (error: RegistryError): string =>
      challengeOf(parts, error, { isForClients, scope: exchange.scope, origin: parts.originOf(request, client) });
    try {
      const target = readTarget(request.url, headers.get("host"));
      isRegistry = target.path.startsWith("/v2/");
      isForClients = isRegistry || target.path.startsWith("/v1/");
      isForPrograms = isForClients || target.path.startsWith("/api/");
      answer = await answerTo(parts, request, target, match(method, target.path), exchange);
    } catch (error) {
      // A browser would ask for a password in a window of its own, and send it with whatever any page makes it ask for.
      const mayChallenge = !isForPrograms || !isNavigation(headers);
      answer = answerToError(parts, error, exchange, mayChallenge ? challenge : undefined);
    }
    logExchange(parts.log, parts.clock, exchange, answer);
    parts.audit.exchange(exchange, answer);
    const common = isRegistry ? registryHeaders : commonHeaders;
    return toResponse(answer, method === "HEAD", { ...common, "X-Request-Id": exchange.requestId });
  };
}

async function answerTo(
  parts: ApiParts,
  request: Request,
  target: RequestTarget,
  match: RouteMatch<ApiRoute>,
  exchange: Exchange,
): Promise<Answer> {
  if (changesThings(request.method) && isFromForeignPage(request.headers))
    throw new RegistryError("DENIED", "a page of another site may not change anything here");
  if (match.kind !== "found") return answerWithoutRoute(parts, request, target, match, exchange);
  const { route, parameter } = match;
  exchange.route = route.id;
  exchange.routeName = route.name;
  exchange.isChange = route.isChange === true;
  exchange.record = route.record;
  const query = target.query === "" ? noQuery : new URLSearchParams(target.query);
  const call = {
    request,
    path: target.path,
    query,
    parameter,
    client: exchange.client,
    form: noQuery,
    ...bodyOf(parts, request, route.body),
  };
  exchange.scope = scopeFor(route.action, match.name, query);
  if (route.tellsTrust === true && request.method === "GET") parts.onTrustFetched(exchange.client);
  const isPage = route.refuse !== undefined || route.body === "page-form";
  return isPage ? answerPage(parts, match, call, exchange) : answerRow(parts, match, call, exchange);
}

/** A row for people: its form is read before anything is done, and what is refused they are told in its own way. */
async function answerPage(parts: ApiParts, match: FoundRow, bare: RowCall, exchange: Exchange): Promise<Answer> {
  const { route } = match;
  let call = bare;
  try {
    if (route.body === "page-form") call = { ...bare, form: await readForm(parts, bare) };
    return await answerRow(parts, match, call, exchange);
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    const answer = route.refuse?.(parts, call, error);
    if (answer === undefined) throw error;
    noteRefusal(parts, error, answer.status, exchange);
    return answer;
  }
}

async function answerRow(parts: ApiParts, match: FoundRow, call: RowCall, exchange: Exchange): Promise<Answer> {
  const { route, parameter } = match;
  if (route.action === "none") return route.handler(parts, call);
  if (route.action === "token") {
    const identify = (authorization: string | null): Promise<Caller> => callerOf(parts, authorization, exchange);
    const admit = (redeemed: Caller | string): Caller => admitted(parts, redeemed, exchange);
    return route.handler(parts, { ...call, identify, admit, certificate: exchange.certificate });
  }
  const caller = await callerOfRow(parts, route, call, exchange);
  if (route.action === "login" || route.action === "catalog") {
    assertAllowed(parts, caller, route.action, undefined);
    return route.handler(parts, { ...call, caller });
  }
  if (route.action === "keys") {
    assertAllowed(parts, caller, route.action, undefined);
    const actor = actorOf(caller, exchange);
    return route.handler(parts, { ...call, caller, principal: actor });
  }
  if (route.action === "administer") {
    assertAllowed(parts, caller, route.action, undefined);
    return route.handler(parts, { ...call, caller, principal: actorOf(caller, exchange) });
  }
  // To strangers a name that cannot be is one like any other.
  if (!isRepositoryName(match.name)) assertAllowed(parts, caller, "login", undefined);
  const repository = parseRepositoryName(match.name);
  exchange.repository = repository;
  if (!route.pattern.endsWith("{id}") && parameter !== "") exchange.reference = parameter;
  assertAllowed(parts, caller, route.action, repository);
  if (route.action === "pull") return route.handler(parts, { ...call, caller, repository });
  const principal = route.action === "admin" ? actorOf(caller, exchange) : principalOf(caller);
  return route.handler(parts, { ...call, caller, principal, repository });
}

/** What the row takes in of the request's body; its handler sees of this what its kind is. */
function bodyOf({ bodies, limits }: ApiParts, request: Request, kind: BodyKind): BodyCall & UploadCall {
  const maxBytes = maxBodyBytes(kind, limits);
  return {
    maxBodyBytes: maxBytes,
    readBody: (work) => bodies.with(request, maxBytes, work),
    upload: { request, lengthBytes: announcedLength(request.headers) },
  };
}

/** What is not there is not told to strangers either: under `/v2/` they are asked to log in first. */
async function answerWithoutRoute(
  parts: ApiParts,
  request: Request,
  target: RequestTarget,
  match: Exclude<RouteMatch<ApiRoute>, { kind: "found" }>,
  exchange: Exchange,
): Promise<Answer> {
  if (target.path.startsWith("/v2/")) {
    const caller = await callerOf(parts, request.headers.get("authorization"), exchange);
    assertAllowed(parts, caller, "login", undefined);
  }
  if (match.kind === "wrong-method") return wrongMethodAnswer(match.allow);
  return target.path.startsWith("/v1/") ? unknownPathAnswer(firstProtocol) : unknownPathAnswer();
}

/** Who asks, in the row's own way where it has one. Throws as `callerOf` does. */
async function callerOfRow(parts: ApiParts, { identify }: ApiRoute, call: Call, exchange: Exchange): Promise<Caller> {
  const authorization = call.request.headers.get("authorization");
  if (identify === undefined) return callerOf(parts, authorization, exchange);
  return judged(parts, await identify(parts, call, exchange), authorization, exchange);
}

/**
 * Throws `UNAUTHORIZED`, or `TOOMANYREQUESTS` for somebody who guesses; why stands in the log only. `DENIED` where the client's
 * certificate does not count: asking for a password would be of no use.
 */
async function callerOf(parts: ApiParts, authorization: string | null, exchange: Exchange): Promise<Caller> {
  const pending = authenticated(parts, authorization, exchange);
  return judged(parts, pending instanceof Promise ? await pending : pending, authorization, exchange);
}

function judged(parts: ApiParts, result: AuthResult, authorization: string | null, exchange: Exchange): Caller {
  if (result.kind === "caller") {
    noteCaller(parts, result.caller, exchange);
    return result.caller;
  }
  if (result.kind === "refused") {
    exchange.reason = result.reason;
    exchange.claimedName = result.user;
    const { retryAfterSeconds } = result;
    if (retryAfterSeconds !== undefined) {
      throw new RegistryError("TOOMANYREQUESTS", "too many failed logins, try again later", { retryAfterSeconds });
    }
    if (hasToken(authorization) && result.isTold !== true)
      throw new TokenFaultError("invalid_token", "this token does not count, or not any more");
    const message = result.isTold === true ? result.reason : "the user name or the password is wrong";
    throw new RegistryError("UNAUTHORIZED", message);
  }
  throw new RegistryError("DENIED", result.reason);
}

/** The policy lets nobody do these things who is not logged in. */
function principalOf({ principal }: Caller): Principal {
  if (principal === undefined) throw new RegistryError("UNAUTHORIZED");
  return principal;
}

/** The same with what the record tells of who makes a change. */
function actorOf(caller: Caller, { client }: Exchange): Principal & Actor {
  return { ...principalOf(caller), credential: caller.credential, address: client };
}

function hasToken(authorization: string | null): boolean {
  return authorization?.slice(0, 7).toLowerCase() === "bearer ";
}

function admitted(parts: ApiParts, redeemed: Caller | string, exchange: Exchange): Caller {
  if (typeof redeemed === "string") {
    exchange.reason = redeemed;
    throw new RegistryError("UNAUTHORIZED", "this refresh token does not count, or not any more: log in again");
  }
  noteCaller(parts, redeemed, exchange);
  return redeemed;
}

function noteCaller({ onUse }: ApiParts, caller: Caller, exchange: Exchange): void {
  const { principal, credential } = caller;
  exchange.caller = caller;
  if (principal === undefined) {
    exchange.isAnonymous = credential.kind === "none";
    return;
  }
  exchange.principal = principal.name;
  exchange.isOwn = principal.source === "process";
  if (!exchange.isOwn) onUse(exchange.client, principal.name);
}

/** The refusal is the same whether or not what is asked for exists. */
function assertAllowed(
  { decide }: ApiParts,
  caller: Caller,
  action: Action,
  repository: RepositoryName | undefined,
): void {
  const { verdict } = decide(caller, action, repository);
  if (verdict === "allowed") return;
  const { principal, credential } = caller;
  const place = repository === undefined ? "here" : `in ${repository}`;
  const deed = action === "keys" ? "look after access keys" : action;
  if (credential.kind === "token" && verdict !== "denied") {
    throw new TokenFaultError("insufficient_scope", `this token is not good to ${deed} ${place}`);
  }
  if (verdict === "login-needed" || principal === undefined) throw new RegistryError("UNAUTHORIZED");
  const message =
    verdict === "limited"
      ? `this ${credential.kind} of ${principal.name} is not good to ${deed} ${place}`
      : `${principal.name} may not ${deed} ${place}: ask an admin of this registry`;
  throw new RegistryError("DENIED", message);
}

function answerToError(
  { log }: ApiParts,
  error: unknown,
  exchange: Exchange,
  challenge: ((error: RegistryError) => string) | undefined,
): Answer {
  if (error instanceof ProtocolError) {
    exchange.reason = error.message;
    return protocolErrorAnswer(error);
  }
  if (error instanceof RegistryError) {
    const answer = refusalAnswer(error);
    noteRefusal({ log }, error, answer.status, exchange);
    if (challenge === undefined || error.code !== "UNAUTHORIZED") return answer;
    return { ...answer, headers: { ...answer.headers, "WWW-Authenticate": challenge(error) } };
  }
  log.error("a request failed", { ...exchange, error });
  return faultAnswer(exchange.requestId);
}

function noteRefusal({ log }: Pick<ApiParts, "log">, error: RegistryError, status: number, exchange: Exchange): void {
  exchange.reason ??= exchange.isAnonymous === true ? "no credentials" : error.message;
  if (status >= 500) log.error("a request failed", { requestId: exchange.requestId, error });
}

function changesThings(method: string): boolean {
  return method !== "GET" && method !== "HEAD";
}

/** Different from one start of the process to the next, in order, and cheap: one is made for every request. */
function requestIds(): () => string {
  const prefix = crypto.randomUUID().slice(0, 8);
  let count = 0;
  return () => `${prefix}-${(++count).toString(36)}`;
}
