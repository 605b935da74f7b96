import { describe, expect, test } from "bun:test";
import type { Digest } from "../core/digest.ts";
import { mediaTypes } from "../core/media-type.ts";
import { referrersTag } from "../core/referrers.ts";
import {
  alice,
  app,
  byDigest,
  bytesOf,
  descriptorOf,
  digestOfText,
  imageText,
  indexText,
  type MemoryRegistry,
  memoryRegistry,
  other,
  pushManifest,
} from "../../test/registry/memory-registry.ts";

const subject = descriptorOf("the subject", mediaTypes.ociManifest);
const configType = "application/vnd.oci.image.config.v1+json";

interface Entry {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: object;
}

interface Listed {
  readonly entries: readonly Entry[];
  readonly digests: readonly Digest[];
  readonly next: string | undefined;
  readonly sizeBytes: number;
}

const wholeList = { limit: 1000, last: undefined };

async function list(
  registry: MemoryRegistry,
  artifactType?: string,
  page: { limit: number; last: string | undefined } = wholeList,
): Promise<Listed> {
  const { index, next } = await registry.referrers.list(app, subject.digest, artifactType, page);
  const { manifests } = JSON.parse(new TextDecoder().decode(index)) as { manifests: readonly Entry[] };
  return { entries: manifests, digests: manifests.map(({ digest }) => digest), next, sizeBytes: index.length };
}

/** Follows `next` to the end. */
async function walk(registry: MemoryRegistry, limit: number, artifactType?: string): Promise<readonly Listed[]> {
  const pages = [await list(registry, artifactType, { limit, last: undefined })];
  for (let next = pages[0]?.next; next !== undefined; next = pages.at(-1)?.next) {
    pages.push(await list(registry, artifactType, { limit, last: next }));
  }
  return pages;
}

function sparse(limits: object = {}): MemoryRegistry {
  return memoryRegistry({ sparseImages: true, ...limits });
}

/** An image that names the subject; its text. */
function referrer(name: string, more: object = {}): string {
  return imageText([], { subject, annotations: { name }, ...more });
}

function sorted(texts: readonly string[]): readonly Digest[] {
  return texts.map((text) => digestOfText(text)).toSorted();
}

describe("the referrers of a manifest (distribution specification, Listing Referrers)", () => {
  test("are an empty index where there are none, in a repository that does not exist too", async () => {
    const { index, next } = await sparse().referrers.list(other, subject.digest, undefined, wholeList);

    expect(new TextDecoder().decode(index)).toBe(
      `{"schemaVersion":2,"mediaType":"${mediaTypes.ociIndex}","manifests":[]}`,
    );
    expect(next).toBeUndefined();
  });

  test("carry media type, size, artifact type and annotations", async () => {
    const registry = sparse();
    const image = referrer("image");
    const artifact = referrer("artifact", { artifactType: "application/sbom" });
    const index = indexText([], { subject });
    for (const text of [image, artifact, index]) await pushManifest(registry, text);

    const { entries } = await list(registry);

    const base = { mediaType: mediaTypes.ociManifest, size: 0 };
    expect(entries.toSorted((one, two) => one.size - two.size)).toEqual([
      { ...base, mediaType: mediaTypes.ociIndex, digest: digestOfText(index), size: bytesOf(index).length },
      {
        ...base,
        digest: digestOfText(image),
        size: image.length,
        artifactType: configType,
        annotations: { name: "image" },
      },
      {
        ...base,
        digest: digestOfText(artifact),
        size: artifact.length,
        artifactType: "application/sbom",
        annotations: { name: "artifact" },
      },
    ]);
  });

  test("are those of this repository, and gone when they are deleted", async () => {
    const registry = sparse();
    const { digest } = await pushManifest(registry, referrer("one"));
    const elsewhere = {
      reference: byDigest(digestOfText(referrer("two"))),
      tags: [],
      contentType: undefined,
      mayOverwriteTag: true,
    };
    await registry.manifests.put(other, alice, { ...elsewhere, bytes: bytesOf(referrer("two")) });

    expect((await list(registry)).digests).toEqual([digest]);
    await registry.manifests.delete(app, byDigest(digest), alice);
    expect((await list(registry)).digests).toEqual([]);
  });

  test("REF-04: are filtered by equality of the artifact type, whatever it looks like", async () => {
    const registry = sparse();
    const wanted = referrer("one", { artifactType: "application/a.b" });
    for (const text of [wanted, referrer("two", { artifactType: "application/axb" })])
      await pushManifest(registry, text);

    expect((await list(registry, "application/a.b")).digests).toEqual([digestOfText(wanted)]);
    expect((await list(registry, "application/.*")).digests).toEqual([]);
    expect((await list(registry, "application/%")).digests).toEqual([]);
    expect((await list(registry, "x".repeat(1024 * 1024))).digests).toEqual([]);
  });

  test("REF-04: a forged last is a place in the byte order like any other", async () => {
    const registry = sparse();
    const { digest } = await pushManifest(registry, referrer("one"));

    expect((await list(registry, undefined, { limit: 10, last: "nonsense" })).digests).toEqual([digest]);
    expect((await list(registry, undefined, { limit: 10, last: "sha256:~" })).digests).toEqual([]);
  });
});

