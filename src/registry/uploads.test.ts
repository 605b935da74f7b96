import { describe, expect, test } from "bun:test";
import { maxInlineBytes } from "../core/blob-store.ts";
import type { BlobCommit } from "../core/metadata-store.ts";
import type { RepositoryName } from "../core/repository-name.ts";
import { parseRepositoryName } from "../core/repository-name.ts";
import type { UploadId } from "../core/upload-session.ts";
import type { IncomingBody } from "../core/upload-store.ts";
import {
  alice,
  app,
  bob,
  body,
  codeOf,
  digestOfText,
  type MemoryRegistry,
  memoryRegistry,
  other,
  pushBlob,
  refusalOf,
} from "../../test/registry/memory-registry.ts";

const large = "large".repeat(maxInlineBytes);
const hourMs = 60 * 60 * 1000;
const everywhere = (): boolean => true;
const nowhere = (): boolean => false;

/** A body that has sent its first bytes, and the rest when it is told to. */
interface SlowBody extends IncomingBody {
  /** When the first bytes have been taken. */
  readonly taken: Promise<void>;
  readonly finish: () => void;
  readonly breakOff: () => void;
}

function slowBody(first: string, rest: string): SlowBody {
  const encoder = new TextEncoder();
  const taken = Promise.withResolvers<void>();
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const stream = new ReadableStream<Uint8Array>({
    start(given) {
      controller = given;
      given.enqueue(encoder.encode(first));
    },
    pull: () => taken.resolve(),
  });
  return {
    request: new Request("http://registry/", { method: "PATCH", body: stream }),
    lengthBytes: undefined,
    taken: taken.promise,
    finish: () => {
      controller?.enqueue(encoder.encode(rest));
      controller?.close();
    },
    breakOff: () => controller?.error(new Error("the client has gone")),
  };
}

async function sizeOf(registry: MemoryRegistry, text: string, repository = app): Promise<number> {
  return (await registry.blobs.stat(repository, digestOfText(text))).sizeBytes;
}

/** The keys of the files that were deleted from the blob store. */
function watchDeletions(registry: MemoryRegistry): string[] {
  const keys: string[] = [];
  const remove = registry.ports.blobs.delete.bind(registry.ports.blobs);
  registry.ports.blobs.delete = (key) => {
    keys.push(key);
    return remove(key);
  };
  return keys;
}

describe("the ways of a blob into a repository", () => {
  test("POST, then PUT with everything", async () => {
    const registry = memoryRegistry();
    const id = await registry.uploads.start(app, alice);

    await registry.uploads.commit(app, id, alice, digestOfText("whole"), body("whole"));

    expect(await sizeOf(registry, "whole")).toBe(5);
  });

  test("POST, one streamed PATCH, PUT without a body (Docker)", async () => {
    const registry = memoryRegistry();
    const id = await registry.uploads.start(app, alice);

    expect(await registry.uploads.append(app, id, alice, body("whole"), undefined)).toBe(5);
    await registry.uploads.commit(app, id, alice, digestOfText("whole"), undefined);

    expect(await sizeOf(registry, "whole")).toBe(5);
  });

  test("POST, PATCHes with ranges, PUT with the last chunk", async () => {
    const registry = memoryRegistry();
    const id = await registry.uploads.start(app, alice);

    expect(await registry.uploads.append(app, id, alice, body("one "), { start: 0, end: 4 })).toBe(4);
    expect(await registry.uploads.append(app, id, alice, body("two "), { start: 4, end: 8 })).toBe(8);
    expect(await registry.uploads.status(app, id, alice)).toBe(8);
    await registry.uploads.commit(app, id, alice, digestOfText("one two three"), body("three"), { start: 8, end: 13 });

    expect(await sizeOf(registry, "one two three")).toBe(13);
  });

  test("an empty PATCH changes nothing", async () => {
    const registry = memoryRegistry();
    const id = await registry.uploads.start(app, alice);

    expect(await registry.uploads.append(app, id, alice, body(""), undefined)).toBe(0);
    await registry.uploads.commit(app, id, alice, digestOfText("whole"), body("whole"));

    expect(await sizeOf(registry, "whole")).toBe(5);
  });

  test("one POST, without a session", async () => {
    const registry = memoryRegistry();

    await registry.uploads.putWhole(app, alice, digestOfText("whole"), body("whole"));

    expect(await sizeOf(registry, "whole")).toBe(5);
    expect((await registry.ports.metadata.totals()).openUploads).toBe(0);
  });

  test("sha512 as well as sha256", async () => {
    const registry = memoryRegistry();
    const digest = digestOfText("whole", "sha512");

    await registry.uploads.putWhole(app, alice, digest, body("whole"));

    expect((await registry.blobs.stat(app, digest)).sizeBytes).toBe(5);
  });

  test("UPL-09: the empty blob is a blob; no bytes for another digest are refused", async () => {
    const registry = memoryRegistry();

    await registry.uploads.putWhole(app, alice, digestOfText(""), body(""));

    expect(await sizeOf(registry, "")).toBe(0);
    expect(await codeOf(registry.uploads.putWhole(app, alice, digestOfText("x"), body("")))).toBe("DIGEST_INVALID");
  });

  test("bytes that the registry has already are stored once", async () => {
    const registry = memoryRegistry();
    await pushBlob(registry, large);
    const deleted = watchDeletions(registry);

    await pushBlob(registry, large, other);

    expect(deleted).toHaveLength(1);
    const { content, sizeBytes } = await registry.blobs.stat(other, digestOfText(large));
    expect(content).toEqual((await registry.blobs.stat(app, digestOfText(large))).content);
    expect(content).not.toMatchObject({ key: deleted[0] });
    expect((await registry.blobs.open({ digest: digestOfText(large), sizeBytes, content })).lengthBytes).toBe(
      large.length,
    );
  });
});

