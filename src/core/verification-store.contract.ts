import { beforeEach, describe, expect, test } from "bun:test";
import { type Digest, digestOf } from "./digest.ts";
import type { ManifestPut, MetadataStore } from "./metadata-store.ts";
import type { PrincipalId } from "./principal.ts";
import type { Tag } from "./reference.ts";
import type { RepositoryName } from "./repository-name.ts";
import type { StoredBytes, StoredPosition, VerificationStore } from "./verification-store.ts";

/** A verification store under test, and the metadata store over the same content. */
export interface VerificationSetup {
  readonly metadata: MetadataStore;
  readonly verification: VerificationStore;
}

const team = "team/app" as RepositoryName;
const other = "other" as RepositoryName;
const by = "01ARZ3NDEKTSV4RRFFQ69G5FAV" as PrincipalId;
const latest = "latest" as Tag;
const at = 1_000_000_000_000;
const layerBytes = new TextEncoder().encode("a layer");
const configBytes = new TextEncoder().encode("a config");
const layer: StoredBytes = {
  kind: "blob",
  digest: digestOf(layerBytes),
  sizeBytes: layerBytes.byteLength,
  key: "sha256/ab/first",
};
const config: StoredBytes = {
  kind: "blob",
  digest: digestOf(configBytes),
  sizeBytes: configBytes.byteLength,
  key: undefined,
};
const document = new TextEncoder().encode("a manifest");
const image: StoredBytes = {
  kind: "manifest",
  digest: digestOf(document),
  sizeBytes: document.byteLength,
  key: undefined,
};

function inOrder(bytes: readonly StoredBytes[]): readonly Digest[] {
  return bytes.map(({ digest }) => digest).toSorted();
}

