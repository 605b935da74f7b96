import type { OrderFailure } from "./acme-messages.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** After the first failure, the second, and so on; later ones as the last. Within five failures an hour, which authorities bear. */
const pausesMs = [5 * minuteMs, 15 * minuteMs, hourMs, 2 * hourMs, 4 * hourMs, 8 * hourMs, 16 * hourMs, dayMs];
/** However long an authority asks for. */
const longestPauseMs = 8 * dayMs;
/** Whoever has just mended something starts anew and must not wait; whatever starts again and again by itself must. */
const freeStarts = 3;

/** How much of a time its jitter may take, so that not all the world comes at the same second. */
const jitterShare = 0.1;

/** What is remembered of the tries, over restarts too. */
export interface Tries {
  readonly failures: number;
  readonly nextTryAt: number;
  /** The authority itself said when. */
  readonly isLimited: boolean;
}

/** Two thirds of the life of a certificate, and up to a thirtieth of it later. `chance` is between 0 and 1. */
export function renewalTime(
  validity: { readonly notBefore: number; readonly notAfter: number },
  chance: number,
): number {
  const lifeMs = validity.notAfter - validity.notBefore;
  return validity.notBefore + lifeMs * (2 / 3 + chance / 30);
}

/** When to try again after a failure; not before the authority said, where it did. */
export function afterFailure(failures: number, failure: OrderFailure | undefined, now: number, chance: number): Tries {
  const pauseMs = pausesMs[Math.min(failures, pausesMs.length - 1)] ?? dayMs;
  const isLimited = failure?.problem === "rateLimited";
  const askedMs = Math.max((failure?.retryAfterSeconds ?? 0) * 1000, isLimited ? namedPause(failure, now) : 0);
  const nextTryAt = now + Math.max(pauseMs * (1 + chance * jitterShare), Math.min(askedMs, longestPauseMs));
  return { failures: failures + 1, nextTryAt, isLimited };
}

/** The first try of a process. A time that lies further ahead than any pause was written under a clock that was wrong. */
export function atStart({ failures, nextTryAt, isLimited }: Tries, now: number): number {
  const isPossible = nextTryAt - now <= longestPauseMs * (1 + jitterShare);
  return (failures <= freeStarts && !isLimited) || !isPossible ? now : nextTryAt;
}

/** `… retry after 2026-11-23 22:00:00 UTC: see …`, as Let's Encrypt writes it; an hour where it names nothing. */
function namedPause({ message }: OrderFailure, now: number): number {
  const [, day, time] = /retry after (\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})/.exec(message) ?? [];
  const at = day === undefined || time === undefined ? Number.NaN : Date.parse(`${day}T${time}Z`);
  return Number.isNaN(at) ? hourMs : Math.max(at - now, hourMs);
}
