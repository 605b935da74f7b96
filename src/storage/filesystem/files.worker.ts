import { statfsSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { FileCalls, FilesWorkerData } from "./file-calls.ts";
import { FileOpener } from "./file-opener.ts";
import { Layout } from "./layout.ts";
import { answerCall } from "./worker-channel.ts";

/* The files thread: everything about finished blobs that may have to wait for a disk. */

type Message = {
  [Kind in keyof FileCalls]: { readonly call: number; readonly kind: Kind; readonly input: FileCalls[Kind]["input"] };
}[keyof FileCalls];

addEventListener("message", ({ data }: MessageEvent<FilesWorkerData>) => begin(data), { once: true });

function begin({ folder }: FilesWorkerData): void {
  const layout = new Layout(folder);
  const opener = new FileOpener(layout, () => performance.now());
  addEventListener("message", ({ data }: MessageEvent<Message>) => answerCall(data.call, handle(layout, opener, data)));
}

async function handle(layout: Layout, opener: FileOpener, { kind, input }: Message): Promise<unknown> {
  switch (kind) {
    case "open":
      return opener.open(input.key, input.sizeBytes, input.start, input.end);
    case "read":
      return opener.read(input.key, input.sizeBytes);
    case "restore":
      return opener.restore(input.key, input.sizeBytes, input.spare);
    case "delete":
      // Freeing a large file takes a while, and nobody who wants to read shall wait for it.
      return rm(layout.blob(input), { force: true });
    case "space": {
      const { bavail, blocks, bsize } = statfsSync(layout.blobs);
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
    }
  }
}
