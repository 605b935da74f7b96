import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";

import { readCredentials } from "./basic-credentials.ts";

function basic(text: string | Uint8Array): string {
  return `Basic ${Buffer.from(text).toString("base64")}`;
}

describe("AUTH-11: an Authorization header", () => {
  test.each([
    ["alice:secret", "alice", "secret"],
    ["alice:se:cr:et", "alice", "se:cr:et"],
    ["alice:", "alice", ""],
    [":secret", "", "secret"],
    ["jürgen:grüße €", "jürgen", "grüße €"],
  ])("that says %p is %p with %p", (text, name, password) => {
    expect(readCredentials(basic(text))).toEqual({ kind: "basic", credentials: { name, password } });
  });

  test.each(["basic", "BASIC", "bAsIc"])("may write the scheme as %s", (scheme) => {
    expect(readCredentials(`${scheme}  ${btoa("a:b")}`)).toMatchObject({ kind: "basic" });
  });

  test("that is absent, or has an empty name and password as podman sends them, means nobody", () => {
    expect(readCredentials(null)).toEqual({ kind: "none" });
    expect(readCredentials(basic(":"))).toEqual({ kind: "none" });
  });

  test.each([
    ["is empty", ""],
    ["has the scheme alone", "Basic"],
    ["has no credentials", "Basic "],
    ["has no colon", basic("alice")],
    ["has a line feed in the base64", `Basic ${btoa("a:b").slice(0, 2)}\n${btoa("a:b").slice(2)}`],
    ["has a space in the base64", "Basic YTpi YTpi"],
    ["has base64 without its padding", "Basic YTpiYw"],
    ["has base64 of URLs", "Basic YTo_Pz8-"],
    ["is not UTF-8", basic(Buffer.from([0x61, 0x3a, 0xff]))],
    ["has two schemes joined by a comma", `${basic("a:b")}, Bearer abc`],
    ["has two credentials joined by a comma", `${basic("a:b")}, ${basic("c:d")}`],
    ["has 16 KiB", basic("a".repeat(16_384))],
    ["has a comma in a bearer token", "Bearer abc,def"],
    ["has a line feed in a bearer token", "Bearer abc\ndef"],
    ["has another scheme", "Digest username=alice"],
  ])("that %s is unreadable", (_, header) => {
    expect(readCredentials(header)).toMatchObject({ kind: "unreadable" });
  });

  test.each(["bearer", "Bearer", "BEARER"])("that says %s has a token", (scheme) => {
    expect(readCredentials(`${scheme} abc.d-e_f~g+h/i==`)).toEqual({ kind: "bearer", token: "abc.d-e_f~g+h/i==" });
  });

  test("gives back every name without a colon and every password", () => {
    const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 50 }).filter((text) => !text.includes(":"));
    fc.assert(
      fc.property(name, fc.string({ unit: "grapheme", maxLength: 50 }), (one, other) => {
        const credentials = { name: one, password: other };
        expect(readCredentials(basic(`${one}:${other}`))).toEqual({ kind: "basic", credentials });
      }),
    );
  });
});
