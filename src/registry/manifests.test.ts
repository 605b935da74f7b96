import { describe, expect, test } from "bun:test";
import { mediaTypes } from "../core/media-type.ts";
import { parseTag } from "../core/reference.ts";
import {
  alice,
  app,
  byDigest,
  bytesOf,
  codeOf,
  descriptorOf,
  digestOfText,
  imageText,
  indexText,
  type MemoryRegistry,
  memoryRegistry,
  other,
  pushBlob,
  pushManifest,
  refusalOf,
  tagged,
} from "../../test/registry/memory-registry.ts";

async function withBlobs(...texts: readonly string[]): Promise<MemoryRegistry> {
  const registry = memoryRegistry();
  for (const text of ["{}", ...texts]) await pushBlob(registry, text);
  return registry;
}

describe("a pushed manifest", () => {
  test("is served byte for byte, by its tag and by its digest", async () => {
    const registry = await withBlobs("layer");
    const text = `${imageText(["layer"])}  \n`;

    const stored = await pushManifest(registry, text, tagged("latest"));

    expect(stored).toEqual({ digest: digestOfText(text), subject: undefined, tags: [parseTag("latest")] });
    for (const reference of [tagged("latest"), byDigest(stored.digest)]) {
      const record = await registry.manifests.find(app, reference);
      expect(record).toEqual({ digest: stored.digest, mediaType: mediaTypes.ociManifest, bytes: bytesOf(text) });
    }
  });

  test("sets several tags at once, each named once in the answer", async () => {
    const registry = await withBlobs();
    const text = imageText([]);

    const byDigestOnly = await pushManifest(registry, text, byDigest(digestOfText(text)), ["a", "b", "a"]);
    const byTagToo = await pushManifest(registry, text, tagged("c"), ["c", "d"]);

    expect(byDigestOnly.tags.map(String)).toEqual(["a", "b"]);
    expect(byTagToo.tags.map(String)).toEqual(["c", "d"]);
    const page = await registry.tags.list(app, { limit: 10, last: undefined });
    expect(page.entries.map(String)).toEqual(["a", "b", "c", "d"]);
  });

  test("sets at most 64 tags: with more, nothing is stored", async () => {
    const registry = await withBlobs();
    const many = Array.from({ length: 65 }, (_, at) => `t${at}`);

    const refusal = await refusalOf(pushManifest(registry, imageText([]), undefined, many));

    expect(refusal.code).toBe("TAG_INVALID");
    expect(refusal.message).toBe("a push may set 64 tags at once, this one has 65");
    expect((await registry.catalog.list({ limit: 10, last: undefined }, () => true)).entries).toEqual([]);
  });

  test("whose blob is missing is refused: the answer names it and says what to do", async () => {
    const registry = await withBlobs("layer");
    const missing = digestOfText("missing");

    const refusal = await refusalOf(pushManifest(registry, imageText(["layer", "missing"]), tagged("latest")));

    expect(refusal.code).toBe("MANIFEST_BLOB_UNKNOWN");
    expect(refusal.message).toContain(missing);
    expect(refusal.message).toContain("push it first");
    expect(await codeOf(registry.manifests.find(app, tagged("latest")))).toBe("MANIFEST_UNKNOWN");
  });

  test("needs its blobs in its own repository: those of another one do not count", async () => {
    const registry = memoryRegistry();
    await pushBlob(registry, "{}", other);

    expect(await codeOf(pushManifest(registry, imageText([])))).toBe("MANIFEST_BLOB_UNKNOWN");
  });

  test("may name missing blobs where the setting allows it", async () => {
    const registry = memoryRegistry({ sparseImages: true });

    expect((await pushManifest(registry, imageText(["missing"]))).digest).toBe(digestOfText(imageText(["missing"])));
  });

  test("an index may name manifests that are not there, unless the setting forbids it", async () => {
    const text = indexText([descriptorOf("absent", mediaTypes.ociManifest)]);

    expect((await pushManifest(memoryRegistry(), text)).digest).toBe(digestOfText(text));
    expect(await codeOf(pushManifest(memoryRegistry({ sparseIndexes: false }), text))).toBe("MANIFEST_BLOB_UNKNOWN");
  });

  test("with a subject answers it, whether the subject is there or not", async () => {
    const registry = await withBlobs();
    const subject = descriptorOf("absent", mediaTypes.ociManifest);

    expect((await pushManifest(registry, imageText([], { subject }))).subject).toBe(subject.digest);
  });

  test("is refused while the disk is nearly full", async () => {
    const registry = await withBlobs();
    registry.clock.advance(1000);
    registry.disk.space = { freeBytes: 1, totalBytes: 100 };

    expect(await codeOf(pushManifest(registry, imageText([])))).toBe("DENIED");
  });

  test("of schema 1 is refused with the Docker that is needed", async () => {
    const refusal = await refusalOf(pushManifest(memoryRegistry(), '{"schemaVersion":1,"fsLayers":[]}', tagged("a")));

    expect(refusal.message).toContain("Docker 1.10 or later");
  });
});

describe("MAN-03: names that mean something to JavaScript", () => {
  test.each(["__proto__", "constructor", "toString"])(
    "%s is a tag and a repository's segment like any other",
    async (name) => {
      const registry = await withBlobs();
      await pushManifest(registry, imageText([], { annotations: { [name]: "x" } }), tagged(name));

      const page = await registry.tags.list(app, { limit: 10, last: undefined });

      expect(page.entries.map(String)).toEqual([name]);
      expect(({} as { x?: unknown }).x).toBeUndefined();
    },
  );
});