test("a blob whose bytes are gone is there again when it has been pushed again", async () => {
  const registry = memoryRegistry();
  await pushBlob(registry, large);
  const { content } = await registry.blobs.stat(app, digestOfText(large));
  if (content.kind === "file") await registry.ports.blobs.delete(content.key);

  await pushBlob(registry, large, other);

  for (const repository of [app, other]) {
    const found = await registry.blobs.open(await registry.blobs.stat(repository, digestOfText(large)));
    expect(found.lengthBytes).toBe(large.length);
  }
});

describe("a mount (distribution specification, Mounting a blob from another repository)", () => {
  const digest = digestOfText("shared");

  test.each<[string, RepositoryName | undefined, (name: RepositoryName) => boolean, boolean]>([
    ["from a repository that has it", other, everywhere, true],
    ["from one that the principal may not pull from", other, nowhere, false],
    ["from one that does not have it", parseRepositoryName("third"), everywhere, false],
    ["from wherever it is", undefined, everywhere, true],
    ["from wherever the principal may pull", undefined, (name) => name !== other, false],
  ])("%s", async (_from, from, mayPullFrom, expected) => {
    const registry = memoryRegistry();
    await pushBlob(registry, "shared", other);

    expect(await registry.uploads.mount(app, alice, { digest, from, mayPullFrom })).toBe(expected);

    const found = await registry.ports.metadata.findBlob(app, digest);
    expect(found !== undefined).toBe(expected);
  });

  test("of what nobody has is none", async () => {
    const registry = memoryRegistry();

    expect(await registry.uploads.mount(app, alice, { digest, mayPullFrom: everywhere })).toBe(false);
  });

  test("of what the repository has already is one, whatever the source", async () => {
    const registry = memoryRegistry();
    await pushBlob(registry, "shared");

    expect(await registry.uploads.mount(app, alice, { digest, from: other, mayPullFrom: nowhere })).toBe(true);
    expect(await registry.uploads.mount(app, alice, { digest, mayPullFrom: nowhere })).toBe(true);
  });
});

describe("UPL-01 and PATH-05: an upload is there for its owner, in its repository, and for nobody else", () => {
  const calls = {
    append: (registry: MemoryRegistry, name: RepositoryName, id: string, who = alice) =>
      registry.uploads.append(name, id, who, body("x"), undefined),
    status: (registry: MemoryRegistry, name: RepositoryName, id: string, who = alice) =>
      registry.uploads.status(name, id, who),
    commit: (registry: MemoryRegistry, name: RepositoryName, id: string, who = alice) =>
      registry.uploads.commit(name, id, who, digestOfText("x"), body("x")),
    cancel: (registry: MemoryRegistry, name: RepositoryName, id: string, who = alice) =>
      registry.uploads.cancel(name, id, who),
  };

  test.each(Object.entries(calls))("%s", async (_name, call) => {
    const registry = memoryRegistry();
    const id = await registry.uploads.start(app, alice);
    const unknown = "01ARZ3NDEKTSV4RRFFQ69G5FZZ";

    expect(await codeOf(call(registry, app, id, bob))).toBe("BLOB_UPLOAD_UNKNOWN");
    expect(await codeOf(call(registry, other, id))).toBe("BLOB_UPLOAD_UNKNOWN");
    for (const wrong of [unknown, id.toLowerCase(), "..", "../../x", "%2e%2e", "", "x".repeat(4096)]) {
      expect(await codeOf(call(registry, app, wrong))).toBe("BLOB_UPLOAD_UNKNOWN");
    }
    expect(await registry.uploads.status(app, id, alice)).toBe(0);
  });
});

