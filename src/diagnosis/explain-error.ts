import { type ErrorLine, readErrorLines } from "./error-line.ts";
import type { Finding } from "./finding.ts";
import { type KnownError, knownErrors } from "./known-errors.ts";

/**
 * What an error text means, be it one message or a whole log: a finding for each known error in it, each once, the more specific
 * first. Empty where nothing in it is known.
 */
export function explainError(text: string): readonly Finding[] {
  const lines = readErrorLines(text);
  const findings = knownErrors.flatMap((known) => lines.flatMap((line) => findingOf(known, line)));
  return [...new Map(findings.map((finding) => [`${finding.id} ${finding.what}`, finding])).values()];
}

function findingOf(known: KnownError, line: ErrorLine): readonly Finding[] {
  const match = known.pattern.exec(line.text);
  return match === null ? [] : [{ id: known.id, severity: "error", ...known.explain(line, match) }];
}
