import { expect, test } from "bun:test";
import { sealKeys, UnsealingError, unsealKeys } from "./sealed-keys.ts";

const passphrase = "correct horse battery";
const files = { "pki/ca.key": "-----BEGIN PRIVATE KEY-----\nMC4\n", "tokens/signing.key": "ö" };
const sealed = sealKeys(files, passphrase);

test("what was sealed is opened by the same passphrase, and nothing of it can be read before", () => {
  expect(unsealKeys(sealed, passphrase)).toEqual(files);
  expect(sealed).not.toContain("PRIVATE");
  expect(sealed).not.toContain("ca.key");
});

test("another passphrase, a changed bit and a cost that would take all memory are refused alike", () => {
  expect(() => unsealKeys(sealed, `${passphrase}.`)).toThrow(UnsealingError);
  const document = JSON.parse(sealed) as { kdf: { n: number }; data: string; cipher: { tag: string } };
  const changed = Buffer.from(document.data, "base64");
  changed[3] = (changed[3] ?? 0) ^ 4;
  expect(() => unsealKeys(JSON.stringify({ ...document, data: changed.toString("base64") }), passphrase)).toThrow(
    UnsealingError,
  );
  // A tag cut short would be guessed soon.
  const short = {
    ...document.cipher,
    tag: Buffer.from(document.cipher.tag, "base64").subarray(0, 4).toString("base64"),
  };
  expect(() => unsealKeys(JSON.stringify({ ...document, cipher: short }), passphrase)).toThrow(UnsealingError);
  const costly = { ...document.kdf, n: 2 ** 30 };
  expect(() => unsealKeys(JSON.stringify({ ...document, kdf: costly }), passphrase)).toThrow(UnsealingError);
  expect(() => unsealKeys("", passphrase)).toThrow(UnsealingError);
});