describe("UPL-02: chunks that do not fit", () => {
  test.each([
    ["a gap", { start: 5, end: 6 }],
    ["an overlap", { start: 3, end: 4 }],
    ["from the beginning again", { start: 0, end: 1 }],
  ])("%s: refused with the true offset, and the upload goes on behind it", async (_what, range) => {
    const registry = memoryRegistry();
    const id = await registry.uploads.start(app, alice);
    await registry.uploads.append(app, id, alice, body("four"), undefined);

    const inPatch = await refusalOf(registry.uploads.append(app, id, alice, body("x"), range));
    const inPut = await refusalOf(registry.uploads.commit(app, id, alice, digestOfText("fourx"), body("x"), range));

    for (const refusal of [inPatch, inPut]) expect([refusal.code, refusal.offset]).toEqual(["RANGE_INVALID", 4]);
    await registry.uploads.commit(app, id, alice, digestOfText("fourx"), body("x"), { start: 4, end: 5 });
    expect(await sizeOf(registry, "fourx")).toBe(5);
  });

  test.each([
    ["longer", "12345"],
    ["shorter", "123"],
  ])("a body that is %s than its Content-Range: refused", async (_what, text) => {
    const registry = memoryRegistry();
    const id = await registry.uploads.start(app, alice);

    expect(await codeOf(registry.uploads.append(app, id, alice, body(text), { start: 0, end: 4 }))).toBe(
      "SIZE_INVALID",
    );
  });

  test("while one request works on an upload, every other is refused; then they are let through", async () => {
    const registry = memoryRegistry();
    const id = await registry.uploads.start(app, alice);
    const slow = slowBody("first ", "rest");
    const first = registry.uploads.append(app, id, alice, slow, undefined);

    const { uploads } = registry;
    expect(await codeOf(uploads.append(app, id, alice, body("x"), undefined))).toBe("CONFLICT");
    expect(await codeOf(uploads.status(app, id, alice))).toBe("CONFLICT");
    expect(await codeOf(uploads.commit(app, id, alice, digestOfText("x"), undefined))).toBe("CONFLICT");
    expect(await codeOf(uploads.cancel(app, id, alice))).toBe("CONFLICT");

    slow.finish();
    expect(await first).toBe(10);
    await uploads.commit(app, id, alice, digestOfText("first rest"), undefined);
    expect(await sizeOf(registry, "first rest")).toBe(10);
  });

  test("a thousand PATCHes at once: one is taken", async () => {
    const registry = memoryRegistry();
    const id = await registry.uploads.start(app, alice);

    const calls = Array.from({ length: 1000 }, () => registry.uploads.append(app, id, alice, body("x"), undefined));
    const outcomes = await Promise.allSettled(calls);

    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await registry.uploads.status(app, id, alice)).toBe(1);
  });

  test("another digest: refused, and the upload is over", async () => {
    const registry = memoryRegistry();
    const id = await registry.uploads.start(app, alice);
    await registry.uploads.append(app, id, alice, body("x"), undefined);

    expect(await codeOf(registry.uploads.commit(app, id, alice, digestOfText("y"), undefined))).toBe("DIGEST_INVALID");

    expect(await codeOf(registry.uploads.status(app, id, alice))).toBe("BLOB_UPLOAD_UNKNOWN");
    expect(await codeOf(registry.blobs.stat(app, digestOfText("y")))).toBe("BLOB_UNKNOWN");
  });

  test("PATCH or PUT after the PUT: there is no upload any more", async () => {
    const registry = memoryRegistry();
    const id = await registry.uploads.start(app, alice);
    await registry.uploads.commit(app, id, alice, digestOfText("x"), body("x"));

    expect(await codeOf(registry.uploads.append(app, id, alice, body("x"), undefined))).toBe("BLOB_UPLOAD_UNKNOWN");
    const again = registry.uploads.commit(app, id, alice, digestOfText("x"), body("x"));
    expect(await codeOf(again)).toBe("BLOB_UPLOAD_UNKNOWN");
  });
});

