import { describe, expect, test } from "bun:test";
import { parseRepositoryName } from "../core/repository-name.ts";
import {
  alice,
  app,
  bytesOf,
  codeOf,
  imageText,
  type MemoryRegistry,
  memoryRegistry,
  pushManifest,
  tagged,
} from "../../test/registry/memory-registry.ts";

async function withRepositories(...names: readonly string[]): Promise<MemoryRegistry> {
  const registry = memoryRegistry({ sparseImages: true });
  const pushed = {
    reference: tagged("latest"),
    tags: [],
    contentType: undefined,
    bytes: bytesOf(imageText([])),
    mayOverwriteTag: true,
  };
  for (const name of names) await registry.manifests.put(parseRepositoryName(name), alice, pushed);
  return registry;
}

const everything = (): boolean => true;
const some = (name: string): boolean => ["b", "d", "e"].includes(name);

describe("the catalog", () => {
  test("has only what the asker may see, in whole pages", async () => {
    const registry = await withRepositories("a", "b", "c", "d", "e");

    const page = await registry.catalog.list({ limit: 2, last: undefined }, some);

    expect(page).toEqual({ entries: ["b", "d"].map(parseRepositoryName), more: true });
    expect(await registry.catalog.list({ limit: 2, last: "d" }, some)).toEqual({
      entries: [parseRepositoryName("e")],
      more: false,
    });
    expect((await registry.catalog.list({ limit: 3, last: undefined }, some)).more).toBe(false);
    expect((await registry.catalog.search("", 25, some)).map(String)).toEqual(["b", "d", "e"]);
  });

  test("LIST-06: has every repository once, in byte order", async () => {
    const registry = await withRepositories("ab", "a/b", "a", "a-b", "b");

    const page = await registry.catalog.list({ limit: 10, last: undefined }, everything);

    expect(page.entries.map(String)).toEqual(["a", "a-b", "a/b", "ab", "b"]);
    expect(page.more).toBe(false);
  });

  test("LIST-02: goes on behind any last, there or not", async () => {
    const registry = await withRepositories("a", "b", "d");

    expect((await registry.catalog.list({ limit: 1, last: "a" }, everything)).entries.map(String)).toEqual(["b"]);
    expect((await registry.catalog.list({ limit: 5, last: "c" }, everything)).entries.map(String)).toEqual(["d"]);
    expect((await registry.catalog.list({ limit: 5, last: "🙂" }, everything)).entries).toEqual([]);
  });

  test("is searched for a part of the name, in any case", async () => {
    const registry = await withRepositories("team/app", "team/api", "base");

    expect((await registry.catalog.search(" TEAM/A ", 25, everything)).map(String)).toEqual(["team/api", "team/app"]);
    expect((await registry.catalog.search("app", 25, everything)).map(String)).toEqual(["team/app"]);
    expect((await registry.catalog.search("", 2, everything)).map(String)).toEqual(["base", "team/api"]);
    expect(await registry.catalog.search("%", 25, everything)).toEqual([]);
  });
});

describe("the tags of a repository", () => {
  test("LIST-06: are complete, in byte order", async () => {
    const registry = memoryRegistry({ sparseImages: true });
    await pushManifest(registry, imageText([]), undefined, ["a", "_", "A", "1.0-a", "1.0.0", "1", "1.0"]);

    const page = await registry.tags.list(app, { limit: 100, last: undefined });

    expect(page.entries.map(String)).toEqual(["1", "1.0", "1.0-a", "1.0.0", "A", "_", "a"]);
  });

  test("LIST-01: none of them are asked for with n=0: an empty list, nothing more", async () => {
    const registry = memoryRegistry({ sparseImages: true });
    await pushManifest(registry, imageText([]), tagged("latest"));

    expect(await registry.tags.list(app, { limit: 0, last: undefined })).toEqual({ entries: [], more: false });
  });

  test("of a repository that does not exist: it is said", async () => {
    expect(await codeOf(memoryRegistry().tags.list(app, { limit: 1, last: undefined }))).toBe("NAME_UNKNOWN");
  });
});
