import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { FileVerdict } from "../../core/blob-store.ts";
import { algorithmOf, digestFromHash } from "../../core/digest.ts";
import type { FilesWorkerData } from "./file-calls.ts";
import { Layout } from "./layout.ts";
import { lowerThreadPriority } from "./libc.ts";
import type { VerifyCalls } from "./verify-calls.ts";
import { answerCall } from "./worker-channel.ts";

/* The verifying thread: reads files whole and hashes them, at a rate of bytes, behind everybody else. */

interface Message {
  readonly call: number;
  readonly kind: "verify";
  readonly input: VerifyCalls["verify"]["input"];
}

const chunkBytes = 1024 * 1024;
const nice = 10;
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

addEventListener("message", ({ data }: MessageEvent<FilesWorkerData>) => begin(data), { once: true });

function begin({ folder }: FilesWorkerData): void {
  lowerThreadPriority(nice);
  const layout = new Layout(folder);
  addEventListener("message", ({ data }: MessageEvent<Message>) => answerCall(data.call, verify(layout, data.input)));
}

async function verify(layout: Layout, input: Message["input"]): Promise<FileVerdict> {
  let file: FileHandle | undefined;
  try {
    file = await open(layout.blob(input.key), flags);
    const stat = await file.stat();
    if (!stat.isFile() || stat.size !== input.sizeBytes) return "damaged";
    return (await hash(file, input)) === input.digest ? "good" : "damaged";
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ELOOP" || code === "ENOTDIR") return "missing";
    if (code === "EIO") return "damaged";
    throw error;
  } finally {
    await file?.close();
  }
}

async function hash(file: FileHandle, { digest, sizeBytes, bytesPerSecond }: Message["input"]): Promise<string> {
  const algorithm = algorithmOf(digest);
  const sum = createHash(algorithm);
  const buffer = Buffer.allocUnsafeSlow(Math.min(chunkBytes, Math.max(1, sizeBytes)));
  const beganAt = performance.now();
  for (let position = 0; position < sizeBytes;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, position);
    if (bytesRead === 0) break;
    sum.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
    const earlyMs = (1000 * position) / bytesPerSecond - (performance.now() - beganAt);
    if (earlyMs > 1) await Bun.sleep(earlyMs);
  }
  return digestFromHash(sum, algorithm);
}
