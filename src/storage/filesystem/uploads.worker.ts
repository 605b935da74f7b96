import { statfsSync } from "node:fs";
import type { DiskSpace } from "../../core/blob-store.ts";
import { Layout } from "./layout.ts";
import { Doorbell, lowerThreadPriority } from "./libc.ts";
import type { UploadCalls, UploadsWorkerData } from "./upload-calls.ts";
import { UploadEngine } from "./upload-engine.ts";
import { answerCall } from "./worker-channel.ts";

/*
 * The uploads thread. It sleeps in the event loop while no body is coming, and in poll(2) while some are; the serving
 * thread counts its calls in `sent` and rings the doorbell, so that none waits for a pipe.
 */

const longestSleepMs = 1000;
const busyMs = 10;
// With all processors busy the serving thread goes first: a full pipe slows a push down, a late answer slows everybody.
const niceSteps = 5;

type Message = {
  [Kind in keyof UploadCalls]: {
    readonly call: number;
    readonly kind: Kind;
    readonly input: UploadCalls[Kind]["input"];
  };
}[keyof UploadCalls];

addEventListener("message", ({ data }: MessageEvent<UploadsWorkerData>) => begin(data), { once: true });

function begin({ folder, reserve, silenceMs, doorbellFd, sent }: UploadsWorkerData): void {
  lowerThreadPriority(niceSteps);
  const layout = new Layout(folder);
  const space = (): DiskSpace => {
    const { bavail, blocks, bsize } = statfsSync(layout.uploads);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  };
  const engine = new UploadEngine({ layout, reserve, silenceMs, now: () => performance.now(), space });
  const doorbell = new Doorbell(doorbellFd);
  const sentCount = new Int32Array(sent);
  const sleepMs = Math.min(longestSleepMs, Math.ceil(silenceMs / 4));
  let handledCount = 0;
  let isTurning = false;

  /** Moves bytes for a while, then lets messages and finished file operations in. */
  const turns = (): void => {
    const until = performance.now() + busyMs;
    for (let wanted = false; engine.hasBodies && !wanted && performance.now() < until;) {
      const isCallWaiting = Atomics.load(sentCount, 0) !== handledCount;
      wanted = engine.turn(doorbell.fd, isCallWaiting ? 0 : sleepMs) || isCallWaiting;
    }
    doorbell.answer();
    if (engine.hasBodies) setImmediate(turns);
    else isTurning = false;
  };

  addEventListener("message", ({ data }: MessageEvent<Message>) => {
    handledCount += 1;
    answerCall(data.call, handle(engine, data));
    if (!engine.hasBodies || isTurning) return;
    isTurning = true;
    setImmediate(turns);
  });
}

async function handle(engine: UploadEngine, { kind, input }: Message): Promise<unknown> {
  switch (kind) {
    case "append-bytes":
      return engine.appendBytes(input.id, input.offset, input.bytes);
    case "append-pipe":
      return engine.appendPipe(input);
    case "end-pipe":
      return engine.endPipe(input.body, input.outcome);
    case "commit":
      return engine.commit(input.id, input.sizeBytes, input.digest);
    case "cancel":
      return engine.cancel(input);
    case "stop":
      return engine.stop();
  }
}
