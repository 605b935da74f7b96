import { describe, expect, test } from "bun:test";

import { HtpasswdError, parseHtpasswd } from "./htpasswd-entries.ts";

const bcrypt = "$2y$04$TjWPqO15/HX9uvNIxbWfbu64yR10kKW3cdLabmzmYPoBx7dX9qTHK";
const apr1 = "$apr1$RNKL/Yio$rAH4OqsUjAO4N.ZBkJFEl1";
const sha1 = "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=";
const sha256 = "$5$saltsalt$myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/";
const sha512 = "$6$saltsalt$hRM5XZ86KXEw9UOmjigeVqFgULtFB2sgpC9lXQDfMib3Zgw7mEiUvBJI2EplzfAqxL5Vvwp2scFtv/uamSo5z0";

function parse(text: string): ReturnType<typeof parseHtpasswd> {
  return parseHtpasswd(Buffer.from(text));
}

function failure(text: string | Uint8Array): HtpasswdError | undefined {
  try {
    parseHtpasswd(Buffer.from(text));
    return undefined;
  } catch (error) {
    return error as HtpasswdError;
  }
}

describe("AUTH-01: an htpasswd file", () => {
  test("may have the five forms; all but bcrypt with a warning that names the line", () => {
    const file = parse(`a:${bcrypt}\nb:${apr1}\n\n# a comment\nc:${sha1}\nd:${sha256}\ne:${sha512}\n`);

    expect([...file.users].map(([name, hash]) => `${name} ${hash.scheme}`)).toEqual([
      "a bcrypt",
      "b apr1",
      "c sha1",
      "d sha256",
      "e sha512",
    ]);
    expect(file.warnings.map((warning) => warning.slice(0, 7))).toEqual(["line 2:", "line 5:", "line 6:", "line 7:"]);
  });

  test.each(["$2a$", "$2b$", "$2y$"])("may have bcrypt as %s", (prefix) => {
    expect(parse(`a:${prefix}${bcrypt.slice(4)}`).users.get("a")).toMatchObject({ scheme: "bcrypt", cost: 4 });
  });

  test("may have any letters in names, and needs no line feed at its end", () => {
    expect([...parse(`jürgen@example.com:${bcrypt}\nb c:${bcrypt}`).users.keys()]).toEqual([
      "jürgen@example.com",
      "b c",
    ]);
  });

  test.each([
    ["a password in plain text", "bob:secret"],
    ["nothing behind the colon", "bob:"],
    ["no colon", "bob"],
    ["no name", `:${bcrypt}`],
    ["a carriage return", `bob:${bcrypt}\r`],
    ["a NUL in the name", `b\0b:${bcrypt}`],
    ["a NUL in the hash", `bob:${bcrypt}\0`],
    ["a user for the second time", `alice:${bcrypt}`],
    ["crypt(3) with DES", "bob:rqXexS6ZhobKA"],
    ["MD5 of crypt(3)", "bob:$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/"],
    ["argon2id", "bob:$argon2id$v=19$m=19456,t=2,p=1$wI+ferZLpq44Dh137XwuRYq5bTpVlhzRysTzXJFX1yI$DReOb1Gd5h4Bh3X"],
    ["bcrypt that is cut off", `bob:${bcrypt.slice(0, -1)}`],
    ["bcrypt of a faulty kind", `bob:$2x$${bcrypt.slice(4)}`],
    ["SHA-512 that is cut off", `bob:${sha512.slice(0, -1)}`],
    ["a hash with another field behind it", `bob:${bcrypt}:Bob`],
  ])("is refused with the number of the line that has %s", (_, line) => {
    const error = failure(`alice:${bcrypt}\n${line}\ncarol:${bcrypt}\n`);

    expect(error).toBeInstanceOf(HtpasswdError);
    expect(error?.lineNumber).toBe(2);
    expect(error?.message).toStartWith("line 2: ");
  });

  test("is refused without a word of what may be a password", () => {
    expect(failure("bob:hunter2")?.message).not.toContain("hunter2");
  });

  test("is refused when it has 10 MB", () => {
    expect(failure(Buffer.alloc(10_000_000, "#"))?.message).toContain("larger than");
  });

  test("is refused when it is not UTF-8", () => {
    expect(failure(Buffer.from([0x61, 0xff, 0x3a]))?.message).toContain("UTF-8");
  });

  test.each([
    ["bcrypt of cost 31", `a:$2y$31$${bcrypt.slice(7)}`],
    ["bcrypt of cost 15", `a:$2y$15$${bcrypt.slice(7)}`],
    ["bcrypt of cost 3", `a:$2y$03$${bcrypt.slice(7)}`],
    ["a billion rounds", `a:$6$rounds=999999999$${sha512.slice(3)}`],
    ["500001 rounds", `a:$5$rounds=500001$${sha256.slice(3)}`],
  ])("AUTH-07: is refused with %s, which would take the processor for a long time", (_, line) => {
    expect(failure(line)?.lineNumber).toBe(1);
  });

  test("takes fewer than 1000 rounds for 1000, as crypt(3) does", () => {
    expect(parse(`a:$5$rounds=10$${sha256.slice(3)}`).users.get("a")).toMatchObject({ rounds: 1000 });
  });
});
