import { hash } from "node:crypto";
import { crc32 } from "node:zlib";

import { isUlid, type Ulid } from "./ulid.ts";

/** Which access key, for ever; it is no secret. */
export type AccessKeyId = Ulid;

/**
 * A text that somebody gave as a password or as a token. `damaged`: it is meant as an access key, and somebody copied a part of it,
 * or mistyped it; nobody has to look up anything to know that.
 */
export type AccessKeyReading =
  | { readonly kind: "none" }
  | { readonly kind: "damaged"; readonly id: AccessKeyId }
  | { readonly kind: "key"; readonly id: AccessKeyId; readonly digest: Uint8Array };

/** How many random bytes make a key. */
export const accessKeySecretBytes = 32;

/** Every key, and nothing else that anybody writes: for scanners that look for secrets. */
export const accessKeyPattern = "dozo_[0-7][0-9A-HJKMNP-TV-Z]{25}_[0-9A-Za-z]{49}";

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** Of base 62: the secret's bits, and the checksum's. */
const secretLength = 43;
const checksumLength = 6;

const start = /^dozo_([0-9A-Z]{26})_/;
const whole = new RegExp(`^${accessKeyPattern}$`);

/**
 * Writes a key: `dozo_`, its id, `_`, 43 digits of base 62 that are the secret, 6 that are the CRC-32 of everything before them.
 * The secret has to be `accessKeySecretBytes` random bytes.
 */
export function writeAccessKey(id: AccessKeyId, secret: Uint8Array): string {
  if (secret.byteLength !== accessKeySecretBytes) throw new RangeError("the secret of an access key has 32 bytes");
  const body = `dozo_${id}_${secretDigits(secret)}`;
  return body + checksumOf(body);
}

/** Reads what may be an access key, without asking anybody whether there is one of this id. */
export function readAccessKey(text: string): AccessKeyReading {
  const id = start.exec(text)?.[1];
  if (id === undefined || !isUlid(id)) return { kind: "none" };
  if (!whole.test(text)) return { kind: "damaged", id };
  // No secret is compared here: whoever has the rest of the key can compute its checksum.
  const isWhole = checksumOf(text.slice(0, -checksumLength)) === text.slice(-checksumLength);
  return isWhole ? { kind: "key", id, digest: digestAccessKey(text) } : { kind: "damaged", id };
}

/** SHA-256 of a whole key. It needs no slow hash: nobody can guess 256 random bits. */
export function digestAccessKey(text: string): Uint8Array {
  return hash("sha256", text, "buffer");
}

/** Computed for every request with a key, and so without big numbers. */
function checksumOf(body: string): string {
  let rest = crc32(body);
  let text = "";
  for (let count = 0; count < checksumLength; count++) {
    text = `${digits[rest % 62] ?? ""}${text}`;
    rest = Math.floor(rest / 62);
  }
  return text;
}

function secretDigits(secret: Uint8Array): string {
  let rest = BigInt(`0x${Buffer.from(secret).toString("hex")}`);
  let text = "";
  for (let count = 0; count < secretLength; count++) {
    text = `${digits[Number(rest % 62n)] ?? ""}${text}`;
    rest /= 62n;
  }
  return text;
}
