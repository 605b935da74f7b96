import { beforeEach, describe, expect, test } from "bun:test";
import { type Digest, digestOf } from "../../core/digest.ts";
import { describeMetadataStore } from "../../core/metadata-store.contract.ts";
import type {
  BlobRecord,
  ContentDelete,
  ManifestPut,
  ManifestRecord,
  MetadataStore,
} from "../../core/metadata-store.ts";
import type { PrincipalId } from "../../core/principal.ts";
import type { Reference, Tag } from "../../core/reference.ts";
import type { RepositoryName } from "../../core/repository-name.ts";
import { MemoryMetadataStore } from "../memory/metadata-store.ts";
import { cacheMetadata } from "./metadata-store.ts";

type Held = "findBlob" | "findManifest" | "putManifest" | "deleteManifest";

/** A store that counts what it is asked, and keeps its answers back until it is told. What it answers was true when it was asked. */
class HeldStore extends MemoryMetadataStore {
  reads = 0;
  readonly #gates = new Map<Held, Promise<void>>();

  /** Keeps the answers of a method back until what is returned is called. */
  hold(method: Held): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gates.set(method, promise);
    return () => {
      this.#gates.delete(method);
      resolve();
    };
  }

  override async findBlob(repository: RepositoryName, digest: Digest): Promise<BlobRecord | undefined> {
    this.reads += 1;
    return this.#keepBack("findBlob", super.findBlob(repository, digest));
  }

  override async findManifest(repository: RepositoryName, reference: Reference): Promise<ManifestRecord | undefined> {
    this.reads += 1;
    return this.#keepBack("findManifest", super.findManifest(repository, reference));
  }

  override async putManifest(put: ManifestPut): Promise<void> {
    return this.#keepBack("putManifest", super.putManifest(put));
  }

  override async deleteManifest(change: ContentDelete): Promise<boolean> {
    return this.#keepBack("deleteManifest", super.deleteManifest(change));
  }

  async #keepBack<Answer>(method: Held, answer: Promise<Answer>): Promise<Answer> {
    const value = await answer;
    await this.#gates.get(method);
    return value;
  }
}

const team = "team/app" as RepositoryName;
const other = "other" as RepositoryName;
const alice = "01ARZ3NDEKTSV4RRFFQ69G5FAV" as PrincipalId;
const latest = "latest" as Tag;
const bounds = { bytes: 1024 * 1024, entries: 100 };

function manifest(text: string, over: Partial<ManifestPut> = {}): ManifestPut {
  const bytes = new TextEncoder().encode(text);
  return {
    repository: team,
    digest: digestOf(bytes),
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    bytes,
    blobs: [],
    manifests: [],
    subject: undefined,
    referrer: undefined,
    tags: [latest],
    preconditions: { mayCreateTag: true, mayOverwriteTag: true, blobsMustExist: true, manifestsMustExist: false },
    by: alice,
    at: 100,
    ...over,
  };
}

function blobOf(text: string): BlobRecord {
  const bytes = new TextEncoder().encode(text);
  return { digest: digestOf(bytes), sizeBytes: bytes.byteLength, content: { kind: "inline", bytes } };
}

describe("cacheMetadata", () => {
  describeMetadataStore(async () => cacheMetadata(new MemoryMetadataStore(), bounds));

  describe("with bounds so small that nothing stays", () => {
    describeMetadataStore(async () => cacheMetadata(new MemoryMetadataStore(), { bytes: 2048, entries: 1 }));
  });
});

