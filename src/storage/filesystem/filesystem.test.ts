import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { patternBytes } from "../../core/blob-store.contract.ts";
import { digestOf } from "../../core/digest.ts";
import { RegistryError } from "../../core/error.ts";
import type { AppendBounds } from "../../core/upload-store.ts";
import type { UploadId } from "../../core/upload-session.ts";
import { LayoutError } from "./layout.ts";
import { type Filesystem, openFilesystem } from "./open.ts";

const first = "01ARZ3NDEKTSV4RRFFQ69G5FAV" as UploadId;
const second = "01BX5ZZKBKACTAV9WEVGEMMVRZ" as UploadId;
const anyBounds: AppendBounds = { offset: undefined, lengthBytes: undefined, maxBytes: 2 ** 40 };
const noReserve = { minFreeBytes: 0, minFreeShare: 0 };

let folder: string;
let logged: string[];
let files: Filesystem;

const open = (options: { reserve?: typeof noReserve; silenceMs?: number } = {}): Promise<Filesystem> =>
  openFilesystem({
    folder,
    log: { error: (message, fields) => logged.push(`${message} ${JSON.stringify(fields)}`) },
    reserve: noReserve,
    ...options,
  });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "dozo-files-"));
  logged = [];
  files = await open();
});
afterEach(async () => {
  await files.close();
  rmSync(folder, { recursive: true });
});

async function append(bytes: Uint8Array<ArrayBuffer>, id = first): Promise<number> {
  const request = new Request("http://registry/", { method: "PATCH", body: bytes });
  return files.uploads.append(id, { request, lengthBytes: bytes.byteLength }, anyBounds);
}

async function store(bytes: Uint8Array<ArrayBuffer>): Promise<{ key: string; path: string }> {
  await append(bytes);
  const { content } = await files.uploads.commit(first, digestOf(bytes));
  if (content.kind === "inline") throw new Error("too small for a file");
  return { key: content.key, path: join(folder, "blobs", content.key) };
}

async function reopen(): Promise<void> {
  await files.close();
  files = await open();
}

const failure = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

/** Sends a part of a body of 1 MB, and answers what the store answered when `end` has ended the connection. */
async function breakOff(head: string, sent: Uint8Array, end: "close" | "wait"): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const lengthBytes = Number(request.headers.get("content-length")) || undefined;
      resolve(await failure(files.uploads.append(first, { request, lengthBytes }, anyBounds)));
      return new Response();
    },
  });
  const socket = connect(server.port ?? 0, "127.0.0.1", () => {
    socket.write(`PATCH / HTTP/1.1\r\nHost: registry\r\n${head}\r\n\r\n`);
    socket.write(sent, () => end === "close" && socket.end());
  });
  const answer = await promise;
  socket.destroy();
  await server.stop(true);
  return answer;
}

const countDescriptors = (): number => readdirSync("/proc/self/fd").length;

/** Bodies that end in every way, and a pull. */
async function everyEnding(): Promise<void> {
  await breakOff("Content-Length: 1000000", patternBytes(100_000), "close");
  await files.uploads.cancel(first);
  await failure(append(patternBytes(600_000), second));
  const request = new Request("http://registry/", { method: "PATCH", body: patternBytes(600_000) });
  await failure(files.uploads.append(second, { request, lengthBytes: undefined }, { ...anyBounds, maxBytes: 10 }));
  const { key } = await store(patternBytes(500_000));
  await new Response((await files.blobs.open(key, 500_000)).content as BodyInit).bytes();
  await files.uploads.cancel(second);
}

describe("the folder", () => {
  test("FS-01: has modes 0700 and 0400 whatever the umask is", async () => {
    const before = process.umask(0);
    try {
      const { path } = await store(patternBytes(100_000));
      await append(patternBytes(100_000), second);

      const modes = ["blobs", "blobs/sha256", "uploads"].map((name) => statSync(join(folder, name)).mode & 0o777);
      expect(modes).toEqual([0o700, 0o700, 0o700]);
      expect(statSync(join(path, "..")).mode & 0o777).toBe(0o700);
      expect(statSync(path).mode & 0o777).toBe(0o400);
      expect(statSync(join(folder, "uploads", second)).mode & 0o777).toBe(0o600);
    } finally {
      process.umask(before);
    }
  });

  test.each(["blobs", "uploads", "blobs/sha256", "blobs/sha256/ab"])(
    "FS-02: is refused when %s is a link",
    async (name) => {
      await files.close();
      const elsewhere = mkdtempSync(join(folder, "elsewhere-"));
      rmSync(join(folder, name), { recursive: true, force: true });
      symlinkSync(elsewhere, join(folder, name));

      expect(await failure(open())).toBeInstanceOf(LayoutError);

      rmSync(join(folder, name));
      files = await open();
    },
  );

  test("FS-06: may have strangers' files in it", async () => {
    for (const name of [".DS_Store", "x", "n".repeat(255), first.toLowerCase()])
      writeFileSync(join(folder, "uploads", name), "");
    for (const name of ["lost+found", "blobs/sha256/zz", "blobs/sha256/a"]) mkdirSync(join(folder, name));
    await reopen();

    await append(patternBytes(100_000));

    expect(await files.uploads.list()).toEqual([first]);
  });
});