describe("UPL-03: a body that breaks off", () => {
  test("leaves what arrived, and the client goes on behind it", async () => {
    const registry = memoryRegistry();
    const id = await registry.uploads.start(app, alice);
    const broken = slowBody("first ", "");
    const call = registry.uploads.append(app, id, alice, broken, undefined);
    const refused = codeOf(call);
    await broken.taken;
    broken.breakOff();
    expect(await refused).toBe("BLOB_UPLOAD_INVALID");

    const arrived = await registry.uploads.status(app, id, alice);
    expect(arrived).toBe(6);
    const range = { start: arrived, end: 10 };
    await registry.uploads.commit(app, id, alice, digestOfText("first rest"), body("rest"), range);

    expect(await sizeOf(registry, "first rest")).toBe(10);
  });

  test("in a single POST leaves nothing", async () => {
    const registry = memoryRegistry();
    const broken = slowBody("first ", "");
    const refused = codeOf(registry.uploads.putWhole(app, alice, digestOfText("x"), broken));
    await broken.taken;
    broken.breakOff();

    expect(await refused).toBe("BLOB_UPLOAD_INVALID");
    expect(await registry.ports.uploads.list()).toEqual([]);
  });
});

describe("UPL-04: open uploads", () => {
  test("are bounded for each principal and for all together", async () => {
    const registry = memoryRegistry({ uploadsPerPrincipal: 2, uploadsInAll: 3 });
    const first = await registry.uploads.start(app, alice);
    await registry.uploads.start(app, alice);

    expect(await codeOf(registry.uploads.start(app, alice))).toBe("TOOMANYREQUESTS");
    await registry.uploads.start(app, bob);
    expect(await codeOf(registry.uploads.start(app, bob))).toBe("TOOMANYREQUESTS");

    await registry.uploads.cancel(app, first, alice);
    expect(await registry.uploads.start(app, alice)).toBeString();
  });

  test("that are cancelled are gone with their bytes", async () => {
    const registry = memoryRegistry();
    const id = await registry.uploads.start(app, alice);
    await registry.uploads.append(app, id, alice, body("x"), undefined);

    await registry.uploads.cancel(app, id, alice);

    expect(await codeOf(registry.uploads.status(app, id, alice))).toBe("BLOB_UPLOAD_UNKNOWN");
    expect(await registry.ports.uploads.list()).toEqual([]);
  });

  test("may not grow beyond the largest blob", async () => {
    const registry = memoryRegistry({ blobBytes: 4 });
    const id = await registry.uploads.start(app, alice);

    expect(await codeOf(registry.uploads.append(app, id, alice, body("12345"), undefined))).toBe("SIZE_INVALID");
    expect(await codeOf(registry.uploads.putWhole(app, alice, digestOfText("12345"), body("12345")))).toBe(
      "SIZE_INVALID",
    );
    expect(await registry.ports.uploads.list()).toEqual([]);
  });
});

