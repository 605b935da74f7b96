import { LoginRefusedError } from "../../auth/oidc/claims.ts";
import type { KeptAttempt } from "../../auth/oidc/sealed-attempts.ts";
import { RegistryError } from "../../core/error.ts";
import type { Answer } from "../../http/answer.ts";
import { type HostCookie, readCookie, setCookie } from "../../http/cookie.ts";
import { safeNextPath } from "../../http/next-path.ts";
import type { ApiParts, Call, KnownCall } from "../call.ts";
import type { Identify } from "../identify.ts";
import { goOn, keepSession, seeOther, sessionIdOf } from "./browser.ts";

/** It has to come back with a browser that the provider sends here, so it cannot be strict. */
const attemptCookie: HostCookie = { name: "__Host-dozo-login", sameSite: "Lax" };
const attemptSeconds = 600;

/** Sends the browser to the company's provider. */
export async function start(parts: ApiParts, call: Call): Promise<Answer> {
  const { client, attempts } = companyLoginOf(parts);
  const begun = await reaching(client.begin(redirectUri(parts).href));
  const next = safeNextPath(call.query.get("next"), "/keys");
  const sealed = attempts.seal({ ...begun.attempt, next, session: sessionIdOf(call.request) });
  return seeOther(begun.address, setCookie(attemptCookie, sealed, attemptSeconds));
}

/** Who asks, by what the provider says to the answer that the browser brought. */
export const byProvider: Identify = async (parts, call) => {
  const { client, logins } = companyLoginOf(parts);
  const attempt = attemptOf(parts, call);
  const answer = redirectUri(parts);
  answer.search = call.query.toString();
  const principal = await reaching(client.finish(answer, attempt).then((login) => logins.receive(login)));
  return { kind: "caller", caller: { principal, credential: { kind: "session" } } };
};

/** Begins a session; one that the browser had is over. */
export function finish(parts: ApiParts, call: KnownCall): Answer {
  const { principal } = call.caller;
  if (principal === undefined) throw new RegistryError("UNAUTHORIZED");
  const { next, session } = attemptOf(parts, call);
  for (const id of [session, sessionIdOf(call.request)]) if (id !== undefined) parts.sessions.end(id);
  // By a page of our own: a redirect would still count as the provider's, and come without the strict cookie.
  return goOn(call, next, keepSession(parts.sessions.begin(principal)));
}

function companyLoginOf({ oidc }: ApiParts): NonNullable<ApiParts["oidc"]> {
  if (oidc === undefined) throw new RegistryError("NAME_UNKNOWN", "this registry has no company login");
  return oidc;
}

function attemptOf(parts: ApiParts, { request }: Call): KeptAttempt {
  const sealed = readCookie(request.headers, attemptCookie);
  const attempt = sealed === undefined ? undefined : companyLoginOf(parts).attempts.open(sealed);
  if (attempt === undefined)
    throw new RegistryError("DENIED", "this login was begun in another browser, or took too long: begin again");
  return attempt;
}

/** Made of the registry's own address, never of what a request says. */
function redirectUri({ identity }: ApiParts): URL {
  const registry = identity()?.registry;
  if (registry === undefined)
    throw new RegistryError("UNAVAILABLE", "this registry does not know by which address browsers reach it over TLS");
  return new URL(`https://${registry}/login/oidc/callback`);
}

async function reaching<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof LoginRefusedError) throw new RegistryError("DENIED", error.message);
    const message = "the login with the company's provider failed; the registry's log says why";
    throw new RegistryError("UNAVAILABLE", message, { cause: error });
  }
}
