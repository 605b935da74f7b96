import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  accessKeyPattern,
  accessKeySecretBytes,
  digestAccessKey,
  readAccessKey,
  writeAccessKey,
} from "./access-key.ts";
import type { Ulid } from "./ulid.ts";

const id = "01ARZ3NDEKTSV4RRFFQ69G5FAV" as Ulid;
const secrets = fc.uint8Array({ minLength: accessKeySecretBytes, maxLength: accessKeySecretBytes });

const scanned = new RegExp(`\\b${accessKeyPattern}\\b`);

describe("an access key", () => {
  test("is its prefix, its id, 32 bytes in base 62 and the CRC-32 of all that", () => {
    const none = writeAccessKey(id, new Uint8Array(accessKeySecretBytes));
    const most = writeAccessKey(id, new Uint8Array(accessKeySecretBytes).fill(0xff));

    // Both as Python's zlib has the checksum.
    expect(none).toBe(`dozo_${id}_${"0".repeat(43)}2uUwNb`);
    expect(most).toBe(`dozo_${id}_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp10yhwv1`);
  });

  test("is read as the one that was written, whatever its secret, and a scanner finds it", () => {
    fc.assert(
      fc.property(secrets, (secret) => {
        const text = writeAccessKey(id, secret);

        expect(readAccessKey(text)).toEqual({ kind: "key", id, digest: digestAccessKey(text) });
        expect(scanned.exec(`password: "${text}",`)?.[0]).toBe(text);
      }),
    );
  });

  test("is another for another secret, and so is its digest of 32 bytes", () => {
    fc.assert(
      fc.property(secrets, secrets, (one, other) => {
        fc.pre(Buffer.compare(one, other) !== 0);
        const texts = [one, other].map((secret) => writeAccessKey(id, secret));
        const [first, second] = texts.map((text) => Buffer.from(digestAccessKey(text)));

        expect(texts[0]).not.toBe(texts[1]);
        expect(first?.equals(second ?? Buffer.alloc(0))).toBe(false);
        expect(first?.byteLength).toBe(32);
      }),
    );
  });

  test("a single wrong character, one too few or one too many is seen without asking who has the key", () => {
    const text = writeAccessKey(id, Buffer.from("correct horse battery staple 32!"));
    const afterId = "dozo_".length + id.length + 1;

    for (let at = afterId; at < text.length; at++) {
      const other = text[at] === "A" ? "B" : "A";
      expect(readAccessKey(`${text.slice(0, at)}${other}${text.slice(at + 1)}`)).toEqual({ kind: "damaged", id });
      expect(readAccessKey(text.slice(0, at))).toEqual({ kind: "damaged", id });
    }
    expect(readAccessKey(`${text}A`).kind).toBe("damaged");
    expect(readAccessKey(`${text}\n`).kind).toBe("damaged");
  });

  test.each([
    ["", "nothing"],
    ["dozo_", "the prefix alone"],
    ["dozo_secret-of-mine", "a password with the prefix"],
    [`DOZO_${id}_${"0".repeat(49)}`, "another prefix"],
    [` dozo_${id}_${"0".repeat(49)}`, "something before it"],
    [`dozo_${id.toLowerCase()}_${"0".repeat(49)}`, "an id in lower case"],
    [`dozo_8${id.slice(1)}_${"0".repeat(49)}`, "an id that is none"],
  ])("%p is none: %s", (text) => {
    expect(readAccessKey(text)).toEqual({ kind: "none" });
  });

  test("cannot be made of fewer random bytes", () => {
    expect(() => writeAccessKey(id, new Uint8Array(31))).toThrow(RangeError);
  });
});
