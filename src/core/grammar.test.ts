import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { isDigest, parseDigest } from "./digest.ts";
import { isTag, parseReference, parseTag } from "./reference.ts";
import { isRepositoryName, maxNameLength, parseRepositoryName } from "./repository-name.ts";
import { isUlid, ulidTime, type Ulid } from "./ulid.ts";

// The regular expressions as the specifications print them (distribution: "Pulling manifests"; image: "Digests"), anchored.
const specifiedName = /^(?:[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*)$/;
const specifiedTag = /^(?:[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127})$/;
const specifiedDigest = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

const nameOracle = (text: string): boolean => text.length <= 255 && specifiedName.test(text);

const hex64 = "0123456789abcdef".repeat(4);

/** Strings over the alphabet of attacks on paths; the same ones in every run. */
function* hostileStrings(count: number, alphabet: readonly string[]): Generator<string> {
  let state = 20_260_101;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  for (let made = 0; made < count; made++) {
    let text = "";
    for (let length = below(14); length >= 0; length--) text += alphabet[below(alphabet.length)] ?? "";
    yield text;
  }
}

function codeOf(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}

describe("PATH-07: a million hostile strings", () => {
  const alphabet = [...Array.from("./%\\02ef-_:@\0\r\nabcxyzAZ"), "sha256:", "..", "__", hex64];

  test("are names, tags and digests exactly where the specification's expressions say so", () => {
    const wrong: string[] = [];
    let accepted = 0;
    for (const text of hostileStrings(1_000_000, alphabet)) {
      if (isRepositoryName(text) !== nameOracle(text)) wrong.push(`name ${JSON.stringify(text)}`);
      if (isTag(text) !== specifiedTag.test(text)) wrong.push(`tag ${JSON.stringify(text)}`);
      if (isDigest(text) !== specifiedDigest.test(text)) wrong.push(`digest ${JSON.stringify(text)}`);
      if (isRepositoryName(text) || isTag(text) || isDigest(text)) accepted++;
    }

    expect(wrong).toEqual([]);
    expect(accepted).toBeGreaterThan(10_000);
  });
});

describe("a repository name", () => {
  const separators = fc.constantFrom(".", "_", "__", "-", "---", "/", "..", "___", "-_", "//", "");
  const words = fc.array(fc.tuple(fc.stringMatching(/^[a-z0-9]{0,5}$/), separators), { minLength: 1, maxLength: 6 });

  test("is accepted exactly where the specification's expression accepts it", () => {
    const nearlyValid = words.map((parts) =>
      parts
        .flat()
        .join("")
        .replace(/[./_-]$/, ""),
    );
    fc.assert(
      fc.property(fc.oneof(nearlyValid, fc.string()), (text) => {
        expect(isRepositoryName(text)).toBe(nameOracle(text));
      }),
      { numRuns: 2000 },
    );
  });

  test("may be as long as clients can name, and no longer", () => {
    expect(isRepositoryName("a".repeat(maxNameLength))).toBe(true);
    expect(isRepositoryName("a".repeat(maxNameLength + 1))).toBe(false);
  });

  const refused = ["", "..", ".", "a/..", "a/./app", "a//app", "/a", "a/", "A/app", "a/app_", "a/-app", "a/app..x"];
  const encoded = [
    "a/%61pp",
    "a%2fapp",
    "a%252fapp",
    "a/app%00",
    "a\\app",
    "a/app;x",
    "%c0%ae%c0%ae",
    "a/．．",
    "_catalog",
  ];
  test.each([...refused, ...encoded, "a\n", "a/app\0", "constructor/__proto__"])("PATH-02: %j is refused", (text) => {
    expect(codeOf(() => parseRepositoryName(text))).toBe("NAME_INVALID");
  });

  test.each(["con", "nul", "a", "library/alpine", "a/b.c/d_e/f__g/h--i", "blobs/uploads/x", "constructor"])(
    "%j is accepted",
    (text) => {
      expect(codeOf(() => parseRepositoryName(text))).toBe(text);
    },
  );
});

describe("a tag", () => {
  test("is accepted exactly where the specification's expression accepts it", () => {
    const nearlyValid = fc.stringMatching(/^[.a-zA-Z0-9_-][a-zA-Z0-9._@-]{0,140}$/);
    fc.assert(
      fc.property(fc.oneof(nearlyValid, fc.string()), (text) => {
        expect(isTag(text)).toBe(specifiedTag.test(text));
      }),
      { numRuns: 2000 },
    );
  });

  test.each(["a".repeat(129), ".a", "-a", "latest@sha256", "a\n", "a\0", "🙂", "", "a/b"])(
    "PATH-06: %j is refused",
    (text) => {
      expect(codeOf(() => parseTag(text))).toBe("TAG_INVALID");
    },
  );

  test.each(["latest", "_", "1.0-a", "A", "a".repeat(128), `sha256-${hex64}`, "__proto__", "toString"])(
    "PATH-06: %j is accepted",
    (text) => {
      expect(codeOf(() => parseTag(text))).toBe(text);
    },
  );
});

describe("a digest", () => {
  test("is accepted exactly where the specification's expression accepts it", () => {
    const algorithm = fc.constantFrom("sha256", "sha512", "SHA256", "sha384", "md5");
    const digits = fc.stringMatching(/^[0-9a-fA-Fg]{0,2}$/);
    const nearlyValid = fc
      .tuple(algorithm, fc.constantFrom("", "a".repeat(62), hex64, hex64 + hex64), digits)
      .map(([name, most, rest]) => `${name}:${most}${rest}`);
    fc.assert(
      fc.property(fc.oneof(nearlyValid, fc.string()), (text) => {
        expect(isDigest(text)).toBe(specifiedDigest.test(text));
      }),
      { numRuns: 2000 },
    );
  });

  const wrongLength = [63, 65, 128].map((length) => `sha256:${"a".repeat(length)}`);
  const wrongDigits = [
    `sha256:${hex64.toUpperCase()}`,
    `sha256:${"g".repeat(64)}`,
    `SHA256:${hex64}`,
    `sha512:${hex64}`,
  ];
  const foreign = [
    "sha256:../../x",
    `md5:${hex64}`,
    "sha1:aa",
    `sha384:${hex64}`,
    "sha256+b64:a",
    "sha256:a:b",
    "",
    "a",
  ];
  test.each([...wrongLength, ...wrongDigits, ...foreign, "a".repeat(10_240), `sha256:${hex64}\n`])(
    "PATH-04: %j is refused",
    (text) => {
      expect(codeOf(() => parseDigest(text))).toBe("DIGEST_INVALID");
    },
  );

  test("or a tag is what a reference is, and a colon says which of them was meant", () => {
    expect(parseReference(`sha256:${hex64}`).kind).toBe("digest");
    expect(parseReference(`sha512:${hex64}${hex64}`).kind).toBe("digest");
    expect(parseReference("latest").kind).toBe("tag");
    expect(codeOf(() => parseReference("sha256:baddigeststring"))).toBe("DIGEST_INVALID");
    expect(codeOf(() => parseReference("-latest"))).toBe("TAG_INVALID");
  });
});

describe("a ULID", () => {
  test.each([
    ["01ARZ3NDEKTSV4RRFFQ69G5FAV", true],
    ["7ZZZZZZZZZZZZZZZZZZZZZZZZZ", true],
    ["01arz3ndektsv4rrffq69g5fav", false],
    ["81ARZ3NDEKTSV4RRFFQ69G5FAV", false],
    ["01ARZ3NDEKTSV4RRFFQ69G5FAI", false],
    ["01ARZ3NDEKTSV4RRFFQ69G5FA", false],
    ["..", false],
    ["../../x", false],
    ["%2e%2e", false],
    ["a".repeat(4096), false],
  ])("PATH-05: %j is an upload's id: %j", (text, valid) => {
    expect(isUlid(text)).toBe(valid);
  });

  test("says when it was made", () => {
    expect(ulidTime("01ARZ3NDEKTSV4RRFFQ69G5FAV" as Ulid)).toBe(1_469_922_850_259);
  });
});
