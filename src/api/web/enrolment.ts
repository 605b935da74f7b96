import type { RegistryIdentity } from "../../enrolment/identity.ts";
import { powershellScript } from "../../enrolment/powershell.ts";
import { enrolmentScript } from "../../enrolment/script.ts";
import { type Answer, bytesAnswer } from "../../http/answer.ts";
import { unknownPathAnswer } from "../../http/error-response.ts";
import type { ApiParts } from "../call.ts";

const encoder = new TextEncoder();

/** The script that enrols a client. It is no secret: whoever runs it has checked first, by the line, whose it is. */
export function script(parts: ApiParts): Answer {
  return scriptAnswer(parts, enrolmentScript);
}

/** The same for Windows. */
export function powershell(parts: ApiParts): Answer {
  return scriptAnswer(parts, powershellScript);
}

function scriptAnswer({ identity }: ApiParts, write: (identity: RegistryIdentity) => string): Answer {
  const known = identity();
  if (known === undefined) return withoutEnrolment();
  return bytesAnswer(200, encoder.encode(write(known)), { "Content-Type": "text/plain; charset=utf-8" });
}

/** Where clients do not come over TLS, or nothing is known yet of how they come. */
export function withoutEnrolment(): Answer {
  return unknownPathAnswer("this registry does not know by which address clients reach it over TLS");
}
