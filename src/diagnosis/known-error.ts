import type { ErrorLine } from "./error-line.ts";
import type { Finding } from "./finding.ts";

/** What a known error says about the line that it stands in. */
type Explanation = Pick<Finding, "what" | "why" | "fix">;

/** An error text that clients of registries are known to print, and what it means. */
export interface KnownError {
  readonly id: string;
  /** `error` where it is left out. */
  readonly severity?: Finding["severity"];
  readonly pattern: RegExp;
  /** Ids of more general errors that this one contains, and whose advice would mislead beside it. */
  readonly covers?: readonly string[];
  readonly explain: (line: ErrorLine, match: RegExpExecArray) => Explanation;
}

/** The registry of a line for a sentence. */
export function nameOf(line: ErrorLine): string {
  return line.registry ?? "the registry";
}

/** The registry of a line for a command. */
export function placeOf(line: ErrorLine): string {
  return line.registry ?? "HOST:PORT";
}

/** The first group that matched; a pattern has one for each client's wording. */
export function firstGroup(match: RegExpExecArray): string | undefined {
  return match.slice(1).find((group) => group !== undefined);
}
