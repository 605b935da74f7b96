import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { type Digest, digestOf } from "./digest.ts";
import { RegistryError } from "./error.ts";
import { defaultLimits } from "./limits.ts";
import { parseManifest, type Manifest } from "./manifest.ts";
import { mediaTypes } from "./media-type.ts";

const encoder = new TextEncoder();
const { ociManifest, ociIndex, ociArtifact, dockerManifest, dockerManifestList } = mediaTypes;
const layerType = "application/vnd.oci.image.layer.v1.tar+gzip";
const configType = "application/vnd.oci.image.config.v1+json";

function digest(name: string, algorithm?: "sha512"): Digest {
  return digestOf(encoder.encode(name), algorithm);
}

function descriptor(name: string, more: object = {}): object {
  return { mediaType: layerType, digest: digest(name), size: name.length, ...more };
}

const config = descriptor("config", { mediaType: configType });
const child = descriptor("child", { mediaType: ociManifest });

function image(more: object = {}): object {
  return { schemaVersion: 2, mediaType: ociManifest, config, layers: [descriptor("one"), descriptor("two")], ...more };
}

function index(more: object = {}): object {
  return { schemaVersion: 2, mediaType: ociIndex, manifests: [child], ...more };
}

function parse(document: object | string | Uint8Array, contentType: string | undefined = ociManifest): Manifest {
  const text = typeof document === "string" ? document : JSON.stringify(document);
  const bytes = document instanceof Uint8Array ? document : encoder.encode(text);
  return parseManifest(bytes, contentType, defaultLimits);
}

/** The code and the message of the refusal; fails for anything that is no refusal. */
function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof RegistryError) return `${error.code} ${error.message}`;
    throw error;
  }
  return "accepted";
}

function named(name: string): { digest: Digest; sizeBytes: number } {
  return { digest: digest(name), sizeBytes: name.length };
}

describe("what a manifest refers to", () => {
  test.each([ociManifest, dockerManifest])("config and layers of an image: %s", (mediaType) => {
    const manifest = parse(image({ mediaType }), mediaType);

    expect(manifest.mediaType).toBe(mediaType);
    expect(manifest.blobs).toEqual([named("config"), named("one"), named("two")]);
    expect(manifest.manifests).toEqual([]);
    expect(manifest.subject).toBeUndefined();
  });

  test.each([ociIndex, dockerManifestList])("the manifests of an index, indexes among them: %s", (mediaType) => {
    const nested = descriptor("nested", { mediaType: ociIndex });
    const manifest = parse(index({ mediaType, manifests: [child, nested] }), mediaType);

    expect(manifest.manifests).toEqual([named("child"), named("nested")]);
    expect(manifest.blobs).toEqual([]);
  });

  test("the blobs of an artifact manifest, and its subject", () => {
    const artifact = {
      mediaType: ociArtifact,
      artifactType: "application/sbom",
      blobs: [descriptor("sbom")],
      subject: child,
    };
    const manifest = parse(artifact, ociArtifact);

    expect(manifest.blobs).toEqual([named("sbom")]);
    expect(manifest.subject).toBe(digest("child"));
    expect(manifest.referrer).toEqual({ artifactType: "application/sbom" });
  });

  test("sha512 is as good as sha256", () => {
    const layer = descriptor("one", { digest: digest("one", "sha512") });

    expect(parse(image({ layers: [layer] })).blobs[1]?.digest).toBe(digest("one", "sha512"));
  });

  test("the layers that BuildKit puts into an index as its cache are blobs", () => {
    const cache = descriptor("cache", { mediaType: "application/vnd.buildkit.cacheconfig.v0" });
    const manifest = parse(index({ manifests: [descriptor("one"), cache] }), ociIndex);

    expect(manifest.blobs).toEqual([named("one"), named("cache")]);
    expect(manifest.manifests).toEqual([]);
  });

  test("no layers, an empty list of them, or null: an image without layers", () => {
    for (const layers of [undefined, [], null]) expect(parse(image({ layers })).blobs).toEqual([named("config")]);
    expect(parse(index({ manifests: [] }), ociIndex).manifests).toEqual([]);
  });

  test("fields that the registry does not know are no concern of it", () => {
    expect(parse(image({ "org.example": { layers: 7 }, annotations: null, subject: null })).blobs).toHaveLength(3);
  });
});