describe("what is remembered", () => {
  let store: HeldStore;
  let cache: MetadataStore;

  beforeEach(() => {
    store = new HeldStore();
    cache = cacheMetadata(store, bounds);
  });

  function digestByTag(tag = latest, repository = team): Promise<Digest | undefined> {
    return cache.findManifest(repository, { kind: "tag", tag }).then((record) => record?.digest);
  }

  function byDigest(digest: Digest, repository = team): Promise<ManifestRecord | undefined> {
    return cache.findManifest(repository, { kind: "digest", digest });
  }

  function commit(blob: BlobRecord): Promise<unknown> {
    return cache.commitBlob({ repository: team, blob, uploadId: undefined, by: alice, at: 1 });
  }

  test("what was read once is not asked of the store again", async () => {
    const put = manifest("1");
    const blob = blobOf("layer");
    await cache.putManifest(put);
    await commit(blob);

    for (let round = 0; round < 3; round += 1) {
      expect(await digestByTag()).toBe(put.digest);
      expect((await byDigest(put.digest))?.bytes).toEqual(put.bytes);
      expect(await cache.findBlob(team, blob.digest)).toMatchObject(blob);
    }

    expect(store.reads).toBe(3);
  });

  test("those who ask for the same at the same time ask the store once", async () => {
    await cache.putManifest(manifest("1"));

    await Promise.all(Array.from({ length: 20 }, () => digestByTag()));

    expect(store.reads).toBe(1);
  });

  test("that something is missing is not remembered", async () => {
    expect(await digestByTag()).toBeUndefined();
    await store.putManifest(manifest("1"));

    expect(await digestByTag()).toBe(manifest("1").digest);
  });

  test("no more is remembered than fits", async () => {
    const small = cacheMetadata(store, { bytes: 1024 * 1024, entries: 2 });
    const tags = ["a", "b", "c"] as Tag[];
    await small.putManifest(manifest("1", { tags }));
    for (const tag of tags) await small.findManifest(team, { kind: "tag", tag });
    store.reads = 0;

    await small.findManifest(team, { kind: "tag", tag: "c" as Tag });
    expect(store.reads).toBe(0);
    await small.findManifest(team, { kind: "tag", tag: "a" as Tag });
    expect(store.reads).toBe(1);
  });

  test("a push forgets the tags that it moves, and nothing else", async () => {
    await cache.putManifest(manifest("1", { tags: [latest, "v1" as Tag] }));
    await digestByTag(latest);
    await digestByTag("v1" as Tag);
    store.reads = 0;

    await cache.putManifest(manifest("2"));

    expect(await digestByTag("v1" as Tag)).toBe(manifest("1").digest);
    expect(store.reads).toBe(0);
    expect(await digestByTag(latest)).toBe(manifest("2").digest);
    expect(store.reads).toBe(1);
  });

  test("the deletion of a manifest forgets its tags, in its own repository", async () => {
    const put = manifest("1", { tags: [latest, "v1" as Tag] });
    await cache.putManifest(put);
    await cache.putManifest({ ...put, repository: other });
    await digestByTag("v1" as Tag);
    await digestByTag(latest, other);
    store.reads = 0;

    await cache.deleteManifest({ repository: team, digest: put.digest, by: alice, at: 2 });

    expect(await digestByTag("v1" as Tag)).toBeUndefined();
    expect(await byDigest(put.digest)).toBeUndefined();
    expect(store.reads).toBe(2);
    expect(await digestByTag(latest, other)).toBe(put.digest);
    expect(store.reads).toBe(2);
  });

  test("an answer from before a push that comes in behind it is not remembered", async () => {
    await cache.putManifest(manifest("1"));
    const release = store.hold("findManifest");
    const early = digestByTag();

    await cache.putManifest(manifest("2"));
    release();

    expect(await early).toBe(manifest("1").digest);
    expect(await digestByTag()).toBe(manifest("2").digest);
  });

  test("who asks behind a push does not get the answer of who asked before it", async () => {
    await cache.putManifest(manifest("1"));
    const release = store.hold("findManifest");
    const early = digestByTag();
    await cache.putManifest(manifest("2"));

    const late = digestByTag();
    release();

    expect(await early).toBe(manifest("1").digest);
    expect(await late).toBe(manifest("2").digest);
    expect(await digestByTag()).toBe(manifest("2").digest);
  });

  test("who asks behind a push by digest does not share the answer that it is missing", async () => {
    const put = manifest("1", { tags: [] });
    const release = store.hold("findManifest");
    const early = byDigest(put.digest);
    await cache.putManifest(put);

    const late = byDigest(put.digest);
    release();

    expect(await early).toBeUndefined();
    expect((await late)?.digest).toBe(put.digest);
  });

  test("who asks behind a commit of a blob does not share the answer that it is missing", async () => {
    const blob = blobOf("layer");
    const release = store.hold("findBlob");
    const early = cache.findBlob(team, blob.digest);
    await commit(blob);

    const late = cache.findBlob(team, blob.digest);
    release();

    expect(await early).toBeUndefined();
    expect(await late).toMatchObject(blob);
  });

  test("what is read while a push is under way is not remembered", async () => {
    await cache.putManifest(manifest("1"));
    const release = store.hold("putManifest");
    const push = cache.putManifest(manifest("2"));
    await digestByTag();
    store.reads = 0;

    await digestByTag();
    expect(store.reads).toBe(1);

    release();
    await push;
    await digestByTag();
    await digestByTag();
    expect(store.reads).toBe(2);
  });

  test("of two pushes of one tag, the end of the first does not make the second safe", async () => {
    const releaseFirst = store.hold("putManifest");
    const first = cache.putManifest(manifest("1"));
    await Promise.resolve();
    const firstReachedTheStore = await digestByTag();
    expect(firstReachedTheStore).toBe(manifest("1").digest);
    releaseFirst();
    const releaseSecond = store.hold("putManifest");
    const second = cache.putManifest(manifest("2"));
    await first;
    store.reads = 0;

    await digestByTag();
    await digestByTag();
    expect(store.reads).toBe(2);

    releaseSecond();
    await second;
    expect(await digestByTag()).toBe(manifest("2").digest);
  });

  test("a read that spans the deletion of a manifest is not remembered", async () => {
    const put = manifest("1");
    await cache.putManifest(put);
    const release = store.hold("findManifest");
    const early = digestByTag();
    await cache.deleteManifest({ repository: team, digest: put.digest, by: alice, at: 2 });
    release();

    expect(await early).toBe(put.digest);
    expect(await digestByTag()).toBeUndefined();
  });

  test("a change that fails forgets as well: nobody knows how far it came", async () => {
    await cache.putManifest(manifest("1"));
    await digestByTag();
    store.reads = 0;

    const preconditions = { ...manifest("2").preconditions, mayOverwriteTag: false };
    await cache.putManifest(manifest("2", { preconditions })).catch(() => undefined);

    expect(await digestByTag()).toBe(manifest("1").digest);
    expect(store.reads).toBe(1);
  });
});
