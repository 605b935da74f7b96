import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { CollectionStore, CollectionTerms } from "./collection-store.ts";
import { type Digest, digestOf } from "./digest.ts";
import { leaseMs } from "./lease.ts";
import type { ManifestPut, MetadataStore } from "./metadata-store.ts";
import type { PrincipalId } from "./principal.ts";
import type { Tag } from "./reference.ts";
import type { RepositoryName } from "./repository-name.ts";

/** A collection store under test, and the metadata store over the same content. */
export interface CollectionSetup {
  readonly metadata: MetadataStore;
  readonly collection: CollectionStore;
}

const team = "team/app" as RepositoryName;
const other = "other" as RepositoryName;
const alice = "01ARZ3NDEKTSV4RRFFQ69G5FAV" as PrincipalId;
const latest = "latest" as Tag;
const begin = 1_000_000_000_000;
const dayMs = 86_400_000;

interface Layer {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

function layerOf(text: string): Layer {
  const bytes = new TextEncoder().encode(text);
  return { digest: digestOf(bytes), sizeBytes: bytes.byteLength };
}

function manifest(text: string, over: Partial<ManifestPut> = {}): ManifestPut {
  const bytes = new TextEncoder().encode(text);
  const preconditions = {
    mayCreateTag: true,
    mayOverwriteTag: true,
    blobsMustExist: false,
    manifestsMustExist: false,
  };
  return {
    repository: team,
    digest: digestOf(bytes),
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    bytes,
    blobs: [],
    manifests: [],
    subject: undefined,
    referrer: undefined,
    tags: [],
    preconditions,
    by: alice,
    at: begin,
    ...over,
  };
}

function childOf(put: ManifestPut): { readonly digest: Digest; readonly sizeBytes: number } {
  return { digest: put.digest, sizeBytes: put.bytes.byteLength };
}

/** Where what was deleted or orphaned 14 days before goes. */
function terms(at: number): CollectionTerms {
  return { at, trashedUntil: at - 14 * dayMs, orphanedUntil: at - 14 * dayMs };
}

/** What every collection store promises. `make` answers an empty one; closing the metadata store ends it. */
export function describeCollectionStore(make: () => Promise<CollectionSetup>): void {
  let metadata: MetadataStore;
  let collection: CollectionStore;

  beforeEach(async () => {
    ({ metadata, collection } = await make());
  });

  afterEach(() => metadata.close());

  async function push(text: string, at = begin, repository = team): Promise<Layer> {
    const layer = layerOf(text);
    const blob = { ...layer, content: { kind: "file", key: `key of ${text}` } } as const;
    await metadata.commitBlob({ repository, blob, uploadId: undefined, by: alice, at });
    return layer;
  }

  async function unneeded(at: number): Promise<readonly Digest[]> {
    return (await collection.listUnneeded(at, 100)).map(({ digest }) => digest);
  }

  /** One collection as the use case makes it; answers what it took. */
  async function collect(at: number, over: Partial<CollectionTerms> = {}) {
    const all = { ...terms(at), ...over };
    const expired = await collection.expireTrash(all, 100);
    const orphans = await collection.removeOrphans(await collection.listOrphans(all.orphanedUntil, 100), all);
    const { blobs, bytes } = await collection.claimBlobs(await collection.listUnneeded(at, 100), at);
    return { expired, orphans, blobs, bytes };
  }

  async function isThere(digest: Digest, repository = team): Promise<boolean> {
    return (await metadata.findManifest(repository, { kind: "digest", digest })) !== undefined;
  }

  describe("blobs that no manifest names", () => {
    test("are leased to who pushed them, and unneeded when that is over", async () => {
      const layer = await push("layer");

      expect((await metadata.findBlob(team, layer.digest))?.leasedUntil).toBe(begin + leaseMs);
      expect(await unneeded(begin + leaseMs - 1)).toEqual([]);
      expect(await unneeded(begin + leaseMs)).toEqual([layer.digest]);
    });

    test("are leased again by a push, a mount and a word of it when half of the lease is over", async () => {
      const layer = await push("layer");
      const later = begin + leaseMs * 0.6;
      const leasedUntil = async (): Promise<number | undefined> =>
        (await metadata.findBlob(other, layer.digest))?.leasedUntil;
      const mount = { repository: other, from: team, digest: layer.digest, by: alice };

      await metadata.mountBlob({ ...mount, at: begin });
      await metadata.mountBlob({ ...mount, at: begin + 1 });
      expect(await leasedUntil()).toBe(begin + leaseMs);
      await metadata.mountBlob({ ...mount, at: later });
      expect(await leasedUntil()).toBe(later + leaseMs);
      await push("layer", later * 2, other);
      expect(await leasedUntil()).toBe(later * 2 + leaseMs);
      expect(await metadata.leaseBlob(other, layer.digest, later * 3)).toBe(true);
      expect(await metadata.leaseBlob(other, layer.digest, 7)).toBe(true);
      expect(await leasedUntil()).toBe(later * 3);
      expect(await metadata.leaseBlob(other, layerOf("unknown").digest, 7)).toBe(false);
    });

    test("are gone with their last repository, and their files are to be unlinked", async () => {
      const layer = await push("layer");
      await push("layer", begin + dayMs, other);
      const stored = (await metadata.totals()).storedBytes;

      expect(await collect(begin + leaseMs)).toMatchObject({ blobs: 1, bytes: 0 });
      expect(await metadata.findBlob(team, layer.digest)).toBeUndefined();
      expect(await metadata.findBlob(other, layer.digest)).toBeDefined();
      expect(await collection.listUnlinks(9)).toEqual([]);
      expect(await collect(begin + 3 * leaseMs)).toMatchObject({ blobs: 1, bytes: layer.sizeBytes });

      expect(await metadata.findBlob(other, layer.digest)).toBeUndefined();
      expect(await collection.listUnlinks(9)).toEqual(["key of layer"]);
      expect((await metadata.totals()).storedBytes).toBe(stored - layer.sizeBytes);
      await collection.removeUnlinks(["key of layer"]);
      expect(await collection.listUnlinks(9)).toEqual([]);
    });

    test("stay when they are named, leased or gone between the list and the claim", async () => {
      const at = begin + leaseMs;
      const named = await push("named");
      const leased = await push("leased");
      const deleted = await push("deleted");
      const list = await collection.listUnneeded(at, 9);
      expect(list).toHaveLength(3);
      await metadata.putManifest(manifest("{}", { blobs: [named], at }));
      await metadata.leaseBlob(team, leased.digest, at + 1);
      await metadata.deleteBlob({ repository: team, digest: deleted.digest, by: alice, at });

      expect(await collection.claimBlobs(list, at)).toEqual({ blobs: 0, bytes: 0 });

      expect(await metadata.findBlob(team, named.digest)).toBeDefined();
      expect(await metadata.findBlob(team, leased.digest)).toBeDefined();
    });

    test("LEAK-07: come back with another file when they are pushed again, which the unlinking does not hit", async () => {
      const layer = await push("layer");
      await collect(begin + leaseMs);

      const blob = { ...layer, content: { kind: "file", key: "second key" } } as const;
      const commit = { repository: team, blob, uploadId: undefined, by: alice, at: begin + leaseMs };
      expect(await metadata.commitBlob(commit)).toEqual({ kept: true });

      expect(await metadata.findBlob(team, layer.digest)).toMatchObject({ content: { key: "second key" } });
      expect(await collection.listUnlinks(9)).toEqual(["key of layer"]);
    });
  });

  describe("blobs that a manifest names", () => {
    test("GC-01: are needed until the last reference is gone, and leased for a day then, in whatever order", async () => {
      const layer = await push("layer");
      const one = manifest("one", { blobs: [layer], tags: [latest] });
      const two = manifest("two", { blobs: [layer], tags: ["v2" as Tag] });
      await metadata.putManifest(one);
      await metadata.putManifest(two);
      expect((await metadata.findBlob(team, layer.digest))?.leasedUntil).toBeUndefined();

      await metadata.deleteManifest({ repository: team, digest: two.digest, by: alice, at: begin });
      await metadata.deleteManifest({ repository: team, digest: one.digest, by: alice, at: begin + dayMs });
      expect(await collect(begin + 14 * dayMs)).toMatchObject({ expired: 1, blobs: 0 });
      expect((await metadata.findBlob(team, layer.digest))?.leasedUntil).toBeUndefined();
      const end = begin + 15 * dayMs;
      expect(await collect(end)).toMatchObject({ expired: 1, blobs: 0 });

      expect((await metadata.findBlob(team, layer.digest))?.leasedUntil).toBe(end + leaseMs);
      expect(await collect(end + leaseMs - 1)).toMatchObject({ blobs: 0 });
      expect(await collect(end + leaseMs)).toMatchObject({ blobs: 1, bytes: layer.sizeBytes });
    });

    test("are needed by manifests that named them before they came", async () => {
      const layer = layerOf("layer");
      await metadata.putManifest(manifest("one", { blobs: [layer] }));

      await push("layer");

      expect(await unneeded(begin + 10 * leaseMs)).toEqual([]);
    });

    test("stay deleted in their repository for as long as the trash keeps them, and come back with a push", async () => {
      const layer = await push("layer");
      const put = manifest("one", { blobs: [layer] });
      await metadata.putManifest(put);
      await metadata.deleteBlob({ repository: team, digest: layer.digest, by: alice, at: begin });

      expect(await collection.listExpired(begin, 9)).toMatchObject([{ kind: "blob", digest: layer.digest }]);
      expect(await collect(begin + 13 * dayMs)).toMatchObject({ expired: 0 });
      await push("layer", begin + 13 * dayMs);
      expect(await collect(begin + 14 * dayMs)).toMatchObject({ expired: 0, blobs: 0 });
      expect((await metadata.findBlob(team, layer.digest))?.leasedUntil).toBeUndefined();
      await metadata.deleteBlob({ repository: team, digest: layer.digest, by: alice, at: begin + 20 * dayMs });
      expect(await collect(begin + 34 * dayMs)).toMatchObject({ expired: 1 });

      expect(await collection.listUnlinks(9)).toEqual(["key of layer"]);
    });
  });

  describe("manifests", () => {
    test("that lost their last tag are orphaned, unless something else names them", async () => {
      const one = manifest("one", { tags: [latest, "v1" as Tag] });
      const two = manifest("two", { tags: [latest], at: begin + 1 });
      await metadata.putManifest(one);
      await metadata.putManifest(two);
      expect(await collection.listOrphans(Infinity, 9)).toEqual([]);

      await metadata.deleteTag({ repository: team, tag: "v1" as Tag, by: alice, at: begin + 2 });

      expect(await collection.listOrphans(Infinity, 9)).toMatchObject([{ digest: one.digest, orphanedAt: begin + 2 }]);
      await metadata.putManifest({ ...one, tags: [], at: begin + 3 });
      expect(await collection.listOrphans(Infinity, 9)).toEqual([]);
    });

    test("that never had a tag are nobody's leftover", async () => {
      const put = manifest("one");
      await metadata.putManifest(put);

      await collect(begin + 1000 * dayMs);

      expect(await isThere(put.digest)).toBe(true);
    });

    test("go when they have been orphaned for long enough, and nobody was told of them since", async () => {
      const layer = await push("layer");
      const one = manifest("one", { tags: [latest], blobs: [layer] });
      await metadata.putManifest(one);
      await metadata.deleteTag({ repository: team, tag: latest, by: alice, at: begin });
      expect(await metadata.touchManifest(team, one.digest, begin + dayMs)).toBe(true);
      const record = await metadata.findManifest(team, { kind: "digest", digest: one.digest });
      expect(record?.orphanedAt).toBe(begin + dayMs);

      expect(await collect(begin + 14 * dayMs)).toMatchObject({ orphans: 0 });
      expect(await collect(begin + 15 * dayMs)).toMatchObject({ orphans: 1 });

      expect(await isThere(one.digest)).toBe(false);
      expect(await metadata.touchManifest(team, one.digest, begin + dayMs)).toBe(false);
      expect(await unneeded(begin + 16 * dayMs)).toEqual([layer.digest]);
      expect((await metadata.totals()).manifests).toBe(0);
    });

    test("of an index stay with it, in the trash too, and are orphaned when it goes", async () => {
      const child = manifest("child");
      const index = manifest("index", { manifests: [childOf(child)], tags: [latest] });
      await metadata.putManifest(child);
      await metadata.putManifest(index);
      await metadata.deleteTag({ repository: team, tag: latest, by: alice, at: begin });
      expect(await collection.listOrphans(Infinity, 9)).toMatchObject([{ digest: index.digest }]);

      const end = begin + 14 * dayMs;
      expect(await collect(end)).toMatchObject({ orphans: 1 });
      expect(await isThere(child.digest)).toBe(true);
      expect(await collect(end + dayMs - 1)).toMatchObject({ orphans: 0 });
      expect(await collect(end + dayMs)).toMatchObject({ orphans: 1 });
      expect(await isThere(child.digest)).toBe(false);
    });

    test("that something in the trash needs on its return stay for so long", async () => {
      const child = manifest("child");
      const index = manifest("index", { manifests: [childOf(child)], tags: [latest] });
      await metadata.putManifest(child);
      await metadata.putManifest(index);
      await metadata.deleteManifest({ repository: team, digest: index.digest, by: alice, at: begin });
      const list = await collection.listOrphans(Infinity, 9);
      expect(list).toMatchObject([{ digest: child.digest, orphanedAt: begin }]);

      const all = { ...terms(begin + dayMs), orphanedUntil: begin };
      expect(await collection.removeOrphans(list, all)).toBe(0);

      expect(await isThere(child.digest)).toBe(true);
      expect(await collection.listOrphans(Infinity, 9)).toMatchObject([{ orphanedAt: begin + dayMs }]);
    });

    test("GC-04: that are about another one go with it, unless they are kept or have a name of their own", async () => {
      const subject = manifest("subject", { tags: [latest] });
      const signature = manifest("signature", { subject: subject.digest });
      const ofSignature = manifest("of signature", { subject: signature.digest });
      const tagged = manifest("tagged", { subject: subject.digest, tags: ["signed" as Tag] });
      for (const put of [signature, ofSignature, tagged, subject]) await metadata.putManifest(put);

      const change = { repository: team, digest: subject.digest, by: alice, at: begin };
      await metadata.deleteManifest({ ...change, keepsReferrers: true });
      expect(await isThere(signature.digest)).toBe(true);
      expect(await collect(begin + 20 * dayMs)).toMatchObject({ expired: 1, orphans: 0 });
      await metadata.putManifest(subject);
      await metadata.deleteManifest(change);

      expect(await isThere(signature.digest)).toBe(false);
      expect(await isThere(ofSignature.digest)).toBe(false);
      expect(await isThere(tagged.digest)).toBe(true);
      expect(await collection.listExpired(begin, 9)).toHaveLength(3);
      expect(await collect(begin + 20 * dayMs)).toMatchObject({ expired: 3 });
      expect(await isThere(tagged.digest)).toBe(true);
    });

    test("GC-04: about an orphan go a day after it; those whose subject never came stay", async () => {
      const subject = manifest("subject", { tags: [latest] });
      const signature = manifest("signature", { subject: subject.digest });
      const early = manifest("early", { subject: layerOf("never pushed").digest });
      for (const put of [signature, early, subject]) await metadata.putManifest(put);
      await metadata.deleteTag({ repository: team, tag: latest, by: alice, at: begin });

      expect(await collect(begin + 14 * dayMs)).toMatchObject({ orphans: 1 });
      expect(await collect(begin + 15 * dayMs)).toMatchObject({ orphans: 1 });

      expect(await isThere(signature.digest)).toBe(false);
      expect(await isThere(early.digest)).toBe(true);
    });
  });

  test("a repository is gone when nothing is in it and nothing happened in it for long", async () => {
    const put = manifest("one", { tags: [latest] });
    await metadata.putManifest(put);
    await metadata.deleteManifest({ repository: team, digest: put.digest, by: alice, at: begin + 1 });
    await collect(begin + 14 * dayMs);
    expect(await collection.removeEmptyRepositories(begin, 9)).toBe(0);
    await collect(begin + 15 * dayMs);
    expect(await collection.removeEmptyRepositories(begin, 9)).toBe(0);

    expect(await collection.removeEmptyRepositories(begin + 1, 9)).toBe(1);

    expect(await metadata.tagHistory(team, undefined, 9)).toEqual([]);
    expect((await metadata.totals()).storedBytes).toBe(0);
  });

  test("what keeps each byte is told, each once", async () => {
    const layers = await Promise.all(["live", "trashed", "leased one", "unneeded blob"].map((text) => push(text)));
    const [live, trashed, leased] = layers;
    if (live === undefined || trashed === undefined || leased === undefined) throw new Error("no layers");
    await metadata.putManifest(manifest("{}", { blobs: [live] }));
    const gone = manifest("[]", { blobs: [live, trashed] });
    await metadata.putManifest(gone);
    await metadata.deleteManifest({ repository: team, digest: gone.digest, by: alice, at: begin });
    await metadata.leaseBlob(team, leased.digest, begin + 9 * leaseMs);

    const use = await collection.storageUse(begin + leaseMs);

    expect(use).toEqual({
      liveBytes: live.sizeBytes + 2,
      trashBytes: trashed.sizeBytes + 2,
      leasedBytes: leased.sizeBytes,
      unneededBytes: 13,
      unlinkBytes: 0,
      trashedManifests: 1,
      orphanedManifests: 0,
      unlinks: 0,
    });
    await collect(begin + leaseMs);
    expect(await collection.storageUse(begin + leaseMs)).toMatchObject({
      unneededBytes: 0,
      unlinkBytes: 13,
      unlinks: 1,
    });
  });
}
