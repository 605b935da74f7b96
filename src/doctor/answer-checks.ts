import {
  clientCertificateDemanded,
  clocksDiffer,
  notARegistry,
  registryFails,
} from "../diagnosis/connection-findings.ts";
import { challengeChanged } from "../diagnosis/exchange-findings.ts";
import type { Finding } from "../diagnosis/finding.ts";
import { type Examination, examined, fine } from "./examination.ts";
import { type Answered, refusalMessage } from "./registry-answers.ts";

const clockToleranceMs = 5 * 60_000;

/** What came back for `GET /v2/` without a login: 401 and a challenge, or 200 where everybody may read. */
export function checkFirstAnswer(registry: string, answer: Answered | string): Examination {
  if (typeof answer === "string") return examined("answer", answer, [notARegistry({ registry, answer })]);
  return examined("answer", `${answer.status} to GET /v2/`, [answerFinding(registry, answer)]);
}

function answerFinding(registry: string, answer: Answered): Finding | undefined {
  const { status, headers } = answer;
  if (status >= 500) return registryFails({ registry, status });
  const said = refusalMessage(answer);
  if (status === 403 && said?.includes("certificate") === true) return clientCertificateDemanded({ registry, said });
  const challenge = headers.get("www-authenticate") ?? "";
  if (status === 401 && !/realm="dozo"|^bearer /i.test(challenge))
    return challengeChanged({ registry, challenge: challenge === "" ? "without a challenge" : challenge });
  const isRegistry = headers.get("docker-distribution-api-version")?.startsWith("registry/2") === true;
  if ((status === 200 || status === 401) && (isRegistry || challenge !== "")) return undefined;
  return notARegistry({ registry, answer: `${status}${isRegistry ? "" : ", not in the words of a registry"}` });
}

/** This machine's clock against the server's, by the answer's `Date` (RFC 9110 section 6.6.1). */
export function checkClocks(answer: Answered | string, now: number): Examination {
  const date = typeof answer === "string" ? Number.NaN : Date.parse(answer.headers.get("date") ?? "");
  if (Number.isNaN(date)) return fine("clock", "the server does not tell its time");
  const differenceMs = now - date;
  return examined("clock", `${Math.round(differenceMs / 1000)} s from the server's`, [
    Math.abs(differenceMs) > clockToleranceMs ? clocksDiffer({ differenceMs }) : undefined,
  ]);
}
