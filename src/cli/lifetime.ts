import { UsageError } from "./command-context.ts";

const unitsMs: Readonly<Record<string, number>> = { h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/** Reads `12h`, `90d` or `8w` as milliseconds; undefined for `never`. */
export function lifetimeOf(text: string): number | undefined {
  if (text === "never") return undefined;
  const [, count = "", unit = ""] = /^([1-9][0-9]{0,4})([hdw])$/.exec(text) ?? [];
  const unitMs = unitsMs[unit];
  if (unitMs !== undefined) return Number(count) * unitMs;
  throw new UsageError(`--expires ${text} is no time`, "say 12h, 90d or 8w, or never");
}
