import type { AuthResult } from "../auth/authenticate.ts";
import { ProtocolError } from "../http/protocol-error.ts";
import type { ApiParts, Call, Visitor } from "./call.ts";

/** How a row finds out who sends a request, where that is not by `Authorization`. May throw a refusal of its own. */
export type Identify = (parts: ApiParts, call: Call, visitor: Visitor) => Promise<AuthResult> | AuthResult;

/** By an `Authorization` header and the certificate of the connection, as programs say who they are; cookies mean nothing here. */
export function authenticated(
  { authenticate }: ApiParts,
  authorization: string | null,
  { client, certificate }: Visitor,
): Promise<AuthResult> | AuthResult {
  // The runtime joins headers of one name with commas, and no credentials have one.
  if (authorization?.includes(",") === true) throw new ProtocolError(400, "the request has two Authorization headers");
  return authenticate(authorization, client, certificate);
}
