import { beforeEach, describe, expect, test } from "bun:test";
import { silentLog } from "../../log.ts";
import { SigningKeys } from "./signing-keys.ts";

const dayMs = 24 * 60 * 60 * 1000;

let now: number;
let files: Map<string, string>;
let warnings: string[];

beforeEach(() => {
  now = 1_700_000_000_000;
  files = new Map();
  warnings = [];
});

function open(): Promise<SigningKeys> {
  return SigningKeys.open({
    files: {
      read: (name) => Promise.resolve(files.get(name)),
      write: async (name, text) => void files.set(name, text),
    },
    clock: { now: () => now },
    log: { ...silentLog, warn: (message) => warnings.push(message) },
  });
}

describe("the keys that tokens are signed with", () => {
  test("are the same after a start, with their issuer and secret", async () => {
    const before = await open();
    const after = await open();

    expect(after.current.header).toEqual(before.current.header);
    expect(after.issuer).toBe(before.issuer);
    expect(Buffer.from(after.secret).equals(before.secret)).toBe(true);
    expect(after.find(before.current.encodedHeader)).toBeDefined();
    expect(warnings).toEqual([]);
  });

  test("are of no other registry", async () => {
    const one = await open();
    files = new Map();
    const other = await open();

    expect(other.issuer).not.toBe(one.issuer);
    expect(other.find(one.current.encodedHeader)).toBeUndefined();
  });

  test("are another after 30 days, and the one before counts for an hour more", async () => {
    const keys = await open();
    const first = keys.current.encodedHeader;

    now += 30 * dayMs - 1;
    await keys.rotateIfDue();
    expect(keys.current.encodedHeader).toBe(first);
    now += 1;
    await keys.rotateIfDue();

    expect(keys.current.encodedHeader).not.toBe(first);
    now += 60 * 60 * 1000 - 1;
    expect(keys.find(first)).toBeDefined();
    expect((await open()).find(first)).toBeDefined();
    now += 1;
    expect(keys.find(first)).toBeUndefined();
  });

  test("JWT-03: one that was retired yesterday, and one of two months ago, count no more", async () => {
    const keys = await open();
    const first = keys.current.encodedHeader;
    now += 30 * dayMs;
    await keys.rotateIfDue();
    const second = keys.current.encodedHeader;
    now += dayMs;
    expect(keys.find(first)).toBeUndefined();
    now += 30 * dayMs;
    await keys.rotateIfDue();

    expect(keys.find(first)).toBeUndefined();
    expect(keys.find(second)).toBeDefined();
    expect(keys.find(keys.current.encodedHeader)).toBeDefined();
  });

  test("are made anew, with a warning, where their file is damaged", async () => {
    for (const text of ["", "{}", "[", '{"issuer":"a","secret":"b","keys":[{"madeAt":1,"jwk":{"kty":"RSA"}}]}']) {
      files.set("signing.key", text);
      warnings = [];

      const keys = await open();

      expect(warnings).toHaveLength(1);
      expect((await open()).issuer).toBe(keys.issuer);
    }
  });

  test("are not in use before they are written", async () => {
    const keys = await open();
    const first = keys.current.encodedHeader;
    now += 30 * dayMs;
    files = new Map();
    files.set = () => {
      throw new Error("the disk is full");
    };

    expect(await keys.rotateIfDue().catch((error: Error) => error.message)).toBe("the disk is full");

    expect(keys.current.encodedHeader).toBe(first);
    expect(keys.find(first)).toBeDefined();
  });
});