describe("uploads", () => {
  test.each([1000, 100_000, 1_000_000])("of %d bytes go on after a restart", async (sizeBytes) => {
    const whole = patternBytes(sizeBytes + 500_000);
    await append(whole.slice(0, sizeBytes));
    await reopen();

    expect(await files.uploads.list()).toEqual([first]);
    expect(await files.uploads.size(first)).toBe(sizeBytes);
    expect(await append(whole.slice(sizeBytes))).toBe(whole.byteLength);

    const { content } = await files.uploads.commit(first, digestOf(whole));
    if (content.kind === "inline") throw new Error("too small for a file");
    expect(digestOf(await files.blobs.read(content.key, whole.byteLength))).toBe(digestOf(whole));
  });

  test("can be committed after a restart, small ones too", async () => {
    await append(patternBytes(10));
    await append(patternBytes(1_000_000), second);
    await reopen();

    const small = await files.uploads.commit(first, digestOf(patternBytes(10)));
    const large = await files.uploads.commit(second, digestOf(patternBytes(1_000_000)));

    expect(small.content).toEqual({ kind: "inline", bytes: patternBytes(10) });
    expect(large.content.kind).toBe("file");
    expect(readdirSync(join(folder, "uploads"))).toEqual([]);
  });

  test("stop with a reason while the disk is below its reserve, and leave nothing", async () => {
    await append(patternBytes(100_000));
    await files.close();
    files = await open({ reserve: { minFreeBytes: 0, minFreeShare: 1.1 } });

    for (const sizeBytes of [100_000, 1_000_000]) {
      const refused = await failure(append(patternBytes(sizeBytes)));
      expect(refused).toMatchObject({ code: "DENIED" });
      expect(String(refused)).toContain("disk is nearly full");
    }
    expect(await files.uploads.size(first)).toBe(100_000);
  });

  test.each(["link", "folder"])("FS-02: refuse a %s where the file should be", async (kind) => {
    const target = join(folder, "target");
    writeFileSync(target, "untouched");
    if (kind === "link") symlinkSync(target, join(folder, "uploads", first));
    else mkdirSync(join(folder, "uploads", first));

    expect(await failure(append(patternBytes(100_000)))).toMatchObject({ code: "UNAVAILABLE" });

    expect(statSync(target).size).toBe("untouched".length);
  });

  test("an upload whose blob has no place is thrown away, and the next one is not disturbed", async () => {
    const bytes = patternBytes(100_000);
    const digest = digestOf(bytes);
    const shard = join(folder, "blobs", "sha256", digest.slice(7, 9));
    writeFileSync(shard, "a file where a folder should be");
    await append(bytes);

    expect(await failure(files.uploads.commit(first, digest))).toMatchObject({ code: "UNAVAILABLE" });
    expect(await files.uploads.list()).toEqual([]);

    rmSync(shard);
    await append(bytes, second);
    expect((await files.uploads.commit(second, digest)).sizeBytes).toBe(100_000);
  });
});

/** How many pipes this process has, however many descriptors each has. */
function countPipes(): number {
  const links = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return "closed meanwhile";
    }
  });
  return new Set(links.filter((link) => link.startsWith("pipe:"))).size;
}

