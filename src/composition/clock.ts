import { monotonicFactory } from "ulid";
import type { Clock } from "../core/clock.ts";
import type { Ulid, UlidSource } from "../core/ulid.ts";

/** The machine's. */
export const clock: Clock = { now: () => Date.now() };

const makeUlid = monotonicFactory();

/** Ascending within the process, also within one millisecond. */
export const ulids: UlidSource = { next: () => makeUlid() as Ulid };
