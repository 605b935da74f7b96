import { afterEach, beforeEach, describe, expect, test } from "bun:test";
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

/** The upload that a body belongs to: `id` for the first. */
function uploadOf(body: number): UploadId {
  return body === 1 ? id : (`${id.slice(0, -3)}${String(body).padStart(3, "0")}` as UploadId);
}

function pipeIn(body = 1): { writeFd: number; appended: Promise<unknown> } {
  const { readFd, writeFd } = makePipe(mebibyte);
  readFds.push(readFd);
  const piped = { body, id: uploadOf(body), offset: 0, readFd, maxBytes: 100 * mebibyte, exactBytes: undefined };
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

describe("UPL-08: a body of a byte a second", () => {
  const second = 1000;
  const hour = 3600;

  /** Lets a second go by, in which a byte comes on each of the pipes. */
  function passSecond(bodies: readonly { readonly writeFd: number }[]): void {
    now += second;
    for (const { writeFd } of bodies) writeSync(writeFd, patternBytes(1));
    engine.turn(doorbell.fd, 0);
  }

  test("goes on for an hour, and is whole", async () => {
    const body = pipeIn();
    for (let passed = 0; passed < hour; passed += 1) passSecond([body]);
    engine.endPipe(1, "whole");
    engine.turn(doorbell.fd, 0);
    closeSync(body.writeFd);

    expect(await body.appended).toBe(hour);
  });

  test("is ended by 60 s of silence, not before, and what came stays", async () => {
    const { writeFd, appended } = pipeIn();
    for (let passed = 0; passed < 100; passed += 1) passSecond([{ writeFd }]);
    now += 60 * second;
    engine.turn(doorbell.fd, 0);
    expect(engine.hasBodies).toBe(true);

    now += 1;
    engine.turn(doorbell.fd, 0);
    closeSync(writeFd);

    expect(await appended).toMatchObject({ code: "BLOB_UPLOAD_INVALID", offset: 100 });
    expect(readdirSync(layout.uploads)).toEqual([id]);
  });

  test("is none the worse for 99 others, and the one that falls silent is ended alone", async () => {
    const bodies = Array.from({ length: 100 }, (_, index) => pipeIn(index + 1));
    const talking = bodies.slice(1);
    passSecond(bodies);
    for (let passed = 0; passed < 61; passed += 1) passSecond(talking);
    talking.forEach((_, index) => engine.endPipe(index + 2, "whole"));
    engine.turn(doorbell.fd, 0);
    for (const { writeFd } of bodies) closeSync(writeFd);

    const [silent, ...others] = await Promise.all(bodies.map(({ appended }) => appended));
    expect(silent).toMatchObject({ code: "BLOB_UPLOAD_INVALID", offset: 1 });
    expect(others).toEqual(talking.map(() => 62));
  });
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
