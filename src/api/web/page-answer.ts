import { createHash } from "node:crypto";
import { type Page, pageStyle } from "../../enrolment/page.ts";
import { type Answer, bytesAnswer } from "../../http/answer.ts";
import type { Call } from "../call.ts";

const encoder = new TextEncoder();

/** Nothing but our own style, known by its hash: no script, no frame, nothing from elsewhere; and forms only to ourselves, or none. */
function contentSecurityPolicy(formAction: "'self'" | "'none'"): string {
  return [
    "default-src 'none'",
    `style-src 'sha256-${createHash("sha256").update(pageStyle).digest("base64")}'`,
    "base-uri 'none'",
    `form-action ${formAction}`,
    "frame-ancestors 'none'",
  ].join("; ");
}

const withoutForms = contentSecurityPolicy("'none'");
const withForms = contentSecurityPolicy("'self'");

/** Whether a browser asks, or a program. */
export function wantsPage({ request }: Call): boolean {
  return request.headers.get("accept")?.includes("text/html") === true;
}

/** HTML to those who ask for it: browsers do, curl and health checks do not. */
export function pageAnswer(
  { html, text }: Page,
  call: Call,
  {
    status = 200,
    headers = {},
  }: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): Answer {
  const isHtml = wantsPage(call);
  return bytesAnswer(status, encoder.encode(isHtml ? html : text), {
    "Content-Type": isHtml ? "text/html; charset=utf-8" : "text/plain; charset=utf-8",
    ...(isHtml ? browserHeaders(html.includes("<form ")) : {}),
    Vary: "Accept",
    ...headers,
  });
}

function browserHeaders(hasForms: boolean): Readonly<Record<string, string>> {
  return {
    "Content-Security-Policy": hasForms ? withForms : withoutForms,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "",
  };
}