/** What every verification store promises. `make` answers empty stores. */
export function describeVerificationStore(make: () => Promise<VerificationSetup>): void {
  let { metadata, verification } = {} as VerificationSetup;

  function push(blob: StoredBytes, over: { repository?: RepositoryName; key?: string; at?: number } = {}) {
    const content =
      blob.key === undefined
        ? ({ kind: "inline", bytes: configBytes } as const)
        : ({ kind: "file", key: over.key ?? blob.key } as const);
    const { digest, sizeBytes } = blob;
    return metadata.commitBlob({
      repository: over.repository ?? team,
      blob: { digest, sizeBytes, content },
      uploadId: undefined,
      by,
      at: over.at ?? at,
    });
  }

  function putImage(tags: readonly Tag[] = [latest]): Promise<void> {
    const put: ManifestPut = {
      repository: team,
      digest: image.digest,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      bytes: document,
      blobs: [config, layer],
      manifests: [],
      subject: undefined,
      referrer: undefined,
      tags,
      preconditions: { mayCreateTag: true, mayOverwriteTag: true, blobsMustExist: true, manifestsMustExist: true },
      by,
      at,
    };
    return metadata.putManifest(put);
  }

  beforeEach(async () => {
    ({ metadata, verification } = await make());
    await push(layer);
    await push(config);
    await putImage();
  });

  describe("what is stored", () => {
    test("is listed once, whoever has it", async () => {
      await push(layer, { repository: other });
      const found: StoredBytes[] = [];
      let behind: StoredPosition | undefined;
      do {
        const page = await verification.listStored(behind, 2);
        found.push(...page.stored);
        behind = page.next;
      } while (behind !== undefined);

      expect(inOrder(found)).toEqual(inOrder([layer, config, image]));
      expect(found).toContainEqual(layer);
    });

    test("is due when it has not been verified for a while, the longest ago first", async () => {
      expect(await verification.listDue(at, 10)).toEqual([]);
      expect(inOrder(await verification.listDue(at + 1, 10))).toEqual(inOrder([layer, config, image]));

      await verification.noteGood([config, image], at + 5);

      expect(await verification.listDue(at + 5, 10)).toEqual([layer]);
      expect((await verification.facts()).oldestVerifiedAt).toBe(at);
      expect((await metadata.findBlob(team, config.digest))?.verifiedAt).toBe(at + 5);
    });

    test("of an image is what it leads to, and what it names that is not there", async () => {
      const found = await verification.listImage(team, { kind: "tag", tag: latest });
      expect(inOrder(found?.stored ?? [])).toEqual(inOrder([layer, config, image]));
      expect(found?.missing).toEqual([]);
      await metadata.deleteBlob({ repository: team, digest: layer.digest, by, at });
      const without = await verification.listImage(team, { kind: "digest", digest: image.digest });
      expect(without?.missing).toEqual([layer.digest]);
      expect(await verification.listImage(other, { kind: "tag", tag: latest })).toBeUndefined();
      expect(await verification.listImage(team, { kind: "tag", tag: "none" as Tag })).toBeUndefined();
    });

    test("in the database is hashed there", async () => {
      expect(await verification.checkRow(config)).toBe("good");
      expect(await verification.checkRow(image)).toBe("good");
      expect(await verification.checkRow({ ...image, digest: digestOf(layerBytes) })).toBe("gone");
    });
  });

  describe("what is in quarantine", () => {
    test("answers as if it were not there, to every repository, and is told with the images that need it", async () => {
      await push(layer, { repository: other });
      expect(await verification.quarantine(layer, at + 1)).toBe("new");
      expect(await verification.quarantine(layer, at + 2)).toBe("known");

      expect(await metadata.findBlob(team, layer.digest)).toBeUndefined();
      expect(await metadata.findBlob(other, layer.digest)).toBeUndefined();
      const mount = { repository: "third" as RepositoryName, from: other, digest: layer.digest, by, at };
      expect(await metadata.mountBlob(mount)).toBe(false);
      expect(await putImage().catch((error: unknown) => error)).toMatchObject({ code: "MANIFEST_BLOB_UNKNOWN" });
      expect(await verification.listQuarantined(10)).toEqual([
        { ...layer, damagedAt: at + 1, images: ["team/app:latest"] },
      ]);
      expect((await verification.facts()).damaged).toBe(1);
    });

    test("is healed by the next push of the same bytes, with a file of another generation", async () => {
      await verification.quarantine(layer, at + 1);

      expect(await push(layer, { repository: other, key: "sha256/ab/second", at: at + 2 })).toEqual({ kept: true });

      expect(await metadata.findBlob(team, layer.digest)).toMatchObject({
        content: { kind: "file", key: "sha256/ab/second" },
        verifiedAt: at + 2,
      });
      expect(await verification.facts()).toMatchObject({ damaged: 0 });
      // What somebody found out about the former file is nothing against this one.
      expect(await verification.quarantine(layer, at + 3)).toBe("gone");
      expect(await metadata.findBlob(team, layer.digest)).toBeDefined();
    });

    test("can be a manifest, or a blob in the database, and is healed in the same way", async () => {
      for (const bytes of [config, image]) await verification.quarantine(bytes, at + 1);
      expect(await metadata.findManifest(team, { kind: "tag", tag: latest })).toBeUndefined();
      expect(await metadata.findManifest(team, { kind: "digest", digest: image.digest })).toBeUndefined();
      expect(await metadata.findBlob(team, config.digest)).toBeUndefined();

      await push(config);
      await putImage([]);

      expect((await metadata.findManifest(team, { kind: "tag", tag: latest }))?.bytes).toEqual(document);
      expect(await metadata.findBlob(team, config.digest)).toBeDefined();
      expect(await verification.listQuarantined(10)).toEqual([]);
    });

    test("comes back when it turns out to be good", async () => {
      await verification.quarantine(layer, at + 1);
      await verification.noteGood([layer], at + 2);
      expect(await metadata.findBlob(team, layer.digest)).toMatchObject({ verifiedAt: at + 2 });
    });
  });

  test("an end that was not in good order is remembered until the next one", async () => {
    expect(await verification.noteStart(1)).toBeUndefined();
    await verification.noteStop();
    expect(await verification.noteStart(2)).toBeUndefined();
    expect(await verification.noteStart(3)).toBe(3);
    await verification.noteStop();
    expect(await verification.noteStart(4)).toBe(3);
  });
}