describe("MAN-04: a size that is not the stored blob's", () => {
  test("is refused", async () => {
    const registry = await withBlobs("layer");
    const text = imageText([], { layers: [{ ...descriptorOf("layer"), size: 6 }] });

    expect(await codeOf(pushManifest(registry, text))).toBe("SIZE_INVALID");
  });
});

describe("MAN-07: the same layer 1,000 times", () => {
  test("is stored", async () => {
    const registry = await withBlobs("layer");
    const text = imageText(Array.from({ length: 1000 }, () => "layer"));

    expect((await pushManifest(registry, text)).digest).toBe(digestOfText(text));
  });
});

describe("MAN-08: 40 levels of indexes, each naming the next one twice", () => {
  test("are stored, listed and deleted one by one: nothing walks the tree", async () => {
    const registry = memoryRegistry();
    let text = indexText([]);
    for (let level = 0; level < 40; level++) {
      await pushManifest(registry, text, tagged(`level-${level}`));
      const child = descriptorOf(text, mediaTypes.ociIndex);
      text = indexText([child, child], { annotations: { level: String(level) } });
    }

    expect((await registry.tags.list(app, { limit: 100, last: undefined })).entries).toHaveLength(40);
    await registry.manifests.delete(app, tagged("level-39"), alice);
    expect((await registry.tags.list(app, { limit: 100, last: undefined })).entries).toHaveLength(39);
  });
});

describe("MAN-09: a non-distributable layer", () => {
  test("is accepted without its blob, its urls served as they came", async () => {
    const registry = await withBlobs();
    const foreign = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
    const layer = { ...descriptorOf("far", foreign), urls: ["http://169.254.169.254/"] };
    const text = imageText([], { layers: [layer] });

    const { digest } = await pushManifest(registry, text);

    expect((await registry.manifests.find(app, byDigest(digest))).bytes).toEqual(bytesOf(text));
  });
});

describe("MAN-11: an index of 4,096 absent children", () => {
  test("is accepted as a sparse copy", async () => {
    const children = Array.from({ length: 4096 }, (_, at) => descriptorOf(`c${at}`, mediaTypes.ociManifest));

    expect((await pushManifest(memoryRegistry(), indexText(children))).subject).toBeUndefined();
  });
});

describe("MAN-12: a push by digest", () => {
  const text = imageText([]);
  test.each<[string, string]>([
    ["other bytes", "no manifest at all"],
    ["trailing spaces", `${text}  `],
    ["the same document written differently", JSON.stringify(JSON.parse(text), undefined, 2)],
  ])("of %s is refused", async (_what, sent) => {
    const registry = await withBlobs();

    const refusal = await refusalOf(pushManifest(registry, sent, byDigest(digestOfText(text))));

    expect(refusal.code).toBe("DIGEST_INVALID");
    expect(refusal.message).toContain(digestOfText(sent));
  });
});

describe("MAN-13: the same bytes under sha256 and sha512", () => {
  const text = imageText([]);
  const sha512 = byDigest(digestOfText(text, "sha512"));

  test("are two manifests: deleting one leaves the other, and its tags", async () => {
    const registry = await withBlobs();
    await pushManifest(registry, text, tagged("first"));
    await pushManifest(registry, text, sha512, ["second", "moved"]);
    await pushManifest(registry, text, tagged("moved"));

    await registry.manifests.delete(app, sha512, alice);

    expect((await registry.manifests.find(app, tagged("moved"))).digest).toBe(digestOfText(text));
    expect((await registry.manifests.find(app, tagged("first"))).digest).toBe(digestOfText(text));
    expect(await codeOf(registry.manifests.find(app, tagged("second")))).toBe("MANIFEST_UNKNOWN");
    expect(await codeOf(registry.manifests.find(app, sha512))).toBe("MANIFEST_UNKNOWN");
  });
});

describe("deleting", () => {
  test("a tag leaves the manifest and its other tags", async () => {
    const registry = await withBlobs();
    const { digest } = await pushManifest(registry, imageText([]), tagged("one"), ["two"]);

    await registry.manifests.delete(app, tagged("one"), alice);

    expect(await codeOf(registry.manifests.find(app, tagged("one")))).toBe("MANIFEST_UNKNOWN");
    expect((await registry.manifests.find(app, tagged("two"))).digest).toBe(digest);
    expect((await registry.manifests.find(app, byDigest(digest))).digest).toBe(digest);
  });

  test("a manifest takes all its tags with it", async () => {
    const registry = await withBlobs();
    const { digest } = await pushManifest(registry, imageText([]), tagged("one"), ["two"]);

    await registry.manifests.delete(app, byDigest(digest), alice);

    for (const reference of [tagged("one"), tagged("two"), byDigest(digest)]) {
      expect(await codeOf(registry.manifests.find(app, reference))).toBe("MANIFEST_UNKNOWN");
    }
  });

  test("what is not there says so", async () => {
    const registry = memoryRegistry();

    const refusal = await refusalOf(registry.manifests.delete(app, tagged("none"), alice));
    expect(`${refusal.code} ${refusal.message}`).toBe("MANIFEST_UNKNOWN this repository has no tag none");
    expect(await codeOf(registry.manifests.delete(app, byDigest(digestOfText("x")), alice))).toBe("MANIFEST_UNKNOWN");
  });
});