describe("what a referrers list shows of a manifest (distribution specification, Listing Referrers)", () => {
  test.each<[string, object, string, object]>([
    [
      "the artifact type of an image",
      image({ artifactType: "application/x" }),
      ociManifest,
      { artifactType: "application/x" },
    ],
    ["the config's media type of an image without", image(), ociManifest, { artifactType: configType }],
    [
      "the config's media type where it is empty",
      image({ artifactType: "" }),
      ociManifest,
      { artifactType: configType },
    ],
    [
      "the artifact type of an index",
      index({ artifactType: "application/x" }),
      ociIndex,
      { artifactType: "application/x" },
    ],
    ["nothing of an index without", index(), ociIndex, {}],
    ["annotations", index({ annotations: { a: "b" } }), ociIndex, { annotations: { a: "b" } }],
  ])("%s", (_what, document, mediaType, expected) => {
    expect(parse(document, mediaType).referrer).toEqual(expected);
  });
});

describe("MAN-01: the size of a manifest", () => {
  test("may be exactly the limit, and not a byte more", () => {
    const text = JSON.stringify(image());
    const limits = { ...defaultLimits, manifestBytes: text.length };

    expect(parseManifest(encoder.encode(text), ociManifest, limits).blobs).toHaveLength(3);
    const call = (): unknown => parseManifest(encoder.encode(`${text} `), ociManifest, limits);
    expect(refusal(call)).toBe(
      `MANIFEST_TOO_LARGE the manifest has ${text.length + 1} bytes; this registry accepts ${text.length}`,
    );
  });
});

