import { createHash } from "node:crypto";

export interface ShaCryptParameters {
  readonly algorithm: "sha256" | "sha512";
  readonly salt: string;
  readonly rounds: number;
}

const itoa64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const digestBytes = { sha256: 32, sha512: 64 } as const;

/**
 * The hash part of crypt(3)'s `$5$` and `$6$`, as Drepper's "Unix crypt using SHA-256 and SHA-512" numbers the steps.
 * Our own, because the library that does it is wrong for passwords of 32, 64, 96, … bytes: docs/decisions/0012.
 * Takes the calling thread: some milliseconds for 5000 rounds.
 */
export function shaCrypt(password: Uint8Array, { algorithm, salt, rounds }: ShaCryptParameters): string {
  const size = digestBytes[algorithm];
  const saltBytes = Buffer.from(salt);
  const hash = (...parts: readonly Uint8Array[]): Buffer => {
    const state = createHash(algorithm);
    for (const part of parts) state.update(part);
    return state.digest();
  };

  const b = hash(password, saltBytes, password); // 4-8
  const lengthBits: Uint8Array[] = []; // 11
  for (let rest = password.length; rest > 0; rest >>= 1) lengthBits.push((rest & 1) === 1 ? b : password);
  const a = hash(password, saltBytes, repeated(b, password.length), ...lengthBits); // 1-12

  const p = repeated(hash(...Array.from<Uint8Array>({ length: password.length }).fill(password)), password.length); // 13-16
  const saltTimes = 16 + a.readUInt8(0);
  const s = repeated(hash(...Array.from<Uint8Array>({ length: saltTimes }).fill(saltBytes)), saltBytes.length); // 17-20

  let c = a;
  for (let round = 0; round < rounds; round++) {
    // 21
    const isOdd = round % 2 === 1;
    const state = createHash(algorithm).update(isOdd ? p : c);
    if (round % 3 !== 0) state.update(s);
    if (round % 7 !== 0) state.update(p);
    c = state.update(isOdd ? c : p).digest();
  }
  return encoded(c, size);
}

/** The digest, as often and as far as the length asks. */
function repeated(digest: Uint8Array, lengthBytes: number): Buffer {
  return Buffer.alloc(lengthBytes, digest);
}

/** 22: three bytes at a time in a rotating order, the least significant six bits first. */
function encoded(digest: Buffer, size: 32 | 64): string {
  const third = Math.floor(size / 3);
  // SHA-256's order steps backwards through the thirds, SHA-512's forwards.
  const step = size === 32 ? 2 : 1;
  let text = "";
  for (let index = 0; index < third; index++) {
    const turn = (index * step) % 3;
    const at = (place: number): number => digest.readUInt8(((turn + place) % 3) * third + index);
    text += base64((at(0) << 16) | (at(1) << 8) | at(2), 4);
  }
  if (size === 32) return text + base64((digest.readUInt8(31) << 8) | digest.readUInt8(30), 3);
  return text + base64(digest.readUInt8(63), 2);
}

function base64(bits: number, characters: number): string {
  return Array.from({ length: characters }, (_, index) => itoa64[(bits >> (6 * index)) & 63]).join("");
}
