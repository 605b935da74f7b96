import { randomBytes } from "node:crypto";
import { RegistryError } from "../../core/error.ts";
import { link, page, paragraph, type Part } from "../../enrolment/page.ts";
import type { Answer } from "../../http/answer.ts";
import { readCookie, setCookie } from "../../http/cookie.ts";
import { safeNextPath } from "../../http/next-path.ts";
import type { ApiParts, Call, KnownCall } from "../call.ts";
import type { Identify } from "../identify.ts";
import { formCookie, keepSession, pageStatusOf, seeOther, sessionIdOf } from "./browser.ts";
import { form, textField } from "./form-parts.ts";
import { pageAnswer, wantsPage } from "./page-answer.ts";

/** Where somebody goes who only wanted to log in. */
const usualPlace = "/keys";

/** The login page; who is logged in is where they wanted to be. */
export function show(parts: ApiParts, call: Call): Answer {
  const next = safeNextPath(call.query.get("next"), usualPlace);
  if (parts.sessions.find(sessionIdOf(call.request) ?? "") !== undefined) return seeOther(next);
  return loginPage(parts, call, { next, user: "" });
}

/** Who asks, by the name and the password of the form: the same way as by `Authorization`, with the same protection from guessing. */
export const byForm: Identify = ({ authenticate }, { form: fields }, { client, certificate }) => {
  const text = `${fields.get("user") ?? ""}:${fields.get("password") ?? ""}`;
  return authenticate(`Basic ${Buffer.from(text).toString("base64")}`, client, certificate);
};

/** Begins a session; one that the browser had is over. An access key is for programs: what it may must not grow by a page. */
export function submit({ sessions }: ApiParts, { request, form: fields, caller }: KnownCall): Answer {
  const { principal, credential } = caller;
  if (principal === undefined) throw new RegistryError("UNAUTHORIZED");
  if (credential.kind !== "password") throw new RegistryError("DENIED", "log in here with your password");
  sessions.end(sessionIdOf(request) ?? "");
  return seeOther(safeNextPath(fields.get("next"), usualPlace), keepSession(sessions.begin(principal)));
}

/** The login page once more, with what was wrong. */
export function refuse(parts: ApiParts, call: Call, error: RegistryError): Answer | undefined {
  const { form: fields } = call;
  if (!wantsPage(call) && error.code !== "UNAUTHORIZED") return undefined;
  const next = safeNextPath(fields.get("next"), usualPlace);
  return loginPage(parts, call, { next, user: fields.get("user") ?? "", fault: error });
}

/** Ends the session, here and wherever else somebody has its cookie. */
export function logOut({ sessions }: ApiParts, { request }: Call): Answer {
  sessions.end(sessionIdOf(request) ?? "");
  return seeOther("/login", keepSession(undefined));
}

interface LoginPage {
  readonly next: string;
  readonly user: string;
  readonly fault?: RegistryError;
}

function loginPage(parts: ApiParts, call: Call, { next, user, fault }: LoginPage): Answer {
  const known = readCookie(call.request.headers, formCookie);
  const secret = known === undefined || known === "" ? randomBytes(32).toString("base64url") : known;
  const shown = page("Log in", [
    ...(fault === undefined ? [] : [paragraph(`That did not work: ${fault.message}.`)]),
    ...companyLogin(parts, next),
    form({
      action: "/login",
      token: parts.sessions.formTokenOf(secret),
      hidden: { next },
      fields: [
        textField({ name: "user", label: "User", value: user, autocomplete: "username" }),
        textField({ name: "password", label: "Password", type: "password", autocomplete: "current-password" }),
      ],
      button: "Log in",
    }),
  ]);
  return pageAnswer(shown, call, {
    status: fault === undefined ? 200 : pageStatusOf(fault.code),
    headers: { ...setCookie(formCookie, secret), ...retryAfter(fault) },
  });
}

/** A link to the address that the provider knows, whatever address this page was opened under. */
function companyLogin({ oidc, identity }: ApiParts, next: string): readonly Part[] {
  const registry = identity()?.registry;
  if (oidc === undefined || registry === undefined) return [];
  const to = `https://${registry}/login/oidc?next=${encodeURIComponent(next)}`;
  return [link(to, `Log in with ${new URL(oidc.client.issuer).host}`, "your company's login")];
}

function retryAfter(fault: RegistryError | undefined): Readonly<Record<string, string>> {
  const seconds = fault?.retryAfterSeconds;
  return seconds === undefined ? {} : { "Retry-After": String(Math.ceil(seconds)) };
}