describe("UPL-05: abandoned uploads", () => {
  test("are removed with their bytes when nobody has touched them for a day", async () => {
    const registry = memoryRegistry();
    const id = await registry.uploads.start(app, alice);
    await registry.uploads.append(app, id, alice, body("x"), undefined);

    registry.clock.advance(24 * hourMs);
    expect(await registry.uploads.expireIdle()).toBe(0);
    registry.clock.advance(1);
    expect(await registry.uploads.expireIdle()).toBe(1);

    expect(await registry.ports.uploads.list()).toEqual([]);
    expect(await codeOf(registry.uploads.status(app, id, alice))).toBe("BLOB_UPLOAD_UNKNOWN");
  });

  test("are kept by each chunk, and the row is written at most once an hour", async () => {
    const touched: number[] = [];
    const registry = memoryRegistry({}, ({ metadata }) => {
      const touch = metadata.touchUpload.bind(metadata);
      metadata.touchUpload = (id, at) => {
        touched.push(at);
        return touch(id, at);
      };
      return {};
    });
    const start = registry.clock.now();
    const id = await registry.uploads.start(app, alice);
    for (let minutes = 0; minutes < 4 * 60; minutes += 20) {
      await registry.uploads.append(app, id, alice, body("x"), undefined);
      registry.clock.advance(20 * 60 * 1000);
    }
    registry.clock.advance(22 * hourMs);

    expect(await registry.uploads.expireIdle()).toBe(0);
    expect(touched.map((at) => (at - start) / hourMs)).toEqual([1, 2, 3]);
  });

  test("in the middle of a request stay, however long that takes", async () => {
    const registry = memoryRegistry();
    const id = await registry.uploads.start(app, alice);
    const slow = slowBody("first ", "rest");
    const call = registry.uploads.append(app, id, alice, slow, undefined);

    registry.clock.advance(48 * hourMs);
    expect(await registry.uploads.expireIdle()).toBe(0);
    slow.finish();

    expect(await call).toBe(10);
    expect(await registry.uploads.expireIdle()).toBe(0);
    await registry.uploads.commit(app, id, alice, digestOfText("first rest"), undefined);
  });

  test("of which only the bytes are left are removed at the same age", async () => {
    const registry = memoryRegistry();
    const lost = registry.ports.ulids.next();
    await registry.ports.uploads.append(lost, body("lost"), {
      offset: undefined,
      lengthBytes: undefined,
      maxBytes: 99,
    });

    expect(await registry.uploads.expireIdle()).toBe(0);
    registry.clock.advance(24 * hourMs + 1);
    expect(await registry.uploads.expireIdle()).toBe(1);

    expect(await registry.ports.uploads.list()).toEqual([]);
  });

  test("do not include a single POST under way, which has bytes and no row", async () => {
    const registry = memoryRegistry({}, ({ uploads }) => {
      const ids: UploadId[] = [];
      const append = uploads.append.bind(uploads);
      uploads.append = (id, ...rest) => {
        ids.push(id);
        return append(id, ...rest);
      };
      uploads.list = async () => ids;
      return {};
    });
    const slow = slowBody("first ", "rest");
    const call = registry.uploads.putWhole(app, alice, digestOfText("first rest"), slow);
    await slow.taken;

    registry.clock.advance(24 * hourMs + 1);
    expect(await registry.uploads.expireIdle()).toBe(0);
    slow.finish();

    await call;
    expect(await sizeOf(registry, "first rest")).toBe(10);
  });
});

describe("UPL-07: a disk that is nearly full", () => {
  test("refuses new uploads, chunks and single POSTs; pulls go on, and so does an upload when there is room again", async () => {
    const registry = memoryRegistry();
    const digest = await pushBlob(registry, "there");
    const id = await registry.uploads.start(app, alice);
    const roomy = registry.disk.space;
    registry.clock.advance(1000);
    registry.disk.space = { ...roomy, freeBytes: 1 };

    expect(await codeOf(registry.uploads.start(app, alice))).toBe("DENIED");
    expect(await codeOf(registry.uploads.append(app, id, alice, body("x"), undefined))).toBe("DENIED");
    expect(await codeOf(registry.uploads.putWhole(app, alice, digestOfText("x"), body("x")))).toBe("DENIED");
    expect(await registry.uploads.mount(other, alice, { digest, from: app, mayPullFrom: everywhere })).toBe(true);
    expect((await registry.blobs.open(await registry.blobs.stat(app, digest))).lengthBytes).toBe(5);

    registry.clock.advance(1000);
    registry.disk.space = roomy;
    await registry.uploads.commit(app, id, alice, digestOfText("x"), body("x"));
    expect(await sizeOf(registry, "x")).toBe(1);
  });
});

describe("a row whose writing failed", () => {
  test("may come back at the next start, from the database's log: its bytes stay", async () => {
    const registry = memoryRegistry();
    const { metadata } = registry.ports;
    const commit = metadata.commitBlob.bind(metadata);
    const failed: BlobCommit[] = [];
    metadata.commitBlob = (blob) => {
      failed.push(blob);
      return Promise.reject(new Error("the sync failed"));
    };
    const deleted = watchDeletions(registry);

    expect(await failureOf(pushBlob(registry, large))).toBe("the sync failed");
    for (const blob of failed) await commit(blob);

    const found = await registry.blobs.open(await registry.blobs.stat(app, digestOfText(large)));
    expect(found.lengthBytes).toBe(large.length);
    expect(deleted).toEqual([]);
  });
});

async function failureOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "it worked",
    (error: Error) => error.message,
  );
}
