import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from "node:crypto";

/*
 * A file with secrets, sealed with a passphrase: JSON of
 *
 *   { "format": 1,
 *     "kdf": { "name": "scrypt", "n": 131072, "r": 8, "p": 1, "salt": BASE64 of 16 bytes },
 *     "cipher": { "name": "aes-256-gcm", "iv": BASE64 of 12 bytes, "tag": BASE64 of 16 bytes },
 *     "data": BASE64 }
 *
 * The key is scrypt (RFC 7914) of the passphrase in UTF-8. `data` is the AES-256-GCM (NIST SP 800-38D) of JSON: an object of
 * texts, by file name. Its additional data is `dozo sealed keys 1`. Salt and iv are new for each sealing.
 */

/** The passphrase is not the one that the file was sealed with, or the file was changed: nobody can tell which. */
export class UnsealingError extends Error {
  override readonly name = "UnsealingError";
}

interface Sealed {
  readonly format: 1;
  readonly kdf: { readonly name: "scrypt"; readonly n: number; readonly r: number; readonly p: number; salt: string };
  readonly cipher: { readonly name: "aes-256-gcm"; readonly iv: string; readonly tag: string };
  readonly data: string;
}

/** What is shorter can be guessed by whoever finds a backup. */
export const leastPassphraseLength = 12;

const cost = { n: 131_072, r: 8, p: 1 } as const;
// What a file may ask for: nobody lets a stranger's file take all memory.
const mostCost = { n: 1_048_576, r: 8, p: 4 } as const;
const additionalData = Buffer.from("dozo sealed keys 1");

/** Seals texts, by name. */
export function sealKeys(files: Readonly<Record<string, string>>, passphrase: string): string {
  const salt = randomBytes(16);
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", deriveKey(passphrase, salt, cost), iv).setAAD(additionalData);
  const data = Buffer.concat([cipher.update(JSON.stringify(files), "utf8"), cipher.final()]);
  const sealed: Sealed = {
    format: 1,
    kdf: { name: "scrypt", ...cost, salt: salt.toString("base64") },
    cipher: { name: "aes-256-gcm", iv: iv.toString("base64"), tag: cipher.getAuthTag().toString("base64") },
    data: data.toString("base64"),
  };
  return `${JSON.stringify(sealed, undefined, 2)}\n`;
}

/** The texts that were sealed. Throws `UnsealingError`. */
export function unsealKeys(text: string, passphrase: string): Readonly<Record<string, string>> {
  try {
    const { format, kdf, cipher, data } = JSON.parse(text) as Sealed;
    if (format !== 1 || kdf.name !== "scrypt" || cipher.name !== "aes-256-gcm") throw new Error("another format");
    const key = deriveKey(passphrase, Buffer.from(kdf.salt, "base64"), kdf);
    const iv = Buffer.from(cipher.iv, "base64");
    const opened = createDecipheriv("aes-256-gcm", key, iv, { authTagLength: 16 })
      .setAAD(additionalData)
      .setAuthTag(Buffer.from(cipher.tag, "base64"));
    const plain = Buffer.concat([opened.update(Buffer.from(data, "base64")), opened.final()]);
    return JSON.parse(plain.toString("utf8")) as Readonly<Record<string, string>>;
  } catch (cause) {
    throw new UnsealingError("the passphrase does not open the keys, or their file was changed", { cause });
  }
}

function deriveKey(passphrase: string, salt: Buffer, { n, r, p }: Omit<Sealed["kdf"], "name" | "salt">): Buffer {
  if (n > mostCost.n || r > mostCost.r || p > mostCost.p) throw new Error("the sealing asks for too much memory");
  return scryptSync(passphrase, salt, 32, { N: n, r, p, maxmem: 2 * 128 * n * r });
}
