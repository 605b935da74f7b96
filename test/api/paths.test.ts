import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { isDigest } from "../../src/core/digest.ts";
import { isTag } from "../../src/core/reference.ts";
import { isRepositoryName } from "../../src/core/repository-name.ts";
import { errorCode, pushImage } from "./content.ts";
import { makeRegistry, type TestRegistry } from "./registry.ts";

const someDigest = `sha256:${"a".repeat(64)}`;
const someUpload = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const methods = ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"] as const;

/** What the registry holds, for a comparison before and after. */
async function contentOf({ metadata }: TestRegistry): Promise<unknown> {
  const everything = { limit: 1000, last: undefined };
  return { totals: await metadata.totals(), repositories: await metadata.listRepositories(everything) };
}

describe("PATH-01: a path with dots in it", () => {
  test("is judged by the name that it is normalised to", async () => {
    const asked: (string | undefined)[] = [];
    const decide = (_: unknown, __: unknown, repository?: string) => {
      asked.push(repository);
      const verdict = repository === "b/app" ? ("denied" as const) : ("allowed" as const);
      return { verdict, rule: undefined };
    };
    const registry = makeRegistry({}, { decide });
    await pushImage(registry, "a/app", "latest");
    asked.length = 0;

    const paths = ["/v2/a/../b/app/manifests/latest", "/v2/a/%2e%2e/b/app/manifests/latest"];
    for (const path of [...paths, "/v2/a\\..\\b/app/manifests/latest"]) {
      const answer = await registry.call("GET", path, { as: "bob" });
      expect(answer.status).toBe(403);
      expect(await errorCode(answer)).toBe("DENIED");
    }
    expect(asked).toEqual(["b/app", "b/app", "b/app"]);
    const log = registry.lines.filter((line) => line.includes('"bob"'));
    expect(log.every((line) => line.includes('"repository":"b/app"'))).toBe(true);
  });
});

describe("PATH-02: a name that the grammar does not have", () => {
  const names = [
    "A/app",
    "a/app_",
    "a/-app",
    "a/app..x",
    "a//app",
    "a/",
    "/a",
    "_catalog",
    "a".repeat(256),
    "a/%61pp",
    "a%2fapp",
    "a%252fapp",
    "a/app%00",
    "a/app;x",
    "a/%c0%ae%c0%ae",
    "a/．．",
    "a/app:x",
    "a/app@sha256",
    "a app",
    "a/__proto__",
  ];
  test.each(names)("such as %p is refused for every method, and nothing is made", async (name) => {
    const registry = makeRegistry();
    const before = await contentOf(registry);

    for (const method of methods) {
      const tails = [
        `manifests/v1`,
        `blobs/${someDigest}`,
        "blobs/uploads/",
        `blobs/uploads/${someUpload}`,
        "tags/list",
      ];
      for (const tail of tails) {
        const answer = await registry.call(method, `/v2/${name}/${tail}`);
        expect(answer.status).toBeGreaterThanOrEqual(400);
        expect(answer.status).toBeLessThan(500);
      }
    }
    expect(await contentOf(registry)).toEqual(before);
    expect(await errorCode(await registry.call("GET", `/v2/${name}/tags/list`))).toBe("NAME_INVALID");
  });

  test.each(["con", "nul", "constructor", "a/tags/list", "blobs/uploads/x", "a/manifests/b"])(
    "is not %p: that is a name like every other",
    async (name) => {
      const registry = makeRegistry();

      await pushImage(registry, name, "v1");

      const answer = await registry.call("GET", `/v2/${name}/tags/list`);
      expect(await answer.json()).toEqual({ name, tags: ["v1"] });
    },
  );
});

describe("PATH-03: a path out of the registry", () => {
  test.each([
    "/%2F%2F%2F..%2F..%2F..%2Fetc%2Fpasswd",
    "/ui/..%2f..%2f..%2fetc/passwd",
    "/ui/%2e%2e/%2e%2e/package.json",
    "/ui/....//",
    "/ui/\\..\\..\\etc",
    "/../../etc/passwd",
    "/ca.crt/../../etc/passwd",
  ])("such as %s leads nowhere", async (path) => {
    const answer = await makeRegistry().call("GET", path, { as: "nobody" });

    expect(answer.status).toBe(404);
  });
});

describe("PATH-04: a digest that is none", () => {
  const digests = [
    "sha256:../../x",
    `sha256:${"a".repeat(63)}`,
    `sha256:${"a".repeat(65)}`,
    `sha256:${"a".repeat(128)}`,
    `sha256:${"A".repeat(64)}`,
    `SHA256:${"a".repeat(64)}`,
    `sha256:${"g".repeat(64)}`,
    `md5:${"a".repeat(32)}`,
    `sha1:${"a".repeat(40)}`,
    `sha384:${"a".repeat(96)}`,
    "sha256+b64:YQ",
    "sha256:a:b",
    `sha256:${"a".repeat(10240)}`,
    `sha512:${"a".repeat(64)}`,
  ];
  test.each(digests)("such as %.40s is refused wherever a digest stands", async (digest) => {
    const registry = makeRegistry();
    const calls = [
      ["GET", `/v2/a/referrers/${digest}`],
      ["GET", `/v2/a/blobs/${digest}`],
      ["DELETE", `/v2/a/blobs/${digest}`],
      ["GET", `/v2/a/manifests/${digest}`],
      ["PUT", `/v2/a/manifests/${digest}`],
      ["POST", `/v2/a/blobs/uploads/?digest=${encodeURIComponent(digest)}`],
      ["POST", `/v2/a/blobs/uploads/?mount=${encodeURIComponent(digest)}`],
      ["PUT", `/v2/a/blobs/uploads/${someUpload}?digest=${encodeURIComponent(digest)}`],
    ] as const;

    const escapes = digest.includes("..");
    for (const [method, path] of escapes ? calls.slice(5) : calls) {
      const answer = await registry.call(method, path, method === "GET" ? {} : { body: "x" });
      expect(answer.status).toBe(400);
      expect(await errorCode(answer)).toBe("DIGEST_INVALID");
    }
  });

  test("is refused where it is empty or missing", async () => {
    for (const path of [`/v2/a/blobs/uploads/${someUpload}?digest=`, `/v2/a/blobs/uploads/${someUpload}`]) {
      const answer = await makeRegistry().call("PUT", path, { body: "x" });
      expect(await errorCode(answer)).toBe("DIGEST_INVALID");
    }
  });
});

