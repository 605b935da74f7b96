import type { RegistryError } from "../../core/error.ts";
import { enrolPage, frontPage, linePage } from "../../enrolment/pages.ts";
import type { Answer } from "../../http/answer.ts";
import { isNavigation } from "../../http/browser-request.ts";
import type { ApiParts, Call } from "../call.ts";
import { toLogin } from "./browser.ts";
import { withoutEnrolment } from "./enrolment.ts";
import { pageAnswer } from "./page-answer.ts";

const askedAgain = { headers: { "Cache-Control": "no-cache" } };

/** What a person sees who opens the address in a browser; health checks use it too. */
export function front({ identity }: ApiParts, call: Call): Answer {
  return pageAnswer(frontPage(identity()), call, askedAgain);
}

/** How a machine is enrolled, as far as a page can say it to somebody who does not know whose page it is. */
export function enroll({ identity }: ApiParts, call: Call): Answer {
  const known = identity();
  return known === undefined ? withoutEnrolment() : pageAnswer(enrolPage(known), call, askedAgain);
}

/** A browser is led to the login, a program asked for a password. */
export function refuseLine(parts: ApiParts, call: Call, error: RegistryError): Answer | undefined {
  return isNavigation(call.request.headers) ? toLogin(parts, call, error) : undefined;
}

/** The line to paste, for those who are logged in. */
export function line({ identity }: ApiParts, call: Call): Answer {
  const known = identity();
  return known === undefined ? withoutEnrolment() : pageAnswer(linePage(known), call);
}
