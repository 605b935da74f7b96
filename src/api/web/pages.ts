import { createHash } from "node:crypto";
import { enrolPage, frontPage, linePage, type Page, pageStyle } from "../../enrolment/pages.ts";
import { type Answer, bytesAnswer } from "../../http/answer.ts";
import type { ApiParts, Call } from "../call.ts";
import { withoutEnrolment } from "./enrolment.ts";

const encoder = new TextEncoder();

/** Nothing but our own style, known by its hash: no script, no frame, no form, nothing from elsewhere. */
const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(pageStyle).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** What a person sees who opens the address in a browser; health checks use it too. */
export function front({ identity }: ApiParts, call: Call): Answer {
  return pageAnswer(frontPage(identity()), call, { "Cache-Control": "no-cache" });
}

/** How a machine is enrolled, as far as a page can say it to somebody who does not know whose page it is. */
export function enroll({ identity }: ApiParts, call: Call): Answer {
  const known = identity();
  return known === undefined ? withoutEnrolment() : pageAnswer(enrolPage(known), call, { "Cache-Control": "no-cache" });
}

/** The line to paste, for those who are logged in. */
export function line({ identity }: ApiParts, call: Call): Answer {
  const known = identity();
  return known === undefined ? withoutEnrolment() : pageAnswer(linePage(known), call, {});
}

/** HTML to those who ask for it: browsers do, curl and health checks do not. */
function pageAnswer({ html, text }: Page, { request }: Call, headers: Readonly<Record<string, string>>): Answer {
  const isHtml = request.headers.get("accept")?.includes("text/html") === true;
  return bytesAnswer(200, encoder.encode(isHtml ? html : text), {
    "Content-Type": isHtml ? "text/html; charset=utf-8" : "text/plain; charset=utf-8",
    ...(isHtml ? { "Content-Security-Policy": contentSecurityPolicy } : {}),
    Vary: "Accept",
    ...headers,
  });
}
