import { UsageError } from "./command-context.ts";

const unitsMs: Readonly<Record<string, number>> = { h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/** Reads the `--expires` of keys and robots: `12h`, `90d` or `8w` as milliseconds, or `never`. */
export function lifetimeOf(text: string): number | "never" {
  if (text === "never") return text;
  const [, count = "", unit = ""] = /^([1-9][0-9]{0,4})([hdw])$/.exec(text) ?? [];
  const unitMs = unitsMs[unit];
  if (unitMs !== undefined) return Number(count) * unitMs;
  throw new UsageError(`--expires ${text} is no time`, "say 12h, 90d or 8w, or never");
}
