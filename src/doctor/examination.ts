import type { Finding } from "../diagnosis/finding.ts";

/**
 * What lives in this folder: looking at the machine and the network. Facts are gathered in files whose names end in `-facts.ts`
 * (they touch files, sockets and programs) and judged in files whose names end in `-checks.ts` (they touch nothing); what a finding
 * says stands in `diagnosis/`.
 */
export interface Examination {
  /** What was looked at, in a few words: `name`. */
  readonly subject: string;
  /** What was seen there, in short, or why nobody looked. */
  readonly seen: string;
  readonly findings: readonly Finding[];
}

/** An examination without findings. */
export function fine(subject: string, seen: string): Examination {
  return { subject, seen, findings: [] };
}

/** The same for a list of findings, most often none. */
export function examined(subject: string, seen: string, findings: readonly (Finding | undefined)[]): Examination {
  return { subject, seen, findings: findings.filter((each) => each !== undefined) };
}

/** `work`, or `fallback` when it takes longer: no probe may hold up the others. The work may go on behind. */
export async function withinTime<Result>(work: Promise<Result>, timeoutMs: number, fallback: Result): Promise<Result> {
  const { promise, resolve } = Promise.withResolvers<Result>();
  const timer = setTimeout(resolve, timeoutMs, fallback);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
