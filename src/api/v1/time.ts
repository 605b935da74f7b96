import { z } from "zod";

/** A moment in an answer, in ISO 8601 and UTC. */
export const moment = z.iso.datetime();

/** Milliseconds since 1970 as `moment` has them. */
export function momentOf(at: number): string {
  return new Date(at).toISOString();
}

/** The same for what may never come. */
export function momentOrNull(at: number | undefined): string | null {
  return at === undefined ? null : momentOf(at);
}

const hundredYears = 100 * 366 * 86_400;

/** How long something lasts that a document asks for; null: for ever. */
export const lifetimeSeconds = z.int().min(1).max(hundredYears).nullable();
