import type { Digest } from "../../core/digest.ts";
import type { StagedBlob } from "../../core/upload-store.ts";
import type { UploadId } from "../../core/upload-session.ts";

/** What `uploads.worker.ts` is told when it starts. */
export interface UploadsWorkerData {
  readonly folder: string;
  readonly reserve: DiskReserveOptions;
  readonly silenceMs: number;
  /** Rung after each call; the worker may be asleep in poll(2). */
  readonly doorbellFd: number;
  /** One 32-bit number: how many calls were sent to this worker. */
  readonly sent: SharedArrayBuffer;
}

/** Uploads stop while less than one of both is free. */
export interface DiskReserveOptions {
  readonly minFreeBytes: number;
  /** From 0 to 1. */
  readonly minFreeShare: number;
}

/** How a body ended on the serving thread: it was passed on to its end, or the client broke off. */
export type BodyOutcome = "whole" | "broken";

/** A body that comes through a pipe. */
export interface PipedBody {
  readonly body: number;
  readonly id: UploadId;
  /** The length of the upload before this body. */
  readonly offset: number;
  /** The serving thread closes it when this call has ended; the worker uses it no more then. */
  readonly readFd: number;
  readonly maxBytes: number;
  readonly exactBytes: number | undefined;
}

/** The calls of the serving thread to the uploads thread. What `append…` and `commit` answer is as `UploadStore` says. */
export type UploadCalls = {
  "append-bytes": {
    input: { readonly id: UploadId; readonly offset: number; readonly bytes: Uint8Array };
    output: number;
  };
  "append-pipe": { input: PipedBody; output: number };
  "end-pipe": { input: { readonly body: number; readonly outcome: BodyOutcome }; output: undefined };
  commit: {
    input: { readonly id: UploadId; readonly sizeBytes: number; readonly digest: Digest };
    output: StagedBlob;
  };
  cancel: { input: UploadId; output: undefined };
  stop: { input: undefined; output: undefined };
};