describe("the machine's bounds", () => {
  test("bodies that are taken whole have 32 MiB together; what is beyond goes through pipes", async () => {
    const before = countPipes();
    const sizeBytes = 256 * 1024;
    const uploads = Array.from({ length: 131 }, (_, index) => {
      const id = `01ARZ3NDEKTSV4RRFFQ69G5${String(index).padStart(3, "0")}` as UploadId;
      const { promise: gate, resolve: release } = Promise.withResolvers<void>();
      const body = new ReadableStream<Uint8Array>({
        async pull(controller) {
          await gate;
          controller.enqueue(patternBytes(sizeBytes));
          controller.close();
        },
      });
      const request = new Request("http://registry/", { method: "PATCH", body });
      return { release, appended: files.uploads.append(id, { request, lengthBytes: sizeBytes }, anyBounds) };
    });
    // Each of them asks for its length first.
    await files.uploads.size(second);
    await files.uploads.size(second);

    const pipes = countPipes() - before;
    for (const { release } of uploads) release();

    expect(await Promise.all(uploads.map(({ appended }) => appended))).toEqual(uploads.map(() => sizeBytes));
    expect(pipes).toBe(3);
    expect(countPipes()).toBe(before);
    for (const name of await files.uploads.list()) await files.uploads.cancel(name);
    expect(await append(patternBytes(sizeBytes))).toBe(sizeBytes);
  });
});

describe("blobs", () => {
  test("FS-02: that were cut, removed or replaced are not served, and the log has the key", async () => {
    const { key, path } = await store(patternBytes(300_000));
    const elsewhere = join(folder, "elsewhere");
    const damages: readonly (() => void)[] = [
      () => {
        chmodSync(path, 0o600);
        truncateSync(path, 299_999);
      },
      () => renameSync(path, elsewhere),
      () => symlinkSync(elsewhere, path),
      () => mkdirSync(path),
      () => void Bun.spawnSync(["mkfifo", path]),
    ];
    for (const damage of damages) {
      if (existsSync(elsewhere)) rmSync(path, { recursive: true, force: true });
      damage();

      expect(await failure(files.blobs.open(key, 300_000))).toMatchObject({ code: "UNAVAILABLE" });
      expect(logged.pop()).toContain(key);
    }
  });

  test("I3: that are found to be damaged are not sent to their end", async () => {
    const { key } = await store(patternBytes(2_000_000));
    const { content } = await files.blobs.open(key, 2_000_000, undefined, true);
    const reader = new Response(content as BodyInit).body?.getReader();
    expect((await reader?.read())?.done).toBe(false);

    files.blobs.breakOff(key);

    expect(await failure(Promise.resolve(reader?.read()))).toBeInstanceOf(RegistryError);
  });

  test("have no other keys than those that the store makes", async () => {
    for (const key of ["../dozo.db", "sha256/ab/../../../etc/passwd", `sha256/ab/${"cd".repeat(32)}.${first}`, ""])
      expect(await failure(files.blobs.open(key, 1))).toBeInstanceOf(LayoutError);
  });
});

describe("a client", () => {
  test("that breaks off can go on behind what arrived", async () => {
    const bytes = patternBytes(1_000_000);

    const answer = await breakOff("Content-Length: 1000000", bytes.subarray(0, 123_456), "close");

    expect(answer).toBeInstanceOf(RegistryError);
    expect(answer).toMatchObject({ code: "BLOB_UPLOAD_INVALID", offset: 123_456 });
    expect(await files.uploads.size(first)).toBe(123_456);
    expect(await append(bytes.slice(123_456))).toBe(1_000_000);
    expect((await files.uploads.commit(first, digestOf(bytes))).digest).toBe(digestOf(bytes));
  });

  test("that breaks off in chunked encoding can go on too", async () => {
    const chunk = Buffer.concat([Buffer.from("20000\r\n"), patternBytes(0x2_0000), Buffer.from("\r\n")]);

    const answer = await breakOff("Transfer-Encoding: chunked", chunk, "close");

    expect(answer).toMatchObject({ code: "BLOB_UPLOAD_INVALID", offset: 0x2_0000 });
    expect(await files.uploads.size(first)).toBe(0x2_0000);
  });

  test.each(["Content-Length: 1000000", "Content-Length: 1001"])(
    "UPL-08: that falls silent is ended (%s)",
    async (head) => {
      await files.close();
      files = await open({ silenceMs: 100 });

      const answer = await breakOff(head, patternBytes(1000), "wait");

      expect(answer).toMatchObject({ code: "BLOB_UPLOAD_INVALID" });
      expect(String(answer)).toContain("nothing came for");
    },
  );

  test("leaves no descriptor behind, however it ends", async () => {
    await everyEnding();
    const before = countDescriptors();

    for (let index = 0; index < 5; index += 1) await everyEnding();

    expect(countDescriptors()).toBeLessThanOrEqual(before + 2);
  });
});