describe("PATH-05: an upload's id that is none of one's own", () => {
  test("is unknown, whatever it looks like", async () => {
    const registry = makeRegistry();
    const started = await registry.call("POST", "/v2/a/blobs/uploads/", { as: "bob" });
    const id = (started.headers.get("location") ?? "").slice(-26);
    const before = await contentOf(registry);

    for (const tried of [id, id.toLowerCase(), someUpload, "x".repeat(4096), "a%2fb", `${id}%00`, "constructor"]) {
      for (const method of ["GET", "PATCH", "PUT", "DELETE"]) {
        const query = method === "PUT" ? `?digest=${someDigest}` : "";
        const answer = await registry.call(method, `/v2/a/blobs/uploads/${tried}${query}`);
        expect(answer.status).toBe(404);
        expect(await errorCode(answer)).toBe("BLOB_UPLOAD_UNKNOWN");
      }
    }
    expect(await contentOf(registry)).toEqual(before);
    expect((await registry.call("GET", `/v2/a/blobs/uploads/${id}`, { as: "bob" })).status).toBe(204);
  });
});

describe("PATH-06: a tag", () => {
  test.each(["a".repeat(129), ".a", "-a", "latest@sha256:x", "a%0a", "a%00", "a%20", "🦔", "a;b", "a+b"])(
    "such as %.20p is refused",
    async (tag) => {
      for (const method of ["GET", "PUT", "DELETE"]) {
        const answer = await makeRegistry().call(method, `/v2/a/manifests/${tag}`);
        expect(answer.status).toBe(400);
        expect(await errorCode(answer)).toMatch(/^(TAG|DIGEST)_INVALID$/);
      }
    },
  );

  test.each([`sha256-${"a".repeat(64)}`, "a".repeat(128), "_", "__proto__", "constructor", "A.b-C_1"])(
    "such as %.20p is a tag",
    async (tag) => {
      const registry = makeRegistry();

      await pushImage(registry, "a", tag);

      expect((await registry.call("HEAD", `/v2/a/manifests/${tag}`)).status).toBe(200);
    },
  );

  test("that is none is refused in the query too", async () => {
    const answer = await makeRegistry().call("PUT", `/v2/a/manifests/${someDigest}?tag=.a`, { body: "{}" });

    expect(await errorCode(answer)).toBe("TAG_INVALID");
  });
});

describe("PATH-07: whatever stands in the path", () => {
  const runs = 100_000;
  const hostile = fc.string({ unit: fc.constantFrom(..."./%\\0 2ef\0\r\nab_-:@;~A".split("")), maxLength: 24 });

  test("a repository, a reference and a digest are accepted if the grammars accept them, and only then", async () => {
    const seen = { allowed: 0 };
    const registry = makeRegistry(
      {},
      {
        decide: (_caller, _action, repository) => {
          if (repository === undefined) return { verdict: "allowed", rule: undefined };
          seen.allowed++;
          return { verdict: "denied", rule: undefined };
        },
        log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      },
    );
    const authorization = `Basic ${btoa("alice:canary-alice")}`;

    await fc.assert(
      fc.asyncProperty(hostile, async (text) => {
        const before = seen.allowed;
        // The runtime's own server hands over such a string: normalised, but nothing unescaped.
        const url = new URL(`http://registry.test/v2/${text}/tags/list`).href;
        const request = new Request(url, { headers: { authorization, host: "registry.test" } });
        const { status } = await registry.handle(request, { address: undefined });

        const judged = /^http:\/\/registry\.test\/v2\/(.*)\/tags\/list$/.exec(request.url)?.[1];
        const accepted = judged !== undefined && isRepositoryName(judged);
        return seen.allowed > before === accepted && (accepted ? status === 403 : status === 400 || status === 404);
      }),
      { numRuns: runs / 2 },
    );
    await fc.assert(
      fc.asyncProperty(hostile, async (text) => {
        const request = new Request(`http://registry.test/v2/a/manifests/${text}`, { headers: { authorization } });
        const open = makeOpenRegistry();
        const { status } = await open.handle(request, { address: undefined });

        const judged = /^http:\/\/registry\.test\/v2\/a\/manifests\/([^/?#]+)$/.exec(request.url)?.[1];
        if (judged !== undefined && (isTag(judged) || isDigest(judged))) return status === 404;
        return status >= 400 && status < 500;
      }),
      { numRuns: runs / 2 },
    );
  }, 60_000);
});

let shared: TestRegistry | undefined;
/** One for all runs: they only read. */
function makeOpenRegistry(): TestRegistry {
  shared ??= makeRegistry({}, { log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} } });
  return shared;
}
