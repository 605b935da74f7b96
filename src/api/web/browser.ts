import type { Session } from "../../auth/sessions.ts";
import { anonymousCaller } from "../../core/caller.ts";
import { RegistryError } from "../../core/error.ts";
import type { Answer } from "../../http/answer.ts";
import { emptyAnswer } from "../../http/answer.ts";
import { comesFromOwnPage, isFromForeignPage } from "../../http/browser-request.ts";
import { type HostCookie, readCookie, setCookie } from "../../http/cookie.ts";
import { page, paragraph, link } from "../../enrolment/page.ts";
import { ProtocolError } from "../../http/protocol-error.ts";
import type { BodyFault } from "../../http/request-body.ts";
import type { ApiParts, BodyCall, Call } from "../call.ts";
import { authenticated, type Identify } from "../identify.ts";
import { formTokenField } from "./form-parts.ts";
import { pageAnswer, wantsPage } from "./page-answer.ts";

/** The id of a session. It comes only with requests that a page of this registry makes, or a person by the address. */
const sessionCookie: HostCookie = { name: "__Host-dozo-session", sameSite: "Strict" };
/** What the forms of somebody are made for who is not logged in. */
export const formCookie: HostCookie = { name: "__Host-dozo-form", sameSite: "Strict" };

/** By the session's cookie; what the request says in `Authorization` does not count. */
export const bySession: Identify = ({ sessions }, { request }) => {
  const session = sessions.find(sessionIdOf(request) ?? "");
  if (session === undefined) return { kind: "caller", caller: anonymousCaller };
  return { kind: "caller", caller: { principal: session.principal, credential: { kind: "session" } } };
};

/** By either of them: a page that programs fetch, too. */
export const bySessionOrAuthorization: Identify = (parts, call, visitor) => {
  const authorization = call.request.headers.get("authorization");
  const isProgram = authorization !== null || visitor.certificate !== undefined;
  return isProgram ? authenticated(parts, authorization, visitor) : bySession(parts, call, visitor);
};

/** The session whose page this is. Throws `UNAUTHORIZED` where there is none. */
export function sessionOf({ sessions }: ApiParts, { request }: Call): Session {
  const session = sessions.find(sessionIdOf(request) ?? "");
  if (session === undefined) throw new RegistryError("UNAUTHORIZED");
  return session;
}

/** The id that the browser holds, whether or not it is one of a session. */
export function sessionIdOf(request: Pick<Request, "headers">): string | undefined {
  return readCookie(request.headers, sessionCookie);
}

/** The header with which the browser keeps a new session, or forgets the one that it had. */
export function keepSession(id: string | undefined): Record<"Set-Cookie", string> {
  return id === undefined ? setCookie(sessionCookie, "", 0) : setCookie(sessionCookie, id);
}

/**
 * Reads a form, and makes sure that a page of this registry sent it: the browser says so, and there is a token in it that was made
 * for a secret which this browser has in a cookie. Throws `DENIED` otherwise; where nothing of that can be, nothing is read.
 */
export function readForm({ sessions }: ApiParts, call: Call & BodyCall): Promise<URLSearchParams> {
  const { headers } = call.request;
  const secrets = [sessionIdOf(call.request), readCookie(headers, formCookie)].filter(
    (secret) => (secret ?? "") !== "",
  );
  if (!comesFromOwnPage(headers) || secrets.length === 0)
    throw new RegistryError("DENIED", "this form is for the registry's own pages: open the page first");
  return call.readBody(async (body) => {
    const form = fieldsOf(headers, body, call.maxBodyBytes);
    const token = form.get(formTokenField) ?? "";
    if (!secrets.some((secret) => secret !== undefined && sessions.isFormOf(secret, token)))
      throw new RegistryError("DENIED", "this page was open for too long: open it again");
    return form;
  });
}

function fieldsOf(headers: Headers, body: Uint8Array | BodyFault, maxBytes: number): URLSearchParams {
  if (body === "too-large") throw new ProtocolError(413, `the form has more than ${maxBytes} bytes`);
  if (body === "no-room") throw new RegistryError("TOOMANYREQUESTS", "too much arrives at once, try again later");
  const isForm = /^application\/x-www-form-urlencoded(?:;|$)/i.test(headers.get("content-type") ?? "");
  if (!(body instanceof Uint8Array) || !isForm) throw new ProtocolError(400, "this is no form that arrived whole");
  return new URLSearchParams(new TextDecoder().decode(body));
}

/**
 * What somebody sees whom a page does not know: the login. A browser that comes from elsewhere is first sent to the same place
 * once more by a page of our own, since it brings the session's cookie only then.
 */
export function toLogin(_parts: ApiParts, call: Call, error: RegistryError): Answer | undefined {
  const { path } = call;
  if (error.code !== "UNAUTHORIZED") return wantsPage(call) ? refusalPage(call, error) : undefined;
  const { method, headers } = call.request;
  const isVisit = method === "GET" || method === "HEAD";
  if (isVisit && isFromForeignPage(headers)) return goOn(call, path);
  const next = isVisit ? `?next=${encodeURIComponent(path)}` : "";
  return seeOther(`/login${next}`);
}

/** Leads on by a page of our own: what the browser asks for then comes from here. */
export function goOn(call: Call, path: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return pageAnswer(page("dozo", [link(path, "Go on", "")], path), call, { headers });
}

/** RFC 9110 section 15.4.4 */
export function seeOther(location: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return emptyAnswer(303, { ...headers, Location: location });
}

/** What could not be done, for a person. */
function refusalPage(call: Call, { code, message, retryAfterSeconds }: RegistryError): Answer {
  const shown = page("This cannot be done", [paragraph(`${message}.`), link("/login", "Log in", "")]);
  return pageAnswer(shown, call, {
    status: pageStatusOf(code),
    headers: retryAfterSeconds === undefined ? {} : { "Retry-After": String(Math.ceil(retryAfterSeconds)) },
  });
}

/** A page that could not be had is none of the statuses that make a browser ask for a password. */
export function pageStatusOf(code: RegistryError["code"]): number {
  if (code === "TOOMANYREQUESTS") return 429;
  if (code === "NAME_UNKNOWN") return 404;
  return code === "UNAVAILABLE" ? 503 : 403;
}
