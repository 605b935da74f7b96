import { createHash } from "node:crypto";

const blockBytes = 4 * 1024 * 1024;

/**
 * Bytes that do not compress and that everybody can make again from a text: a random block of 4 MiB, repeated and cut.
 * Nothing is read from a disk, so a client costs the machine as little as can be.
 */
export class Content {
  readonly sizeBytes: number;
  readonly #block: Uint8Array;

  constructor(seed: string, sizeBytes: number) {
    this.sizeBytes = sizeBytes;
    const outputLength = Math.max(1, Math.min(blockBytes, sizeBytes));
    this.#block = createHash("shake256", { outputLength }).update(seed).digest();
  }

  /** The digest of the whole. */
  digest(): string {
    const hash = createHash("sha256");
    for (const part of this.parts(0, this.sizeBytes)) hash.update(part);
    return `sha256:${hash.digest("hex")}`;
  }

  /** The bytes from `start` up to and without `end`, in parts of at most `maxPartBytes`. */
  *parts(start: number, end: number, maxPartBytes = blockBytes): Generator<Uint8Array> {
    let at = start;
    while (at < end) {
      const inBlock = at % this.#block.length;
      const length = Math.min(this.#block.length - inBlock, end - at, maxPartBytes);
      yield this.#block.subarray(inBlock, inBlock + length);
      at += length;
    }
  }

  /** Whether `bytes` are those that stand at `offset`. */
  matches(bytes: Uint8Array, offset: number): boolean {
    let seen = 0;
    for (const part of this.parts(offset, Math.min(this.sizeBytes, offset + bytes.length))) {
      if (Buffer.compare(part, bytes.subarray(seen, seen + part.length)) !== 0) return false;
      seen += part.length;
    }
    return seen === bytes.length;
  }
}
