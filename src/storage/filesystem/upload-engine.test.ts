import { afterEach, beforeEach, expect, test } from "bun:test";
import { closeSync, fstatSync, mkdtempSync, openSync, readdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { patternBytes } from "../../core/blob-store.contract.ts";
import { digestOf } from "../../core/digest.ts";
import type { UploadId } from "../../core/upload-session.ts";
import { Layout } from "./layout.ts";
import { Doorbell, makePipe } from "./libc.ts";
import { UploadEngine } from "./upload-engine.ts";

const id = "01ARZ3NDEKTSV4RRFFQ69G5FAV" as UploadId;
const mebibyte = 1024 * 1024;

let layout: Layout;
let doorbell: Doorbell;
let now: number;
let freeBytes: number;
let engine: UploadEngine;
let readFds: number[];

beforeEach(() => {
  readFds = [];
  layout = new Layout(mkdtempSync(join(tmpdir(), "dozo-engine-")));
  layout.prepare();
  doorbell = new Doorbell();
  now = 0;
  freeBytes = 100;
  engine = makeEngine(layout);
});
afterEach(() => {
  for (const readFd of readFds) closeSync(readFd);
  doorbell.close();
  rmSync(layout.folder, { recursive: true });
});

function makeEngine(of: Layout): UploadEngine {
  return new UploadEngine({
    layout: of,
    reserve: { minFreeBytes: 50, minFreeShare: 0.05 },
    silenceMs: 60_000,
    space: () => ({ freeBytes, totalBytes: 1000 }),
    now: () => now,
  });
}

function pipeIn(): { writeFd: number; appended: Promise<unknown> } {
  const { readFd, writeFd } = makePipe(mebibyte);
  readFds.push(readFd);
  const piped = { body: 1, id, offset: 0, readFd, maxBytes: 100 * mebibyte, exactBytes: undefined };
  return { writeFd, appended: engine.appendPipe(piped).catch((error: unknown) => error) };
}

test("a body is stopped within 4 MiB when the disk falls below its reserve, and nothing of it stays", async () => {
  const { writeFd, appended } = pipeIn();
  writeSync(writeFd, patternBytes(1000));
  engine.turn(doorbell.fd, 0);
  freeBytes = 49;

  let passedBytes = 0;
  for (; engine.hasBodies && passedBytes < 8 * mebibyte; passedBytes += 65_536) {
    writeSync(writeFd, patternBytes(65_536));
    engine.turn(doorbell.fd, 0);
  }
  closeSync(writeFd);

  expect(passedBytes).toBeLessThanOrEqual(4 * mebibyte);
  expect(await appended).toMatchObject({ code: "DENIED", offset: 0 });
  expect(String(await appended)).toContain("nearly full (4 % free)");
  expect(readdirSync(layout.uploads)).toEqual([]);
  expect(await engine.appendBytes(id, 0, patternBytes(0)).catch((error: unknown) => error)).toMatchObject({
    code: "DENIED",
  });
});

test("only silence ends a slow body, and what came stays", async () => {
  const { writeFd, appended } = pipeIn();
  for (let second = 0; second < 300; second += 50) {
    writeSync(writeFd, patternBytes(1));
    now = second * 1000;
    engine.turn(doorbell.fd, 0);
  }
  expect(engine.hasBodies).toBe(true);

  now += 60_001;
  engine.turn(doorbell.fd, 0);
  closeSync(writeFd);

  expect(await appended).toMatchObject({ code: "BLOB_UPLOAD_INVALID", offset: 6 });
  expect(readdirSync(layout.uploads)).toEqual([id]);
});

test("a body whose end was announced is whole, even while somebody holds the other end of its pipe", async () => {
  const { writeFd, appended } = pipeIn();
  writeSync(writeFd, patternBytes(700_000));

  engine.endPipe(1, "whole");
  engine.turn(doorbell.fd, 0);
  closeSync(writeFd);

  expect(await appended).toBe(700_000);
});

test("a stop breaks off what is under way, and what came stays", async () => {
  const { writeFd, appended } = pipeIn();
  writeSync(writeFd, patternBytes(1000));
  engine.turn(doorbell.fd, 0);

  engine.stop();
  closeSync(writeFd);

  expect(await appended).toMatchObject({ code: "BLOB_UPLOAD_INVALID", offset: 1000 });
  expect(engine.hasBodies).toBe(false);
});

test("the end of a pipe stays open, whichever way its body ends, for whoever made it to close", async () => {
  const ended = pipeIn();
  engine.endPipe(1, "whole");
  engine.turn(doorbell.fd, 0);
  closeSync(ended.writeFd);
  await ended.appended;
  const stopped = pipeIn();
  engine.stop();
  closeSync(stopped.writeFd);
  await stopped.appended;

  expect(readFds.map((readFd) => fstatSync(readFd).isFIFO())).toEqual([true, true]);
});

test("a blob for whose name the disk has no room is refused with the reason, and thrown away", async () => {
  class FullLayout extends Layout {
    override blob(): string {
      throw Object.assign(new Error("no space left on device, rename"), { code: "ENOSPC" });
    }
  }
  engine = makeEngine(new FullLayout(layout.folder));
  const bytes = patternBytes(100_000);
  await engine.appendBytes(id, 0, bytes);

  const refused = await engine.commit(id, bytes.byteLength, digestOf(bytes)).catch((error: unknown) => error);

  expect(refused).toMatchObject({ code: "DENIED" });
  expect(String(refused)).toContain("nearly full (10 % free)");
  expect(readdirSync(layout.uploads)).toEqual([]);
});

test("a bell that was closed rings nobody who has its number now", () => {
  const bell = new Doorbell();
  bell.close();
  const path = join(layout.folder, "another");
  const fd = openSync(path, "w");

  bell.ring();
  bell.close();

  expect(fd).toBe(bell.fd);
  expect(fstatSync(fd).size).toBe(0);
  closeSync(fd);
});
