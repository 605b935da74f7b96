import { type ErrorLine, readErrorLines } from "./error-line.ts";
import type { Finding } from "./finding.ts";
import { knownErrors } from "./known-errors.ts";

/**
 * What an error text means, be it one message or a whole log: a finding for each known error in it, each once, the more specific
 * first. Empty where nothing in it is known.
 */
export function explainError(text: string): readonly Finding[] {
  const findings = readErrorLines(text).flatMap(findingsOf);
  const rank = new Map(knownErrors.map(({ id }, index) => [id, index]));
  return [...new Map(findings.map((finding) => [`${finding.id} ${finding.what}`, finding])).values()].toSorted(
    (a, b) => (rank.get(a.id) ?? 0) - (rank.get(b.id) ?? 0),
  );
}

function findingsOf(line: ErrorLine): readonly Finding[] {
  const found = knownErrors.flatMap((known) => {
    const match = known.pattern.exec(line.text);
    return match === null ? [] : [{ known, match }];
  });
  const covered = new Set(found.flatMap(({ known }) => known.covers ?? []));
  return found
    .filter(({ known }) => !covered.has(known.id))
    .map(({ known, match }) => ({
      id: known.id,
      severity: known.severity ?? "error",
      ...known.explain(line, match),
    }));
}
