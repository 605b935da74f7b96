import { describe, expect, test } from "bun:test";

import { shaCrypt } from "./sha-crypt.ts";

const openssl = Bun.which("openssl");

describe("crypt(3) with SHA-256 and SHA-512", () => {
  // The passwords and salts of Drepper's paper; the hashes are glibc's.
  test.each([
    ["sha256", "saltstring", 5000, "Hello world!", "5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"],
    ["sha256", "saltstringsaltst", 10_000, "Hello world!", "3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA"],
    [
      "sha512",
      "saltstring",
      5000,
      "Hello world!",
      "svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
    ],
  ] as const)("%s with the salt %s and %d rounds is as glibc has it", (algorithm, salt, rounds, password, hash) => {
    expect(shaCrypt(Buffer.from(password), { algorithm, salt, rounds })).toBe(hash);
  });

  // Made by glibc: lengths at which one library goes wrong (docs/decisions/0012).
  test.each([
    ["sha256", 32, "0zc/2DbYdBlQrDzAcuV04.Yg9HI16Cc.BUi7BeGSwpB"],
    ["sha512", 64, "Miqng3o5gEjQovyoKBFqGSUbJ8uuok3Tyq85UAxV3z2Z5YgPjfRXUdbC37HtrJuqqCc0rLykDhmU7Gv/2QafG."],
  ] as const)("%s of a password of %d bytes is as glibc has it", (algorithm, length, hash) => {
    expect(shaCrypt(Buffer.from("q".repeat(length)), { algorithm, salt: "saltsalt", rounds: 1000 })).toBe(hash);
  });

  test.if(openssl !== null)(
    "agrees with openssl (which cuts at 256 bytes) at every length around the digests' and beyond ASCII",
    () => {
      for (const length of [1, 31, 32, 33, 64, 65, 128]) {
        for (const password of ["p".repeat(length), "ü".repeat(length)]) {
          for (const [option, algorithm] of [
            ["-5", "sha256"],
            ["-6", "sha512"],
          ] as const) {
            const run = Bun.spawnSync(["openssl", "passwd", option, "-salt", "a.b/c", password]);
            const computed = shaCrypt(Buffer.from(password), { algorithm, salt: "a.b/c", rounds: 5000 });
            expect(run.stdout.toString().trim()).toEndWith(`$a.b/c$${computed}`);
          }
        }
      }
    },
    60_000,
  );
});