describe("MAN-02: documents made to break a parser", () => {
  const text = JSON.stringify(image());
  const cases: readonly (readonly [string, string | Uint8Array, string])[] = [
    ["10,000 brackets", "[".repeat(10_000), "nested more than 64 deep"],
    ["1,000,000 brackets", "[".repeat(1_000_000), "nested more than 64 deep"],
    ["nested objects", `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`, "nested more than 64 deep"],
    [
      "brackets in unknown fields",
      JSON.stringify(image()).replace("{", `{"x":${"[".repeat(65)}${"]".repeat(65)},`),
      "nested",
    ],
    [
      "a million keys",
      `{${Array.from({ length: 300_000 }, (_, at) => `"k${at}":0`).join(",")}}`,
      "more than 65536 keys",
    ],
    ["two million zeros", `{"a":[${"0,".repeat(2_000_000)}0]}`, "too many parts"],
    ["a byte order mark", `\uFEFF${text}`, "not JSON"],
    ["trailing garbage", `${text}x`, "not JSON"],
    ["a second document", text + text, "not JSON"],
    ["a NUL behind the document", `${text}\0`, "not JSON"],
    ["a NUL in a string", imageAnnotated('"\\u0000"'), "NUL"],
    ["half of a surrogate pair", imageAnnotated('"\\ud800"'), "surrogate"],
    ["bytes that are not UTF-8", Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d), "not UTF-8"],
    ["an overlong encoding", Uint8Array.of(0x22, 0xc0, 0xaf, 0x22), "not UTF-8"],
    ["nothing", "", "not JSON"],
    ["an unfinished string", '{"mediaType":"', "not JSON"],
    ["an unfinished escape", '{"a":"\\', "not JSON"],
    ["a bad escape", '{"a":"\\u00"}', "not JSON"],
    ["a list", "[]", "not an object"],
    ["a text", '"x"', "not an object"],
    ["null", "null", "not an object"],
  ];
  test.each(cases)("%s: refused", (_what, document, reason) => {
    const answer = refusal(() => parse(document));

    expect(answer).toStartWith("MANIFEST_INVALID");
    expect(answer).toContain(reason);
  });

  test.each(["mediaType", "config", "layers", "manifests", "subject", "digest", "size"])("%s twice: refused", (key) => {
    const twice = `{"${key}":1,"x":{"${key}":2},"${key}":3}`;
    const nestedTwice = `{"x":[{"y":{}},{"${key}":1,"y":{"${key}":2},"${key}":3}]}`;
    const escaped = `{"${key}":1,"\\u00${key.charCodeAt(0).toString(16)}${key.slice(1)}":2}`;

    for (const document of [twice, nestedTwice, escaped]) {
      expect(refusal(() => parse(document))).toBe(
        `MANIFEST_INVALID the manifest is not valid: "${key}" stands twice in one object`,
      );
    }
  });

  test("the same key in two objects, or as a value, is no duplicate", () => {
    expect(parse(image({ annotations: { digest: "size", size: "digest", x: '"layers":' } })).blobs).toHaveLength(3);
  });

  test("a key that Go's decoder takes for another one is refused", () => {
    expect(refusal(() => parse(image({ Layers: [] })))).toContain('"Layers" has to be spelt layers');
    expect(refusal(() => parse(image({ layerſ: [] })))).toContain("has to be spelt layers");
    expect(refusal(() => parse(image({ config: { ...config, Digest: "x" } })))).toContain("has to be spelt digest");
  });

  test("whatever the bytes, they are accepted or refused with a reason", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.string(),
          fc.json().map((layer) => `{"layers":[${layer}]}`),
        ),
        (document) => {
          expect(refusal(() => parse(document))).toMatch(/^MANIFEST_INVALID|^DIGEST_INVALID|^accepted$/);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

function imageAnnotated(json: string): string {
  return JSON.stringify(image({ annotations: { a: "VALUE" } })).replace('"VALUE"', json);
}

describe("MAN-03: names that mean something to JavaScript", () => {
  test("are data", () => {
    const text = imageAnnotated('"x","__proto__":"p","constructor":"c","toString":"t"');
    const { referrer } = parse(text.replace("{", '{"__proto__":{"polluted":true,"layers":[]},'));

    expect(Object.entries(referrer.annotations ?? {})).toEqual([
      ["a", "x"],
      ["__proto__", "p"],
      ["constructor", "c"],
      ["toString", "t"],
    ]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test("and what only a prototype has is not there", () => {
    expect(refusal(() => parse('{"__proto__":{"config":{},"layers":[]}}'))).toContain("an image has to have a config");
  });
});

describe("MAN-04: the size in a descriptor", () => {
  test.each(["-1", "1.5", "9007199254740992", '"1"', "1e400", "-0", "1E+2", "1.0", "null", "true", "01", "{}", "[1]"])(
    "%s: refused",
    (size) => {
      const document = JSON.stringify(image({ layers: [descriptor("one", { size: 4711 })] })).replace("4711", size);

      expect(refusal(() => parse(document))).toStartWith("MANIFEST_INVALID");
    },
  );

  test.each([0, 1, Number.MAX_SAFE_INTEGER])("%d: accepted", (size) => {
    expect(parse(image({ layers: [descriptor("one", { size })] })).blobs[1]?.sizeBytes).toBe(size);
  });

  test("missing: refused", () => {
    expect(refusal(() => parse(image({ layers: [descriptor("one", { size: undefined })] })))).toContain(
      "layers[0].size",
    );
  });
});

describe("MAN-05: Content-Type and mediaType", () => {
  const untyped = image({ mediaType: undefined });
  test.each<[string, string | undefined, object, string]>([
    ["parameters are ignored", `${ociManifest}; charset=utf-8`, image(), "accepted"],
    ["case is ignored", "Application/vnd.OCI.image.manifest.v1+JSON", image(), "accepted"],
    ["without mediaType the header counts", ociManifest, untyped, "accepted"],
    ["a type that nobody knows is carried", "application/vnd.example.thing.v1+json", { thing: 1 }, "accepted"],
    ["header and document differ", ociIndex, image(), "Content-Type says"],
    ["the other way round", ociManifest, index(), "Content-Type says"],
    ["neither of them", undefined, untyped, "neither Content-Type nor mediaType"],
    ["a web page", "text/html", untyped, "not the media type of a manifest"],
    ["a web page in the document", undefined, image({ mediaType: "text/html" }), "not the media type of a manifest"],
    ["XML that a browser shows", "application/xhtml+xml", untyped, "not the media type of a manifest"],
    ["JSON of no kind", "application/json", untyped, "not the media type of a manifest"],
    ["a header in the header", "application/a\r\nX: +json", untyped, "not the media type of a manifest"],
    ["a mediaType that is no text", ociManifest, image({ mediaType: 7 }), "mediaType is not a string"],
  ])("%s", (_what, contentType, document, expected) => {
    // A default would stand in for undefined.
    const bytes = encoder.encode(JSON.stringify(document));

    expect(refusal(() => parseManifest(bytes, contentType, defaultLimits))).toContain(expected);
  });

  test("without Content-Type the mediaType counts", () => {
    const bytes = encoder.encode(JSON.stringify(image()));

    expect(parseManifest(bytes, undefined, defaultLimits).mediaType).toBe(ociManifest);
  });
});

describe("MAN-06: documents that are two things at once", () => {
  test.each<[string, object, string]>([
    ["layers and manifests in an image", image({ manifests: [child] }), ociManifest],
    ["layers and manifests in an index", index({ layers: [] }), ociIndex],
    ["a config in an index", index({ config }), ociIndex],
    ["blobs in an index", index({ blobs: [] }), ociIndex],
    ["manifests alone in an image", { manifests: [] }, ociManifest],
    ["both in something else", { layers: [], manifests: [] }, "application/vnd.example+json"],
    ["an image without a config", image({ config: undefined }), ociManifest],
    ["schema version 3", image({ schemaVersion: 3 }), ociManifest],
    ["fsLayers and layers", image({ fsLayers: [] }), ociManifest],
  ])("%s: refused", (_what, document, mediaType) => {
    expect(refusal(() => parse({ ...document, mediaType: undefined }, mediaType))).toStartWith("MANIFEST_INVALID");
  });

  test.each<[string, object, string]>([
    ["by its Content-Type", {}, mediaTypes.dockerSchema1],
    ["by its Content-Type, signed", {}, mediaTypes.dockerSchema1Signed],
    ["by its schemaVersion", { schemaVersion: 1 }, "application/json"],
    ["by its fsLayers", { fsLayers: [] }, "application/json"],
  ])("schema 1, known %s, is refused with the Docker that is needed", (_how, document, contentType) => {
    expect(refusal(() => parse(document, contentType))).toContain("push with Docker 1.10 or later");
  });
});

function indexOf(count: number): object {
  return index({
    manifests: Array.from({ length: count }, (_, at) => descriptor(`m${at}`, { mediaType: ociManifest })),
  });
}

describe("MAN-07: how many things a manifest names", () => {
  test("4,096: accepted; 4,097: refused", () => {
    expect(parse(indexOf(4096), ociIndex).manifests).toHaveLength(4096);
    expect(refusal(() => parse(indexOf(4097), ociIndex))).toContain("more than 4096");
  });

  test("60,000 in 4 MiB: refused", () => {
    const empty = `{"manifests":[${Array.from({ length: 60_000 }, () => "{}").join(",")}]}`;

    expect(refusal(() => parse(empty, ociIndex))).toContain("more than 4096");
  });

  test("the same layer 1,000 times is legal, and one reference", () => {
    const layers = Array.from({ length: 1000 }, () => descriptor("one"));

    expect(parse(image({ layers })).blobs).toEqual([named("config"), named("one")]);
  });

  test("one digest with two sizes: refused", () => {
    const layers = [descriptor("one"), descriptor("one", { size: 4 })];

    expect(refusal(() => parse(image({ layers })))).toContain("stands in it with two sizes");
  });
});

describe("MAN-09: layers that are elsewhere", () => {
  test.each([
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
  ])("%s need not be there", (mediaType) => {
    const layer = descriptor("far", { mediaType, urls: ["http://169.254.169.254/"] });

    expect(parse(image({ layers: [layer, descriptor("one")] })).blobs).toEqual([named("config"), named("one")]);
  });

  test("urls anywhere else change nothing: the layer has to be there", () => {
    const layer = descriptor("one", { urls: ["http://169.254.169.254/"] });

    expect(parse(image({ layers: [layer] })).blobs).toEqual([named("config"), named("one")]);
  });
});

function withData(data: unknown): object {
  return image({ layers: [descriptor("one", { data })] });
}

describe("MAN-10: data in a descriptor", () => {
  test("that is what digest and size say: accepted", () => {
    expect(parse(withData(btoa("one"))).blobs).toHaveLength(2);
  });

  test.each<[string, unknown]>([
    ["other bytes", btoa("two")],
    ["other length", btoa("ones")],
    ["nothing", ""],
    ["no base64", "?"],
    ["base64 without padding", "b25"],
    ["the alphabet for URLs", "-_-_"],
    ["no text", 7],
  ])("%s: refused", (_what, data) => {
    expect(refusal(() => parse(withData(data)))).toContain("layers[0].data");
  });

  test("3 MiB of it: accepted", () => {
    const bytes = Buffer.alloc(3 * 1024 * 1024 - 1024, "x");
    const layer = descriptor("", { digest: digestOf(bytes), size: bytes.length, data: bytes.toString("base64") });

    expect(parse(image({ layers: [layer] })).blobs).toHaveLength(2);
  });
});

describe("PATH-04: a malformed digest in a descriptor", () => {
  const bad = ["sha256:../../x", `sha256:${"A".repeat(64)}`, "md5:00", "", 7, null];

  test.each(bad)("%j: refused, with its place", (digestText) => {
    const layers = [descriptor("one"), descriptor("two", { digest: digestText })];

    expect(refusal(() => parse(image({ layers })))).toStartWith("DIGEST_INVALID layers[1].digest");
    expect(refusal(() => parse(image({ subject: { ...child, digest: digestText } })))).toStartWith(
      "DIGEST_INVALID subject",
    );
  });
});

describe("a descriptor or annotation of the wrong shape", () => {
  test.each<[object, string]>([
    [{ config: "x" }, "config is not an object"],
    [{ config: [] }, "config is not an object"],
    [{ layers: {} }, "layers is not a list"],
    [{ layers: [null] }, "layers[0] is not an object"],
    [{ layers: [descriptor("one", { mediaType: undefined })] }, "layers[0] has no mediaType"],
    [{ layers: [descriptor("one", { mediaType: 7 })] }, "layers[0].mediaType is not a string"],
    [{ subject: "x" }, "subject is not an object"],
    [{ artifactType: 7 }, "artifactType is not a string"],
    [{ annotations: [] }, "annotations is not an object"],
    [{ annotations: { a: 7 } }, 'the annotation "a" is not a string'],
  ])("%j: refused, with its place", (more, reason) => {
    expect(refusal(() => parse(image(more)))).toBe(`MANIFEST_INVALID the manifest is not valid: ${reason}`);
  });

  test("what the client sent is quoted, bounded, in the answer", () => {
    const answer = refusal(() =>
      parse(image({ mediaType: undefined, annotations: { [`x\n${"y".repeat(5000)}`]: 7 } })),
    );

    expect(answer).toContain(String.raw`"x\nyyy`);
    expect(answer.length).toBeLessThan(300);
  });
});
