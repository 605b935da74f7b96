import type { Caller } from "../../core/caller.ts";
import { RegistryError } from "../../core/error.ts";
import { tokenService } from "../../auth/tokens/access-tokens.ts";
import { TokenRequestError } from "../../auth/tokens/token-scope.ts";
import { type Answer, jsonAnswer } from "../../http/answer.ts";
import { ProtocolError } from "../../http/protocol-error.ts";
import type { ApiParts, BodyCall, TokenCall } from "../call.ts";

/** What would stand in logs of proxies and in histories. */
const secretParameters = ["password", "refresh_token", "access_token"];

/** Docker's way to a token: who asks says so in the Authorization header, or not at all. `account` says nothing that counts. */
export async function get(parts: ApiParts, call: TokenCall): Promise<Answer> {
  assertNoSecret(call.query);
  const caller = await call.identify(call.request.headers.get("authorization"));
  return tokenFor(parts, call, caller, call.query, call.query.get("offline_token") === "true");
}

/** The OAuth2 way (RFC 6749 section 4.3): who asks says so in a form. */
export async function post(parts: ApiParts, call: TokenCall & BodyCall): Promise<Answer> {
  assertNoSecret(call.query);
  if (call.request.headers.has("authorization"))
    throw new ProtocolError(400, "the credentials belong into the form, and nowhere else");
  const form = await readForm(call);
  const isToLast = single(form, "access_type") === "offline";
  return tokenFor(parts, call, await callerOf(parts, call, form), form, isToLast);
}

/** RFC 6749 sections 4.3 and 6. */
function callerOf(parts: ApiParts, call: TokenCall, form: URLSearchParams): Promise<Caller> {
  const grant = single(form, "grant_type");
  if (grant === "refresh_token") return byRefreshToken(parts, call, single(form, "refresh_token") ?? "");
  if (grant !== "password") throw new ProtocolError(400, "the grant_type is neither password nor refresh_token");
  const name = single(form, "username") ?? "";
  if (name.includes(":")) throw new RegistryError("UNAUTHORIZED", "the user name or the password is wrong");
  const credentials = Buffer.from(`${name}:${single(form, "password") ?? ""}`).toString("base64");
  return call.identify(`Basic ${credentials}`);
}

async function byRefreshToken({ tokens }: ApiParts, call: TokenCall, refreshToken: string): Promise<Caller> {
  // A client certificate counts here as everywhere: what else is shown has to be of the same user.
  const shown = call.certificate === undefined ? undefined : await call.identify(null);
  const caller = call.admit(await tokens.redeem(refreshToken));
  if (shown?.principal === undefined || shown.principal.id === caller.principal?.id) return caller;
  throw new RegistryError("DENIED", "the refresh token and the client certificate are of two users");
}

async function tokenFor(
  { tokens, decide }: ApiParts,
  { certificate }: TokenCall,
  caller: Caller,
  asked: URLSearchParams,
  isToLast: boolean,
): Promise<Answer> {
  if (asked.getAll("service").some((service) => service !== tokenService))
    throw new ProtocolError(400, `this registry gives tokens for the service ${tokenService} only`);
  // Somebody who is nobody gets tokens only where there is something to see.
  if (caller.principal === undefined && decide(caller, "catalog").verdict !== "allowed")
    throw new RegistryError("UNAUTHORIZED");
  try {
    const issued = await tokens.issue(caller, { scopes: asked.getAll("scope"), isToLast, certificate });
    return jsonAnswer(200, {
      token: issued.token,
      access_token: issued.token,
      expires_in: issued.lifeSeconds,
      issued_at: new Date(issued.issuedAt).toISOString(),
      scope: issued.scope,
      refresh_token: issued.refreshToken,
    });
  } catch (error) {
    if (error instanceof TokenRequestError) throw new ProtocolError(400, error.message);
    throw error;
  }
}

function assertNoSecret(query: URLSearchParams): void {
  if (secretParameters.some((name) => query.has(name)))
    throw new ProtocolError(400, "a secret stands in the address, where others can read it: send it in the body");
}

async function readForm({ request, readBody, maxBodyBytes }: TokenCall & BodyCall): Promise<URLSearchParams> {
  const [type = ""] = (request.headers.get("content-type") ?? "").split(";");
  if (type.trim().toLowerCase() !== "application/x-www-form-urlencoded")
    throw new ProtocolError(415, "the body has to be application/x-www-form-urlencoded");
  return readBody(async (body) => {
    if (body instanceof Uint8Array) return new URLSearchParams(new TextDecoder().decode(body));
    if (body === "too-large") throw new ProtocolError(413, `the form has more than ${maxBodyBytes} bytes`);
    if (body === "no-room") throw new RegistryError("TOOMANYREQUESTS", undefined, { retryAfterSeconds: 1 });
    throw new ProtocolError(400, "the form did not arrive whole");
  });
}

function single(form: URLSearchParams, name: string): string | undefined {
  const values = form.getAll(name);
  if (values.length > 1) throw new ProtocolError(400, `the form has ${name} twice`);
  return values[0];
}
