import { type Answer, bytesAnswer } from "../http/answer.ts";
import { unknownPathAnswer } from "../http/error-response.ts";
import type { ApiParts } from "./call.ts";

const encoder = new TextEncoder();
const plainText = "text/plain; charset=utf-8";

/** The certificate authority's certificate, for those who are about to trust it. */
export function caCertificate({ caPem }: ApiParts): Answer {
  const pem = caPem();
  if (pem === undefined) return unknownPathAnswer();
  return bytesAnswer(200, encoder.encode(pem), {
    "Content-Type": "application/x-pem-file",
    "Content-Disposition": 'attachment; filename="ca.crt"',
    "Cache-Control": "no-cache",
  });
}

/** Whether the process serves; says nothing of what it has. */
export function live({ ready }: ApiParts): Answer {
  const isReady = ready();
  const text = isReady ? "ok\n" : "not ready\n";
  return bytesAnswer(isReady ? 200 : 503, encoder.encode(text), { "Content-Type": plainText });
}
