import { describe, expect, test } from "bun:test";
import { digestOf } from "../../src/core/digest.ts";
import { mediaTypes } from "../../src/core/media-type.ts";
import { errorCode, pushImage } from "./content.ts";
import { makeRegistry, type TestRegistry } from "./registry.ts";

const subject = digestOf(new Uint8Array(1));
const lists = ["/v2/_catalog", "/v2/a/tags/list", `/v2/a/referrers/${subject}`];

/** Follows `Link` to the end and answers the entries of every page. */
async function walk(
  registry: TestRegistry,
  path: string,
  key: "tags" | "repositories" | "manifests",
): Promise<unknown[][]> {
  const pages: unknown[][] = [];
  for (let at: string | undefined = path; at !== undefined;) {
    const answer: Response = await registry.call("GET", at);
    expect(answer.status).toBe(200);
    pages.push(((await answer.json()) as Record<string, unknown[]>)[key] ?? []);
    at = /^<(\/v2\/[^>]+)>; rel="next"$/.exec(answer.headers.get("link") ?? "")?.[1];
  }
  return pages;
}

async function registryWithTags(...tags: string[]): Promise<TestRegistry> {
  const registry = makeRegistry();
  for (const tag of tags) await pushImage(registry, "a", tag);
  return registry;
}

describe("LIST-01: n", () => {
  test.each(["-1", "1e3", "x", "1.5", "0x10", "+1", "%201", "", "9".repeat(30)])("of %p is refused", async (n) => {
    const registry = await registryWithTags("v1");

    for (const path of lists) {
      const answer = await registry.call("GET", `${path}?n=${n}`);
      expect(answer.status).toBe(400);
      expect(await errorCode(answer)).toBe("PAGINATION_NUMBER_INVALID");
    }
  });

  test("twice is refused", async () => {
    for (const path of lists) {
      const answer = await (await registryWithTags("v1")).call("GET", `${path}?n=1&n=2`);
      expect(await errorCode(answer)).toBe("PAGINATION_NUMBER_INVALID");
    }
  });

  test.each(["1000000000000", "9223372036854775808"])("of %s is cut to the largest page", async (n) => {
    const registry = await registryWithTags("v1", "v2");

    const answer = await registry.call("GET", `/v2/a/tags/list?n=${n}`);

    expect(await answer.json()).toEqual({ name: "a", tags: ["v1", "v2"] });
    expect(answer.headers.get("link")).toBeNull();
  });

  test("of 0 answers nothing, and no Link", async () => {
    const registry = await registryWithTags("v1");

    for (const path of lists) {
      const answer = await registry.call("GET", `${path}?n=0`);
      expect(answer.status).toBe(200);
      expect(answer.headers.get("link")).toBeNull();
    }
    expect(await (await registry.call("GET", "/v2/a/tags/list?n=0")).json()).toEqual({ name: "a", tags: [] });
  });
});

describe("LIST-02: last", () => {
  test("that no list has is a place in byte order", async () => {
    const registry = await registryWithTags("a", "c", "e");

    const answer = await registry.call("GET", "/v2/a/tags/list?last=b");

    expect(await answer.json()).toEqual({ name: "a", tags: ["c", "e"] });
  });

  test.each(["%00", "%0a", "%C3%A9", "x".repeat(10_240), "a%20b"])("of %.20p is refused", async (last) => {
    const registry = await registryWithTags("v1");

    for (const path of lists) expect((await registry.call("GET", `${path}?last=${last}`)).status).toBe(400);
  });
});

describe("LIST-05: the Link", () => {
  test("is path-only and leads on, whatever Host says", async () => {
    const registry = await registryWithTags("a", "b", "c");

    const answer = await registry.call("GET", "/v2/a/tags/list?n=2", { headers: { "x-forwarded-host": "evil" } });

    expect(answer.headers.get("link")).toBe('</v2/a/tags/list?n=2&last=b>; rel="next"');
    expect(await walk(registry, "/v2/a/tags/list?n=2", "tags")).toEqual([["a", "b"], ["c"]]);
  });

  test("is there when an exact page has more behind it, and only then", async () => {
    const registry = await registryWithTags("a", "b", "c", "d");

    expect(await walk(registry, "/v2/a/tags/list?n=2", "tags")).toEqual([
      ["a", "b"],
      ["c", "d"],
    ]);
  });
});

describe("LIST-06: names that begin with each other", () => {
  test("are all listed, in byte order, on pages of every size", async () => {
    const tags = ["1", "1.0", "1.0-a", "1.0.0", "A", "_", "a"];
    const registry = await registryWithTags(...tags.toReversed());
    for (const name of ["ab", "a/b", "a-b"]) await pushImage(registry, name, "v1");

    for (let n = 1; n <= tags.length; n++) {
      expect((await walk(registry, `/v2/a/tags/list?n=${n}`, "tags")).flat()).toEqual(tags.toSorted());
      const repositories = (await walk(registry, `/v2/_catalog?n=${n}`, "repositories")).flat();
      expect(repositories).toEqual(["a", "a-b", "a/b", "ab"]);
    }
  });
});

describe("end-8a", () => {
  test("of a repository that is not there says so", async () => {
    const answer = await makeRegistry().call("GET", "/v2/a/tags/list");

    expect(answer.status).toBe(404);
    expect(await errorCode(answer)).toBe("NAME_UNKNOWN");
  });
});

describe("end-12a, end-12b: referrers", () => {
  test("of what nobody refers to are an empty index", async () => {
    const answer = await makeRegistry().call("GET", `/v2/a/referrers/${subject}`);

    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe(mediaTypes.ociIndex);
    expect(await answer.json()).toMatchObject({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] });
  });

  test("are listed, filtered by type, page by page", async () => {
    const registry = makeRegistry();
    const about = { mediaType: mediaTypes.ociManifest, digest: subject, size: 1 };
    const digests: string[] = [];
    for (const [index, artifactType] of ["text/a", "text/b", "text/a"].entries()) {
      const annotations = { index: String(index) };
      digests.push(await pushImage(registry, "a", "", { subject: about, artifactType, annotations }));
    }

    const all = await walk(registry, `/v2/a/referrers/${subject}?n=1`, "manifests");
    const filtered = await registry.call("GET", `/v2/a/referrers/${subject}?artifactType=text%2Fa`);
    const paged = await walk(registry, `/v2/a/referrers/${subject}?artifactType=text%2Fa&n=1`, "manifests");

    const found = all.flat() as { digest: string }[];
    expect(found.map((entry) => entry.digest)).toEqual(digests.toSorted());
    expect(filtered.headers.get("oci-filters-applied")).toBe("artifactType");
    expect(((await filtered.json()) as { manifests: unknown[] }).manifests).toHaveLength(2);
    expect(paged.flat()).toHaveLength(2);
  });

  test.each([`x%00`, "x".repeat(1024 * 1024), "%C3%A9"])("REF-04: filtered by %.20p are refused", async (type) => {
    const answer = await makeRegistry().call("GET", `/v2/a/referrers/${subject}?artifactType=${type}`);

    expect(answer.status).toBe(400);
  });

  test("REF-04: filtered by the characters of a pattern are compared as they are", async () => {
    const registry = makeRegistry();
    const about = { mediaType: mediaTypes.ociManifest, digest: subject, size: 1 };
    await pushImage(registry, "a", "", { subject: about, artifactType: "text/a" });

    const answer = await registry.call("GET", `/v2/a/referrers/${subject}?artifactType=.*`);

    expect(((await answer.json()) as { manifests: unknown[] }).manifests).toEqual([]);
  });
});
