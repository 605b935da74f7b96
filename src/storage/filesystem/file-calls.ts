import type { DiskSpace } from "../../core/blob-store.ts";

/** What `files.worker.ts` is told when it starts. */
export interface FilesWorkerData {
  readonly folder: string;
}

/** How the bytes of a blob are best sent. */
export type FileAnswer =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** All of it is in memory: the runtime may read it where it stands. */
  | { readonly kind: "cached" }
  /** It has to be read without holding anybody up. */
  | { readonly kind: "slow" };

/** The calls of the serving thread to the files thread. */
export type FileCalls = {
  open: {
    input: { readonly key: string; readonly sizeBytes: number; readonly start: number; readonly end: number };
    output: FileAnswer;
  };
  read: { input: { readonly key: string; readonly sizeBytes: number }; output: { readonly bytes: Uint8Array } };
  restore: { input: { readonly key: string; readonly sizeBytes: number; readonly spare: string }; output: boolean };
  delete: { input: string; output: undefined };
  space: { input: undefined; output: DiskSpace };
};
