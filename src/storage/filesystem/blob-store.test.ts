import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { digestOf } from "../../core/digest.ts";
import type { UploadId } from "../../core/upload-session.ts";
import { keyOf, Layout } from "./layout.ts";
import { type Filesystem, openFilesystem } from "./open.ts";

const clients = 200;
const sizeBytes = 10 * 1024 ** 3;
const key = keyOf(digestOf(new Uint8Array()), "01ARZ3NDEKTSV4RRFFQ69G5FAV" as UploadId);

let folder: string;
let path: string;
let files: Filesystem;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "dozo-ranges-"));
  files = await openFilesystem({
    folder,
    log: { error: () => {} },
    reserve: { minFreeBytes: 0, minFreeShare: 0 },
  });
  path = new Layout(folder).blob(key);
  writeSparse();
});
afterEach(async () => {
  await files.close();
  rmSync(folder, { recursive: true });
});

/** Where the byte of a client is: they are spread over the whole blob, the first and the last byte among them. */
const positionOf = (client: number): number => Math.floor((client * (sizeBytes - 1)) / (clients - 1));
const byteOf = (client: number): number => (client % 255) + 1;

/** A blob of 10 GiB that takes a few hundred blocks of the disk: nothing but the clients' bytes is in it. */
function writeSparse(): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fd = openSync(path, "wx", 0o400);
  ftruncateSync(fd, sizeBytes);
  for (let client = 0; client < clients; client += 1)
    writeSync(fd, Uint8Array.of(byteOf(client)), 0, 1, positionOf(client));
  closeSync(fd);
}

async function readByte(client: number): Promise<number | undefined> {
  const start = positionOf(client);
  const { content, lengthBytes } = await files.blobs.open(key, sizeBytes, { start, end: start + 1 });
  const bytes = await new Response(content as BodyInit).bytes();
  return lengthBytes === 1 && bytes.byteLength === 1 ? bytes[0] : undefined;
}

const readByAll = (): Promise<readonly (number | undefined)[]> =>
  Promise.all(Array.from({ length: clients }, (_, client) => readByte(client)));

/** What this process's threads have asked the system for by reading calls, wherever it came from. */
function readSoFarBytes(): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1]);
}

function countDescriptorsOfBlob(): number {
  const targets = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return "closed meanwhile";
    }
  });
  return targets.filter((target) => target === path).length;
}

test("RNG-02: 200 clients with a byte each of a blob of 10 GiB get it, nothing else is read, nothing stays open", async () => {
  // So that the files thread has read its own code.
  await readByte(0);
  const before = readSoFarBytes();

  const answers = await readByAll();

  expect(readSoFarBytes() - before).toBeLessThan(clients * 1024);
  expect(answers).toEqual(Array.from({ length: clients }, (_, client) => byteOf(client)));
  expect(countDescriptorsOfBlob()).toBe(0);
});
