import { UsageError } from "./command-context.ts";

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/** A time as a person writes it: so long ago (`30m`, `12h`, `90d`, `2w`), or a date. In milliseconds since 1970. */
export function parseMoment(flag: string, text: string, now: number): number {
  const [, number = "", unit = ""] = /^([0-9]{1,6})([mhdw])$/.exec(text) ?? [];
  const ms = unitMs[unit];
  if (ms !== undefined) return now - Number(number) * ms;
  const isDate = /^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]+(?:Z|[+-][0-9:]+)?)?$/.test(text);
  const at = isDate ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new UsageError(`${flag} ${text} is no time`, `write it like 30m, 12h, 90d, or like 2026-11-24`);
}
