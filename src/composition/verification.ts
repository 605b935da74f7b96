import { setTimeout } from "node:timers/promises";
import type { Settings } from "../config/settings.ts";
import type { FoundDamage } from "../core/verification-administration.ts";
import type { Log } from "../log.ts";
import { Verification } from "../registry/verification.ts";
import { clock } from "./clock.ts";
import { attempt, type Serving } from "./serving.ts";
import type { Stores } from "./stores.ts";

const dayMs = 24 * 60 * 60 * 1000;
const idleMs = 2000;

/** Reads and compares what is stored in a data folder; what it finds damaged is an alarm in the log. */
export function openVerification(
  { verification, blobs }: Stores,
  { scrubDays, scrubBytesPerSecond: bytesPerSecond }: Settings,
  log: Log,
): Verification {
  const onDamage = ({ kind, digest, images }: FoundDamage): void =>
    log.error(`a ${kind} is damaged and answers as if it were not there; push an image that needs it again`, {
      digest,
      images: images.join(", "),
    });
  return new Verification({ verification, blobs, clock, onDamage }, { periodMs: scrubDays * dayMs, bytesPerSecond });
}

/** Reads by and by everything, until the registry stops. */
export async function keepScrubbing(
  verification: Verification,
  { verification: store }: Stores,
  log: Log,
  serving: Serving,
): Promise<void> {
  await verification.start();
  const stopping = new AbortController();
  const scrub = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      let done = 0;
      const step = async (): Promise<void> => {
        done = await verification.scrubSome();
      };
      await attempt(log, "reading what is stored", () => step().catch((error: unknown) => ignoreIf(stopping, error)));
      // The end of the wait comes with the end of the registry, too.
      if (done === 0)
        await setTimeout(idleMs, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
    }
  };
  void scrub();
  serving.atEnd(
    () => stopping.abort(),
    () => store.noteStop(),
  );
}

/** What it was reading when the registry stopped is no failure. */
function ignoreIf({ signal }: AbortController, error: unknown): void {
  if (!signal.aborted) throw error;
}
