import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { array, assert, asyncProperty, constantFrom, integer, stringMatching, tuple } from "fast-check";
import type { Descriptor } from "./descriptor.ts";
import { type Digest, digestOf } from "./digest.ts";
import type { ErrorCode } from "./error.ts";
import { RegistryError } from "./error.ts";
import type { BlobRecord, ManifestPut, MetadataStore } from "./metadata-store.ts";
import type { Page, PageRequest } from "./page.ts";
import type { PrincipalId } from "./principal.ts";
import type { Tag } from "./reference.ts";
import type { RepositoryName } from "./repository-name.ts";
import type { UploadId, UploadSession } from "./upload-session.ts";

const team = "team/app" as RepositoryName;
const other = "other" as RepositoryName;
const alice = "01ARZ3NDEKTSV4RRFFQ69G5FAV" as PrincipalId;
const bob = "01BX5ZZKBKACTAV9WEVGEMMVRZ" as PrincipalId;
const mediaType = "application/vnd.oci.image.manifest.v1+json";
const latest = "latest" as Tag;
const everything: PageRequest = { limit: 1000, last: undefined };

function uploadId(number: number): UploadId {
  return `01J${String(number).padStart(23, "0")}` as UploadId;
}

function session(number: number, over: Partial<UploadSession> = {}): UploadSession {
  return { id: uploadId(number), repository: team, startedBy: alice, startedAt: 10, touchedAt: 10, ...over };
}

function inlineBlob(text: string): BlobRecord {
  const bytes = new TextEncoder().encode(text);
  return { digest: digestOf(bytes), sizeBytes: bytes.byteLength, content: { kind: "inline", bytes } };
}

function fileBlob(text: string, key: string): BlobRecord {
  return { ...inlineBlob(text), content: { kind: "file", key } };
}

function named(blob: BlobRecord): { digest: Digest; sizeBytes: number } {
  return { digest: blob.digest, sizeBytes: blob.sizeBytes };
}

const anything = { mayCreateTag: true, mayOverwriteTag: true, blobsMustExist: true, manifestsMustExist: false };

/** A put of a manifest that consists of `text`, by alice, at 100. */
function manifest(text: string, over: Partial<ManifestPut> = {}): ManifestPut {
  const bytes = new TextEncoder().encode(text);
  return {
    repository: team,
    digest: digestOf(bytes),
    mediaType,
    bytes,
    blobs: [],
    manifests: [],
    subject: undefined,
    referrer: undefined,
    tags: [],
    preconditions: anything,
    by: alice,
    at: 100,
    ...over,
  };
}

async function codeOf(call: Promise<unknown>): Promise<ErrorCode | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (error instanceof RegistryError) return error.code;
    throw error;
  }
}

function digestsOf(puts: readonly ManifestPut[]): readonly string[] {
  return inByteOrder(puts.map((put) => put.digest));
}

function inByteOrder<Text extends string>(texts: readonly Text[]): Text[] {
  return texts.toSorted((one, another) => Buffer.compare(Buffer.from(one), Buffer.from(another)));
}

/** Everything that a list has, page by page of `limit`. */
async function walk<Entry>(
  list: (page: PageRequest) => Promise<Page<Entry>>,
  limit: number,
  keyOf: (entry: Entry) => string,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  let page = await list({ limit, last: undefined });
  entries.push(...page.entries);
  while (page.more) {
    const last = entries.at(-1);
    page = await list({ limit, last: last === undefined ? undefined : keyOf(last) });
    entries.push(...page.entries);
  }
  return entries;
}

