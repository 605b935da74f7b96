/**
 * Something that failed and that the person at the terminal can mend: one sentence that says what failed and why, and
 * the command (or step) that helps.
 */
export class ExplainedError extends Error {
  readonly remedy: string | undefined;

  constructor(message: string, remedy?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "ExplainedError";
    this.remedy = remedy;
  }
}
