/** One thing that is wrong, or that will be: what every diagnosis answers with, whoever looked. */
export interface Finding {
  /** Kebab-case, and stable: what programs that read `--json` know it by. */
  readonly id: string;
  /** `warning`: works today, and will not always. */
  readonly severity: "error" | "warning";
  readonly what: string;
  /** Why it matters, or why it happens. */
  readonly why: string;
  /** The exact command that mends it, or the sentence where none can. */
  readonly fix: string;
}