/** What every metadata store promises. `make` answers an empty one, which the suite closes. */
export function describeMetadataStore(make: () => Promise<MetadataStore>): void {
  let store: MetadataStore;

  beforeEach(async () => {
    store = await make();
  });

  afterEach(() => store.close());

  function commit(blob: BlobRecord, repository = team, upload?: UploadId): Promise<{ readonly kept: boolean }> {
    return store.commitBlob({ repository, blob, uploadId: upload, by: alice, at: 50 });
  }

  function findByTag(tag: Tag, repository = team): ReturnType<MetadataStore["findManifest"]> {
    return store.findManifest(repository, { kind: "tag", tag });
  }

  function findByDigest(digest: Digest, repository = team): ReturnType<MetadataStore["findManifest"]> {
    return store.findManifest(repository, { kind: "digest", digest });
  }

  describe("blobs", () => {
    test("a blob that was committed is found with its bytes", async () => {
      const blob = inlineBlob("hello");

      expect(await commit(blob)).toEqual({ kept: true });

      expect(await store.findBlob(team, blob.digest)).toMatchObject(blob);
    });

    test("an empty blob is a blob", async () => {
      const blob = inlineBlob("");

      await commit(blob);

      expect(await store.findBlob(team, blob.digest)).toMatchObject(blob);
    });

    test("a blob in a file is found with its key", async () => {
      const blob = fileBlob("large", "sha256/ab/large.1");

      await commit(blob);

      expect(await store.findBlob(team, blob.digest)).toMatchObject(blob);
    });

    test("bytes that are a view into other memory are stored as they are", async () => {
      const memory = new TextEncoder().encode("before hello behind");
      const bytes = memory.subarray(7, 12);
      const digest = digestOf(bytes);

      await commit({ digest, sizeBytes: 5, content: { kind: "inline", bytes } });

      const found = await store.findBlob(team, digest);
      expect(found?.content).toEqual({ kind: "inline", bytes: new TextEncoder().encode("hello") });
    });

    test("the row that is there stays when the same blob comes again, in whatever repository", async () => {
      await commit(fileBlob("layer", "first"));

      expect(await commit(fileBlob("layer", "second"))).toEqual({ kept: false });
      expect(await commit(fileBlob("layer", "third"), other)).toEqual({ kept: false });

      const { digest } = inlineBlob("layer");
      expect((await store.findBlob(team, digest))?.content).toEqual({ kind: "file", key: "first" });
      expect((await store.findBlob(other, digest))?.content).toEqual({ kind: "file", key: "first" });
    });

    test("a blob is found only in the repositories that have it", async () => {
      const blob = inlineBlob("secret");
      await commit(blob);
      await commit(inlineBlob("something"), other);

      expect(await store.findBlob(other, blob.digest)).toBeUndefined();
      expect(await store.findBlob("nowhere" as RepositoryName, blob.digest)).toBeUndefined();
    });

    test("the commit ends the upload", async () => {
      await store.createUpload(session(1), { perPrincipal: 9, inAll: 9 });

      await commit(inlineBlob("x"), team, uploadId(1));

      expect(await store.findUpload(team, uploadId(1))).toBeUndefined();
    });

    test("a mount makes a blob a member of another repository", async () => {
      const blob = inlineBlob("layer");
      await commit(blob);

      const mount = { repository: other, from: team, digest: blob.digest, by: bob, at: 60 };
      expect(await store.mountBlob(mount)).toBe(true);
      expect(await store.mountBlob(mount)).toBe(true);

      expect(await store.findBlob(other, blob.digest)).toMatchObject(blob);
    });

    test("a mount from a repository that does not have the blob answers false and makes nothing", async () => {
      const blob = inlineBlob("layer");
      await commit(blob);
      await commit(inlineBlob("something"), other);

      const target = "new" as RepositoryName;
      expect(await store.mountBlob({ repository: target, from: other, digest: blob.digest, by: bob, at: 1 })).toBe(
        false,
      );
      expect(
        await store.mountBlob({
          repository: target,
          from: "no" as RepositoryName,
          digest: blob.digest,
          by: bob,
          at: 1,
        }),
      ).toBe(false);

      expect(await store.findBlob(target, blob.digest)).toBeUndefined();
      expect(await codeOf(store.listTags(target, everything))).toBe("NAME_UNKNOWN");
    });

    test("the repositories that have a blob are told in byte order, and no more than were asked for", async () => {
      const blob = inlineBlob("layer");
      for (const name of ["b", "a", "a/b", "a-b"]) await commit(blob, name as RepositoryName);
      await commit(inlineBlob("something"), other);

      expect(await store.findBlobHolders(blob.digest, 9)).toEqual(["a", "a-b", "a/b", "b"] as RepositoryName[]);
      expect(await store.findBlobHolders(blob.digest, 2)).toEqual(["a", "a-b"] as RepositoryName[]);
      expect(await store.findBlobHolders(digestOf(new Uint8Array()), 2)).toEqual([]);
    });

    test("a deleted blob is gone from its repository alone", async () => {
      const blob = inlineBlob("layer");
      await commit(blob);
      await commit(blob, other);

      const change = { repository: team, digest: blob.digest, by: alice, at: 70 };
      expect(await store.deleteBlob(change)).toBe(true);
      expect(await store.deleteBlob(change)).toBe(false);

      expect(await store.findBlob(team, blob.digest)).toBeUndefined();
      expect(await store.findBlob(other, blob.digest)).toMatchObject(blob);
    });

    test("a deleted blob that is pushed again comes back, from the bytes that are there", async () => {
      await commit(fileBlob("layer", "first"));
      const { digest } = inlineBlob("layer");
      await store.deleteBlob({ repository: team, digest, by: alice, at: 70 });

      expect(await commit(fileBlob("layer", "second"))).toEqual({ kept: false });

      expect((await store.findBlob(team, digest))?.content).toEqual({ kind: "file", key: "first" });
    });
  });

  describe("manifests and tags", () => {
    test("a manifest is found by its digest and by each of its tags, byte for byte", async () => {
      const put = manifest("{ }\n", { tags: [latest, "v1" as Tag] });

      await store.putManifest(put);

      const record = { digest: put.digest, mediaType, bytes: put.bytes };
      expect(await findByDigest(put.digest)).toEqual(record);
      expect(await findByTag(latest)).toEqual(record);
      expect(await findByTag("v1" as Tag)).toEqual(record);
    });

    test("a manifest is found only in its own repository", async () => {
      const put = manifest("{}", { tags: [latest] });
      await store.putManifest(put);
      await store.putManifest(manifest("[]", { repository: other }));

      expect(await findByDigest(put.digest, other)).toBeUndefined();
      expect(await findByTag(latest, other)).toBeUndefined();
      expect(await findByTag(latest, "nowhere" as RepositoryName)).toBeUndefined();
    });

    test("a tag can be moved; what it pointed at stays", async () => {
      const first = manifest("1", { tags: [latest] });
      const second = manifest("2", { tags: [latest] });

      await store.putManifest(first);
      await store.putManifest(second);

      expect((await findByTag(latest))?.digest).toBe(second.digest);
      expect((await findByDigest(first.digest))?.digest).toBe(first.digest);
    });

    test("tags differ by the case of their letters", async () => {
      await store.putManifest(manifest("1", { tags: ["a" as Tag] }));
      await store.putManifest(manifest("2", { tags: ["A" as Tag] }));

      expect((await findByTag("a" as Tag))?.digest).toBe(manifest("1").digest);
      expect((await store.listTags(team, everything)).entries).toEqual(["A", "a"] as Tag[]);
    });

    test("to push the same again changes nothing", async () => {
      const blob = inlineBlob("config");
      await commit(blob);
      const put = manifest("{}", { tags: [latest], blobs: [named(blob)] });
      await store.putManifest(put);
      const before = await store.totals();

      await store.putManifest({ ...put, at: 200, by: bob });

      expect(await store.totals()).toEqual(before);
      expect(await store.tagHistory(team, undefined, 9)).toHaveLength(1);
    });

    test("a deleted tag is gone, and its manifest stays", async () => {
      const put = manifest("{}", { tags: [latest, "v1" as Tag] });
      await store.putManifest(put);

      const change = { repository: team, tag: latest, by: bob, at: 110 };
      expect(await store.deleteTag(change)).toBe(true);
      expect(await store.deleteTag(change)).toBe(false);

      expect(await findByTag(latest)).toBeUndefined();
      expect((await findByTag("v1" as Tag))?.digest).toBe(put.digest);
      expect((await findByDigest(put.digest))?.digest).toBe(put.digest);
    });

    test("a deleted manifest is gone with every tag that points at it, and with no other", async () => {
      const gone = manifest("1", { tags: [latest, "v1" as Tag] });
      const stays = manifest("2", { tags: ["v2" as Tag] });
      await store.putManifest(gone);
      await store.putManifest(stays);
      await store.putManifest({ ...gone, repository: other });

      const change = { repository: team, digest: gone.digest, by: bob, at: 110 };
      expect(await store.deleteManifest(change)).toBe(true);
      expect(await store.deleteManifest(change)).toBe(false);

      expect(await findByDigest(gone.digest)).toBeUndefined();
      expect(await findByTag(latest)).toBeUndefined();
      expect((await store.listTags(team, everything)).entries).toEqual(["v2"] as Tag[]);
      expect((await findByTag(latest, other))?.digest).toBe(gone.digest);
    });

    test("a deleted manifest that is pushed again comes back without the tags that it had", async () => {
      const put = manifest("1", { tags: [latest] });
      await store.putManifest(put);
      await store.deleteManifest({ repository: team, digest: put.digest, by: alice, at: 110 });

      await store.putManifest({ ...put, tags: [] });

      expect((await findByDigest(put.digest))?.bytes).toEqual(put.bytes);
      expect(await findByTag(latest)).toBeUndefined();
    });

    test("deleting what was never there answers false", async () => {
      const { digest } = manifest("{}");

      expect(await store.deleteManifest({ repository: team, digest, by: alice, at: 1 })).toBe(false);
      expect(await store.deleteTag({ repository: team, tag: latest, by: alice, at: 1 })).toBe(false);
      expect(await store.deleteBlob({ repository: team, digest, by: alice, at: 1 })).toBe(false);
    });
  });

  describe("preconditions of a push", () => {
    test("a blob that another repository has is missing in this one", async () => {
      const blob = inlineBlob("layer");
      await commit(blob, other);

      const refused = store.putManifest(manifest("{}", { blobs: [named(blob)], tags: [latest] }));

      expect(await refused.catch((error: unknown) => error)).toMatchObject({
        code: "MANIFEST_BLOB_UNKNOWN",
        detail: { digest: blob.digest },
      });
      expect(await findByDigest(manifest("{}").digest)).toBeUndefined();
      expect(await codeOf(store.listTags(team, everything))).toBe("NAME_UNKNOWN");
    });

    test("blobs and manifests may be missing where that is allowed", async () => {
      const absent = { digest: digestOf(new Uint8Array([1])), sizeBytes: 1 };
      const preconditions = { ...anything, blobsMustExist: false, manifestsMustExist: false };

      await store.putManifest(manifest("{}", { blobs: [absent], manifests: [absent], preconditions }));

      expect(await findByDigest(manifest("{}").digest)).toBeDefined();
    });

    test("a manifest that is named has to be there where that is asked", async () => {
      const child = manifest("child");
      const childNamed = { digest: child.digest, sizeBytes: child.bytes.byteLength };
      const index = manifest("index", {
        manifests: [childNamed],
        preconditions: { ...anything, manifestsMustExist: true },
      });

      expect(await codeOf(store.putManifest(index))).toBe("MANIFEST_BLOB_UNKNOWN");
      await store.putManifest(child);
      expect(await codeOf(store.putManifest(index))).toBeUndefined();
    });

    test("a size that is not the stored one is refused, for blobs and for manifests, also where they may be missing", async () => {
      const blob = inlineBlob("layer");
      await commit(blob);
      const child = manifest("child");
      await store.putManifest(child);
      const preconditions = { ...anything, blobsMustExist: false };
      const wrongBlob = { digest: blob.digest, sizeBytes: blob.sizeBytes + 1 };
      const wrongManifest = { digest: child.digest, sizeBytes: 1 };

      expect(await codeOf(store.putManifest(manifest("1", { blobs: [wrongBlob], preconditions })))).toBe(
        "SIZE_INVALID",
      );
      expect(await codeOf(store.putManifest(manifest("2", { manifests: [wrongManifest], preconditions })))).toBe(
        "SIZE_INVALID",
      );
    });

    test("the same layer may be named many times over", async () => {
      const blob = inlineBlob("layer");
      await commit(blob);

      await store.putManifest(manifest("{}", { blobs: Array.from({ length: 1000 }, () => named(blob)) }));
      await store.deleteManifest({ repository: team, digest: manifest("{}").digest, by: alice, at: 110 });

      expect((await store.totals()).unreferencedBytes).toBe(blob.sizeBytes);
    });

    test("who may not create a tag may not, and who may not move one may not", async () => {
      const first = manifest("1", { tags: [latest] });
      const noCreate = { ...anything, mayCreateTag: false };
      const noOverwrite = { ...anything, mayOverwriteTag: false };

      expect(await codeOf(store.putManifest({ ...first, preconditions: noCreate }))).toBe("DENIED");
      await store.putManifest({ ...first, preconditions: noOverwrite });
      expect(await codeOf(store.putManifest(manifest("2", { tags: [latest], preconditions: noOverwrite })))).toBe(
        "DENIED",
      );

      expect((await findByTag(latest))?.digest).toBe(first.digest);
    });

    test("a tag that points there already may be set again by whoever may push", async () => {
      const put = manifest("1", { tags: [latest] });
      await store.putManifest(put);

      const preconditions = { ...anything, mayCreateTag: false, mayOverwriteTag: false };
      expect(await codeOf(store.putManifest({ ...put, preconditions }))).toBeUndefined();
    });

    test("a tag that does not point where it is expected to is a conflict", async () => {
      const first = manifest("1", { tags: [latest] });
      const second = manifest("2", { tags: [latest] });
      const expecting = (expectedTagDigest: Digest | null): ManifestPut => ({
        ...second,
        preconditions: { ...anything, expectedTagDigest },
      });

      expect(await codeOf(store.putManifest(expecting(first.digest)))).toBe("CONFLICT");
      await store.putManifest(first);
      expect(await codeOf(store.putManifest(expecting(null)))).toBe("CONFLICT");
      expect(await codeOf(store.putManifest(expecting(second.digest)))).toBe("CONFLICT");
      expect(await codeOf(store.putManifest(expecting(first.digest)))).toBeUndefined();

      expect((await findByTag(latest))?.digest).toBe(second.digest);
    });

    test("of two pushes at once that both expect no tag, one wins", async () => {
      const preconditions = { ...anything, expectedTagDigest: null };

      const codes = await Promise.all(
        ["1", "2"].map((text) => codeOf(store.putManifest(manifest(text, { tags: [latest], preconditions })))),
      );

      expect(new Set(codes)).toEqual(new Set([undefined, "CONFLICT"]));
    });

    test("all tags are set, or none", async () => {
      await store.putManifest(manifest("1", { tags: ["taken" as Tag] }));
      const preconditions = { ...anything, mayOverwriteTag: false };

      const put = manifest("2", { tags: ["free" as Tag, "taken" as Tag], preconditions });
      expect(await codeOf(store.putManifest(put))).toBe("DENIED");

      expect((await store.listTags(team, everything)).entries).toEqual(["taken"] as Tag[]);
      expect(await findByDigest(put.digest)).toBeUndefined();
      expect(await store.tagHistory(team, undefined, 9)).toHaveLength(1);
    });

    test("UPL-11 a repository does not grow beyond its limit", async () => {
      const blob = inlineBlob("12345");
      await commit(blob);
      await commit(inlineBlob("of another repository"), other);
      const limited = (text: string, maxRepositoryBytes: number): ManifestPut =>
        manifest(text, { blobs: [named(blob)], preconditions: { ...anything, maxRepositoryBytes } });

      expect(await codeOf(store.putManifest(limited("abc", 7)))).toBe("DENIED");
      expect(await codeOf(store.putManifest(limited("abc", 8)))).toBeUndefined();
      expect(await codeOf(store.putManifest(limited("abc", 8)))).toBeUndefined();
      expect(await codeOf(store.putManifest(limited("d", 8)))).toBe("DENIED");
      await store.deleteManifest({ repository: team, digest: manifest("abc").digest, by: alice, at: 110 });
      expect(await codeOf(store.putManifest(limited("def", 8)))).toBeUndefined();
      await store.deleteBlob({ repository: team, digest: blob.digest, by: alice, at: 120 });
      const preconditions = { ...anything, maxRepositoryBytes: 8 };
      expect(await codeOf(store.putManifest(manifest("ghijk", { preconditions })))).toBeUndefined();
    });

    test("a change that is refused takes nothing else with it that came in at the same time", async () => {
      const absent = { digest: digestOf(new Uint8Array([1])), sizeBytes: 1 };

      const codes = await Promise.all([
        codeOf(store.putManifest(manifest("1", { tags: ["one" as Tag] }))),
        codeOf(store.putManifest(manifest("2", { tags: ["two" as Tag], blobs: [absent] }))),
        codeOf(store.putManifest(manifest("3", { tags: ["three" as Tag] }))),
      ]);

      expect(codes).toEqual([undefined, "MANIFEST_BLOB_UNKNOWN", undefined]);
      expect((await store.listTags(team, everything)).entries).toEqual(["one", "three"] as Tag[]);
    });
  });

  describe("history", () => {
    test("every change of a tag is one line, newest first", async () => {
      const first = manifest("1", { tags: [latest] });
      const second = manifest("2", { tags: [latest, "v2" as Tag], by: bob, at: 200 });
      await store.putManifest(first);
      await store.putManifest(second);
      await store.deleteTag({ repository: team, tag: latest, by: alice, at: 300 });

      const events = [
        { tag: latest, digest: undefined, previous: second.digest, by: alice, at: 300 },
        { tag: "v2" as Tag, digest: second.digest, previous: undefined, by: bob, at: 200 },
        { tag: latest, digest: second.digest, previous: first.digest, by: bob, at: 200 },
        { tag: latest, digest: first.digest, previous: undefined, by: alice, at: 100 },
      ];
      expect(await store.tagHistory(team, undefined, 9)).toEqual(events);
      expect(await store.tagHistory(team, undefined, 2)).toEqual(events.slice(0, 2));
      expect(await store.tagHistory(team, latest, 9)).toEqual(events.filter((event) => event.tag === latest));
      expect(await store.tagHistory(other, undefined, 9)).toEqual([]);
    });

    test("the deletion of a manifest is a line for each of its tags", async () => {
      const put = manifest("1", { tags: ["b" as Tag, "a" as Tag] });
      await store.putManifest(put);

      await store.deleteManifest({ repository: team, digest: put.digest, by: bob, at: 300 });

      expect(await store.tagHistory(team, undefined, 2)).toEqual([
        { tag: "b" as Tag, digest: undefined, previous: put.digest, by: bob, at: 300 },
        { tag: "a" as Tag, digest: undefined, previous: put.digest, by: bob, at: 300 },
      ]);
    });
  });

  describe("lists", () => {
    test("tags of a repository that does not exist are an error, of one without tags an empty list", async () => {
      expect(await codeOf(store.listTags(team, everything))).toBe("NAME_UNKNOWN");

      await commit(inlineBlob("x"));

      expect(await store.listTags(team, everything)).toEqual({ entries: [], more: false });
    });

    test("LIST-06 names that are prefixes of each other come in byte order, none dropped", async () => {
      const tags = ["1", "1.0", "1.0.0", "1.0-a", "A", "a", "_"] as Tag[];
      await store.putManifest(manifest("{}", { tags }));
      for (const repository of ["a", "a/b", "ab", "a-b"] as RepositoryName[]) {
        await store.putManifest(manifest("{}", { repository, tags: [latest] }));
      }

      expect((await store.listTags(team, everything)).entries).toEqual([
        "1",
        "1.0",
        "1.0-a",
        "1.0.0",
        "A",
        "_",
        "a",
      ] as Tag[]);
      expect((await store.listRepositories(everything)).entries).toEqual([
        "a",
        "a-b",
        "a/b",
        "ab",
        team,
      ] as RepositoryName[]);
    });

    test("LIST-06 walking a list page by page meets every tag exactly once, in byte order", async () => {
      const tag = stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,6}$/);
      const chains = array(tuple(tag, constantFrom("", ".", "-", ".0", "-a", "_")), { maxLength: 12 });
      let round = 0;

      await assert(
        asyncProperty(chains, integer({ min: 1, max: 5 }), async (parts, limit) => {
          const tags = [...new Set(parts.flatMap(([stem, end]) => [stem, stem + end]))] as Tag[];
          const repository = `walk/${(round += 1)}` as RepositoryName;
          await store.putManifest(manifest("{}", { repository, tags }));

          const walked = await walk(
            (page) => store.listTags(repository, page),
            limit,
            (entry) => entry,
          );

          expect(walked).toEqual(tags.toSorted((one, two) => Buffer.compare(Buffer.from(one), Buffer.from(two))));
        }),
        { numRuns: 40 },
      );
    });

    test("LIST-04 tags that are there during the whole walk are seen exactly once, while writers add and delete", async () => {
      const numbers = Array.from({ length: 24 }, (_, number) => String(number).padStart(2, "0"));
      const lasting = numbers.map((number) => `${number}-lasting` as Tag);
      const passing = numbers.flatMap((number) => [`${number}-a`, `${number}-z`] as Tag[]);
      const put = manifest("{}", { tags: [...lasting, ...passing] });
      await store.putManifest(put);
      let turn = 0;
      // A writer has the passing tags of every eighth number: it deletes them in one turn and makes them again in the next.
      const write = async (writer: number): Promise<void> => {
        const own = passing.filter((tag) => Number(tag.slice(0, 2)) % 8 === writer);
        const change = { repository: team, by: bob, at: 200 + turn };
        if (turn % 2 === 0) await store.putManifest({ ...put, ...change, tags: own });
        else for (const tag of own) await store.deleteTag({ ...change, tag });
      };

      const walked = await walk(
        async (page) => {
          turn += 1;
          const writers = Array.from({ length: 8 }, (_, writer) => write(writer));
          const [answer] = await Promise.all([store.listTags(team, page), ...writers]);
          return answer;
        },
        3,
        (tag) => tag,
      );

      expect(walked.filter((tag) => tag.endsWith("-lasting"))).toEqual(lasting);
      expect(walked).toEqual(inByteOrder([...new Set(walked)]));
    });

    test("a list goes on behind a last that is not in it, and a page of nothing promises nothing", async () => {
      await store.putManifest(manifest("{}", { tags: ["a", "b", "c"] as Tag[] }));

      expect(await store.listTags(team, { limit: 1, last: "aa" })).toEqual({ entries: ["b"] as Tag[], more: true });
      expect(await store.listTags(team, { limit: 2, last: "a" })).toEqual({
        entries: ["b", "c"] as Tag[],
        more: false,
      });
      expect(await store.listTags(team, { limit: 5, last: "c" })).toEqual({ entries: [], more: false });
      expect(await store.listTags(team, { limit: 0, last: undefined })).toEqual({ entries: [], more: false });
    });

    test("the catalog has the repositories that have a manifest", async () => {
      const names = ["b", "a", "c"] as RepositoryName[];
      for (const repository of names) await store.putManifest(manifest("{}", { repository }));
      await commit(inlineBlob("x"), "only-a-blob" as RepositoryName);
      await store.deleteManifest({
        repository: "c" as RepositoryName,
        digest: manifest("{}").digest,
        by: alice,
        at: 110,
      });

      expect(
        await walk(
          (page) => store.listRepositories(page),
          1,
          (name) => name,
        ),
      ).toEqual(["a", "b"] as RepositoryName[]);
    });

    test("a search finds repositories by any part of their name", async () => {
      const names = ["team/web", "webshop", "team/api", "a_b", "a-b"] as RepositoryName[];
      for (const repository of names) await store.putManifest(manifest("{}", { repository }));

      expect(await store.searchRepositories("web", 9)).toEqual(["team/web", "webshop"] as RepositoryName[]);
      expect(await store.searchRepositories("web", 1)).toEqual(["team/web"] as RepositoryName[]);
      expect(await store.searchRepositories("_", 9)).toEqual(["a_b"] as RepositoryName[]);
      expect(await store.searchRepositories("%", 9)).toEqual([]);
    });
  });

  describe("referrers", () => {
    const subject = digestOf(new Uint8Array([7]));

    async function walkReferrers(artifactType: string | undefined): Promise<readonly string[]> {
      const list = (page: PageRequest): Promise<Page<Descriptor>> =>
        store.listReferrers(team, subject, artifactType, page);
      return (await walk(list, 2, (descriptor) => descriptor.digest)).map((descriptor) => descriptor.digest);
    }

    test("a manifest is listed under its subject as a descriptor, which need not be there", async () => {
      const annotations = { "org.example": "x", ["__proto__"]: "y" };
      const put = manifest("signature", { subject, referrer: { artifactType: "application/sig", annotations } });

      await store.putManifest(put);

      const page = await store.listReferrers(team, subject, undefined, everything);
      expect(page).toEqual({
        entries: [{ mediaType, digest: put.digest, sizeBytes: 9, artifactType: "application/sig", annotations }],
        more: false,
      });
    });

    test("a descriptor has neither artifact type nor annotations where the manifest has none", async () => {
      const put = manifest("signature", { subject, referrer: {} });

      await store.putManifest(put);

      const page = await store.listReferrers(team, subject, undefined, everything);
      expect(page.entries).toEqual([{ mediaType, digest: put.digest, sizeBytes: 9 }]);
      expect(Object.keys(page.entries[0] ?? {}).toSorted()).toEqual(["digest", "mediaType", "sizeBytes"]);
    });

    test("the filter is equality, and pages come in byte order of the digests", async () => {
      const artifactTypes = ["application/sig", "application/sbom", "application/sigs"];
      const puts = Array.from({ length: 9 }, (_, number) =>
        manifest(`referrer ${number}`, { subject, referrer: { artifactType: artifactTypes[number % 3] ?? "" } }),
      );
      for (const put of puts) await store.putManifest(put);

      const all = await walkReferrers(undefined);
      const signatures = await walkReferrers("application/sig");

      expect(all).toEqual(digestsOf(puts));
      expect(signatures).toEqual(digestsOf(puts.filter((_, number) => number % 3 === 0)));
    });

    test("referrers go with their manifest, and belong to their repository", async () => {
      const put = manifest("signature", { subject, referrer: {} });
      await store.putManifest(put);
      await store.putManifest({ ...put, repository: other });

      await store.deleteManifest({ repository: team, digest: put.digest, by: alice, at: 110 });

      expect(await store.listReferrers(team, subject, undefined, everything)).toEqual({ entries: [], more: false });
      expect((await store.listReferrers(other, subject, undefined, everything)).entries).toHaveLength(1);
      expect((await store.listReferrers("no" as RepositoryName, subject, undefined, everything)).entries).toEqual([]);
    });
  });

  describe("uploads", () => {
    const plenty = { perPrincipal: 9, inAll: 9 };

    test("a session is found in its own repository until it is removed", async () => {
      await store.createUpload(session(1), plenty);

      expect(await store.findUpload(team, uploadId(1))).toEqual(session(1));
      expect(await store.findUpload(other, uploadId(1))).toBeUndefined();
      await store.removeUpload(uploadId(1));
      await store.removeUpload(uploadId(1));
      expect(await store.findUpload(team, uploadId(1))).toBeUndefined();
    });

    test("a session does not bring a repository into being", async () => {
      await store.createUpload(session(1), plenty);

      expect(await codeOf(store.listTags(team, everything))).toBe("NAME_UNKNOWN");
    });

    test("a principal, and all together, may have so many open and no more", async () => {
      const limits = { perPrincipal: 2, inAll: 3 };
      await store.createUpload(session(1), limits);
      await store.createUpload(session(2), limits);

      expect(await codeOf(store.createUpload(session(3), limits))).toBe("TOOMANYREQUESTS");
      expect(await codeOf(store.createUpload(session(4, { startedBy: bob }), limits))).toBeUndefined();
      expect(await codeOf(store.createUpload(session(5, { startedBy: bob }), limits))).toBe("TOOMANYREQUESTS");
      await store.removeUpload(uploadId(1));
      expect(await codeOf(store.createUpload(session(6), limits))).toBeUndefined();
    });

    test("an idle session is one that was not touched since; a touch only moves forward", async () => {
      await store.createUpload(session(1), plenty);
      await store.createUpload(session(2), plenty);

      await store.touchUpload(uploadId(2), 500);
      await store.touchUpload(uploadId(2), 400);
      await store.touchUpload(uploadId(3), 500);

      expect(await store.listUploadsIdleSince(10)).toEqual([]);
      expect(await store.listUploadsIdleSince(11)).toEqual([session(1)]);
      expect(await store.listUploadsIdleSince(500)).toEqual([session(1)]);
      expect((await store.findUpload(team, uploadId(2)))?.touchedAt).toBe(500);
    });
  });

  describe("images", () => {
    test("are the manifests that nothing else stands for, with their tags and all that they lead to", async () => {
      const child = manifest("child");
      const inner = manifest("inner", { manifests: [{ digest: child.digest, sizeBytes: 5 }] });
      const index = manifest("index", {
        manifests: [{ digest: inner.digest, sizeBytes: 5 }],
        tags: ["b" as Tag, "a" as Tag],
      });
      const signature = manifest("signature", { subject: index.digest });
      const elsewhere = manifest("child", { repository: other, at: 200 });
      for (const put of [child, inner, index, signature, elsewhere]) await store.putManifest(put);

      const images = await store.listImages(0, 10);

      expect(images).toHaveLength(2);
      expect(images).toEqual([
        expect.objectContaining({
          repository: team,
          digest: index.digest,
          tags: ["a", "b"],
          pushedAt: 100,
          members: [index.digest, inner.digest, child.digest],
        }),
        expect.objectContaining({ repository: other, tags: [], pushedAt: 200, members: [child.digest] }),
      ]);
    });

    test("come in pages, each behind the one before", async () => {
      for (const text of ["1", "2", "3"]) await store.putManifest(manifest(text));
      const [first, second, third] = await store.listImages(0, 10);

      expect(await store.listImages(0, 2)).toEqual([first, second].filter((image) => image !== undefined));
      expect(await store.listImages(second?.position ?? 0, 2)).toEqual([third].filter((image) => image !== undefined));
    });
  });

  describe("totals", () => {
    test("they begin with nothing", async () => {
      expect(await store.totals()).toEqual({
        repositories: 0,
        manifests: 0,
        tags: 0,
        blobs: 0,
        storedBytes: 0,
        unreferencedBytes: 0,
        openUploads: 0,
      });
    });

    test("bytes count once, and those that no manifest names are told apart", async () => {
      const layer = inlineBlob("12345");
      const unused = inlineBlob("123");
      await commit(layer);
      await commit(layer, other);
      await commit(unused);
      const put = manifest("abcd", { blobs: [named(layer)], tags: [latest, "v1" as Tag] });
      await store.putManifest(put);
      await store.putManifest({ ...put, repository: other });
      await store.createUpload(session(1), { perPrincipal: 9, inAll: 9 });

      expect(await store.totals()).toEqual({
        repositories: 2,
        manifests: 2,
        tags: 4,
        blobs: 2,
        storedBytes: 12,
        unreferencedBytes: 3,
        openUploads: 1,
      });
    });

    test("what the last manifest lets go of is unreferenced; deleted bytes are still stored", async () => {
      const layer = inlineBlob("12345");
      await commit(layer);
      const put = manifest("abcd", { blobs: [named(layer)], tags: [latest] });
      await store.putManifest(put);
      await store.putManifest({ ...put, repository: other, preconditions: { ...anything, blobsMustExist: false } });

      await store.deleteManifest({ repository: team, digest: put.digest, by: alice, at: 110 });
      expect((await store.totals()).unreferencedBytes).toBe(0);
      await store.deleteManifest({ repository: other, digest: put.digest, by: alice, at: 120 });

      expect(await store.totals()).toMatchObject({ manifests: 0, tags: 0, storedBytes: 9, unreferencedBytes: 5 });
    });

    test("a blob that comes behind the manifest that names it is referenced", async () => {
      const layer = inlineBlob("12345");
      const preconditions = { ...anything, blobsMustExist: false };
      await store.putManifest(manifest("abcd", { blobs: [named(layer)], preconditions }));

      await commit(layer);

      expect((await store.totals()).unreferencedBytes).toBe(0);
    });
  });

  describe("purge", () => {
    test("nothing is left of a repository, and the keys of its files are answered", async () => {
      const empty = await store.totals();
      const layer = fileBlob("layer", "key of layer");
      const config = inlineBlob("config");
      const deleted = fileBlob("deleted", "key of deleted");
      await commit(layer);
      await commit(config);
      await commit(deleted);
      await store.deleteBlob({ repository: team, digest: deleted.digest, by: alice, at: 60 });
      await store.putManifest(manifest("{}", { blobs: [named(layer), named(config)], tags: [latest] }));
      await store.putManifest(manifest("[]", { tags: ["v1" as Tag] }));
      await store.deleteManifest({ repository: team, digest: manifest("[]").digest, by: alice, at: 110 });
      await store.createUpload(session(1), { perPrincipal: 9, inAll: 9 });

      const keys = await store.purgeRepository(team);

      expect(keys.toSorted()).toEqual(["key of deleted", "key of layer"]);
      expect(await store.totals()).toEqual(empty);
      expect(await store.tagHistory(team, undefined, 9)).toEqual([]);
      expect(await findByTag(latest)).toBeUndefined();
      expect(await store.findBlob(team, layer.digest)).toBeUndefined();
      expect(await codeOf(store.listTags(team, everything))).toBe("NAME_UNKNOWN");
      expect(await commit(layer)).toEqual({ kept: true });
    });

    test("what another repository has stays", async () => {
      const layer = fileBlob("layer", "key of layer");
      const put = manifest("{}", { blobs: [named(layer)], tags: [latest] });
      for (const repository of [team, other]) {
        await commit(layer, repository);
        await store.putManifest({ ...put, repository });
      }

      expect(await store.purgeRepository(team)).toEqual([]);

      expect((await findByTag(latest, other))?.bytes).toEqual(put.bytes);
      expect(await store.findBlob(other, layer.digest)).toMatchObject(layer);
      expect(await store.totals()).toMatchObject({ repositories: 1, blobs: 1, storedBytes: 7, unreferencedBytes: 0 });
    });

    test("a repository that does not exist leaves no keys", async () => {
      expect(await store.purgeRepository(team)).toEqual([]);
    });
  });
}