describe("pages of referrers", () => {
  test("REF-01: have the entries that were asked for, each once, in byte order, to the end", async () => {
    const registry = sparse();
    const texts = Array.from({ length: 150 }, (_, at) => referrer(`r${at}`));
    for (const text of texts) await pushManifest(registry, text);

    const pages = await walk(registry, 40);

    expect(pages.map((page) => page.digests.length)).toEqual([40, 40, 40, 30]);
    expect(pages.flatMap((page) => page.digests)).toEqual([...sorted(texts)]);
  });

  test("REF-02: are bounded in bytes", async () => {
    const referrersPageBytes = 10_000;
    const registry = sparse({ referrersPageBytes });
    const texts = Array.from({ length: 40 }, (_, at) =>
      referrer(`r${at}`, { annotations: { at: `${at}`.padEnd(1500, "x") } }),
    );
    for (const text of texts) await pushManifest(registry, text);

    const pages = await walk(registry, 1000);

    expect(pages.flatMap((page) => page.digests)).toEqual([...sorted(texts)]);
    for (const page of pages) expect(page.sizeBytes).toBeLessThan(referrersPageBytes + 200);
  });

  test("REF-02: the store is asked for few at a time, so that few with large annotations are in memory", async () => {
    const limits: number[] = [];
    const registry = memoryRegistry({ sparseImages: true }, ({ metadata }) => {
      const ask = metadata.listReferrers.bind(metadata);
      metadata.listReferrers = (repository, digest, artifactType, page) => {
        limits.push(page.limit);
        return ask(repository, digest, artifactType, page);
      };
      return {};
    });
    for (let at = 0; at < 30; at++) await pushManifest(registry, referrer(`r${at}`));

    await list(registry);

    expect(limits).toEqual([8, 16, 32]);
  });

  test("of nothing have nothing and no next", async () => {
    const registry = sparse();
    await pushManifest(registry, referrer("one"));

    expect(await list(registry, undefined, { limit: 0, last: undefined })).toMatchObject({
      digests: [],
      next: undefined,
    });
  });
});

/** Pushes manifests without a subject, and the clients' list of them. */
async function pushList(
  registry: MemoryRegistry,
  texts: readonly string[],
  more: readonly object[] = [],
): Promise<void> {
  for (const text of texts) await pushManifest(registry, text);
  const entries = texts.map((text) => ({
    ...descriptorOf(text, mediaTypes.ociManifest),
    artifactType: "application/claimed",
  }));
  await pushManifest(registry, indexText([...entries, ...more]), undefined, [referrersTag(subject.digest)]);
}

function plain(name: string): string {
  return imageText([], { annotations: { name } });
}

describe("a referrers list that clients keep under a tag (distribution specification, Enabling the Referrers API)", () => {
  test("is merged with the registry's own, without duplicates, in byte order", async () => {
    const registry = sparse();
    const own = [referrer("one"), referrer("two")];
    for (const text of own) await pushManifest(registry, text);
    await pushList(registry, [plain("three"), ...own, plain("four")]);

    expect((await list(registry)).digests).toEqual([...sorted([...own, plain("three"), plain("four")])]);
  });

  test("shows what the manifest says of itself, not what the list claims", async () => {
    const registry = sparse();
    await pushList(registry, [plain("one")]);

    const { entries } = await list(registry);

    expect(entries).toMatchObject([
      { artifactType: configType, annotations: { name: "one" }, size: plain("one").length },
    ]);
    expect((await list(registry, "application/claimed")).digests).toEqual([]);
    expect((await list(registry, configType)).digests).toHaveLength(1);
  });

  test("adds nothing that is not in this repository, and nothing that names another subject", async () => {
    const registry = sparse();
    const elsewhere = imageText([], { subject: descriptorOf("another", mediaTypes.ociManifest) });
    await pushList(registry, [elsewhere], [descriptorOf("absent", mediaTypes.ociManifest)]);

    expect((await list(registry)).digests).toEqual([]);
  });

  test("counts only as an image index", async () => {
    const registry = sparse();
    await pushManifest(registry, plain("one"), undefined, [referrersTag(subject.digest)]);

    expect((await list(registry)).digests).toEqual([]);
  });

  test("is paged together with the registry's own, in entries and in bytes", async () => {
    const registry = sparse({ referrersPageBytes: 3000 });
    const own = Array.from({ length: 25 }, (_, at) => referrer(`own ${at}`));
    // Larger than what is shown of them: what a page costs to make is bounded too.
    const layers = Array.from({ length: 12 }, (_, at) => `layer ${at}`);
    const claimed = Array.from({ length: 25 }, (_, at) => imageText(layers, { annotations: { name: `${at}` } }));
    for (const text of own) await pushManifest(registry, text);
    await pushList(registry, claimed);

    for (const limit of [1, 7, 1000]) {
      const pages = await walk(registry, limit);
      expect(pages.flatMap((page) => page.digests)).toEqual([...sorted([...own, ...claimed])]);
      for (const page of pages) expect(page.digests.length).toBeLessThanOrEqual(limit);
    }
    expect((await walk(registry, 1000, "application/none")).flatMap((page) => page.digests)).toEqual([]);
  });
});
