import { afterEach, describe, expect, test } from "bun:test";

import { type HtpasswdHash, parseHtpasswd } from "./htpasswd-entries.ts";
import { SlowHashes } from "./slow-hashes.ts";

// Made by htpasswd, "crypt(3)" and openssl; the password of all is the same.
const password = "correct horse";
const hashes = {
  bcrypt: "$2y$04$TjWPqO15/HX9uvNIxbWfbu64yR10kKW3cdLabmzmYPoBx7dX9qTHK",
  apr1: "$apr1$RNKL/Yio$rAH4OqsUjAO4N.ZBkJFEl1",
  sha1: "{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=",
  sha256: "$5$bHGqnv1QgiMrSnvy$UgSfW6kVymXz8DZ6h0R67nCopPsvNoEzsjc7JBByGI8",
  sha512: "$6$0FwfOWaCbT5CPZc3$r9xm4pZiI58iI351sb02mg6jrNxWMGFdqTPxNX5coQTxYIMe.jQTu6lCc1Oy0zsSZ2ywq4xfrEnM.PVEHZRUr0",
};
const bcryptOf80 = "$2y$04$56j2YIc0CdQ6/Sj7ADbd.e0But4UHTna42UKUFkjCH1r6qOXVgdq.";

let open: SlowHashes[] = [];

afterEach(async () => {
  for (const slowHashes of open) await slowHashes.stop();
  open = [];
});

function make(): SlowHashes {
  const slowHashes = new SlowHashes();
  open.push(slowHashes);
  return slowHashes;
}

function parsed(text: string): HtpasswdHash {
  const hash = parseHtpasswd(Buffer.from(`user:${text}`)).users.get("user");
  if (hash === undefined) throw new Error("no hash");
  return hash;
}

describe("AUTH-01: a password", () => {
  test.each(Object.entries(hashes))("is verified by its %s", async (_, text) => {
    const slowHashes = make();

    expect(await slowHashes.matches(password, parsed(text))).toBeTrue();
    expect(await slowHashes.matches("correct horsE", parsed(text))).toBeFalse();
    expect(slowHashes.started).toBe(2);
  });

  test("beyond ASCII is verified by an APR1 hash of openssl", async () => {
    expect(await make().matches("Grüße", parsed("$apr1$abcdefgh$mQGuToDT8YYjBCq6bI.2k0"))).toBeTrue();
  });

  test.if(Bun.which("htpasswd") !== null)(
    "of any length is verified by what htpasswd makes of it",
    async () => {
      const slowHashes = make();
      for (const option of ["-nbB", "-nbm", "-nbs", "-nb2", "-nb5"]) {
        for (const made of ["x", "Grüße €", "y".repeat(16), "z".repeat(32), "z".repeat(64), "ü".repeat(50)]) {
          const line = Bun.spawnSync(["htpasswd", option, "user", made]).stdout.toString().trim();
          expect(await slowHashes.matches(made, parsed(line.slice(5)))).toBeTrue();
          expect(await slowHashes.matches(`-${made}`, parsed(line.slice(5)))).toBeFalse();
        }
      }
    },
    60_000,
  );
});

describe("AUTH-06: a password of 80 bytes that bcrypt has hashed, as htpasswd does", () => {
  test.each([
    [80, true],
    [73, true],
    [72, true],
    [71, false],
  ])("is right with its first %d bytes: %p, for bcrypt knows 72", async (length, isRight) => {
    expect(await make().matches("a".repeat(length), parsed(bcryptOf80))).toBe(isRight);
  });
});

describe("AUTH-07: slow hashes", () => {
  test("go on after one that could not be computed", async () => {
    const slowHashes = make();

    expect(await slowHashes.matches(password, { scheme: "argon2id", text: "rubbish" }).catch(String)).toContain(
      "argon2id could not be computed",
    );
    expect(await slowHashes.matches(password, parsed(hashes.apr1))).toBeTrue();
  });

  test("that run at once are answered to whoever asked", async () => {
    const slowHashes = make();
    const questions = Object.values(hashes).flatMap((text) => [
      slowHashes.matches(password, parsed(text)),
      slowHashes.matches("another", parsed(text)),
    ]);

    expect(await Promise.all(questions)).toEqual(Object.values(hashes).flatMap(() => [true, false]));
  });

  test("fail when they are stopped, those that come later too", async () => {
    const slowHashes = make();
    const underWay = slowHashes.matches(password, parsed(hashes.bcrypt)).catch(String);

    await slowHashes.stop();

    expect(await underWay).toContain("stopping");
    expect(await slowHashes.matches(password, parsed(hashes.bcrypt)).catch(String)).toContain("stopping");
  });
});
