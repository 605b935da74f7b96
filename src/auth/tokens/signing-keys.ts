import { randomBytes } from "node:crypto";
import {
  base64url,
  calculateJwkThumbprint,
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
} from "jose";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../log.ts";

/** The folder of the keys: private, and a file in it is there whole or not at all. */
interface KeyFiles {
  read(name: string): Promise<string | undefined>;
  write(name: string, text: string): Promise<void>;
}

export interface SigningKeysOptions {
  readonly files: KeyFiles;
  readonly clock: Clock;
  readonly log: Log;
}

interface SigningKey {
  /** The whole protected header of every token that it signs. */
  readonly header: { readonly alg: "EdDSA"; readonly kid: string; readonly typ: "JWT" };
  /** The header as it stands at the front of a token. */
  readonly encodedHeader: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly madeAt: number;
  readonly jwk: JWK;
}

const file = "signing.key";
const dayMs = 24 * 60 * 60 * 1000;
const signsForMs = 30 * dayMs;
/** So long after it was replaced a key's tokens are still good: none of them lives as long. */
const overlapMs = 60 * 60 * 1000;

/**
 * The Ed25519 keys (RFC 8032) that tokens are signed with: one that signs, and for an hour the one before it. They stand in the
 * data folder. When they are lost or cannot be read others are made, and clients fetch other tokens.
 */
export class SigningKeys {
  readonly #options: SigningKeysOptions;
  /** The newest first, two at most. */
  #keys: readonly SigningKey[];
  /** Who signs, in each token; no two registries have the same. */
  readonly issuer: string;
  /** For what a token says that nobody else is to find out about. */
  readonly secret: Uint8Array;

  private constructor(options: SigningKeysOptions, { issuer, secret, keys }: Kept) {
    this.#options = options;
    this.issuer = issuer;
    this.secret = secret;
    this.#keys = keys;
  }

  static async open(options: SigningKeysOptions): Promise<SigningKeys> {
    const kept = await readKept(options);
    const keys = new SigningKeys(options, kept ?? { issuer: `dozo/${random(12)}`, secret: randomBytes(32), keys: [] });
    await keys.rotateIfDue();
    return keys;
  }

  /** The key that signs now. */
  get current(): SigningKey {
    const [newest] = this.#keys;
    if (newest === undefined) throw new Error("there is no key to sign tokens with");
    return newest;
  }

  /**
   * The key whose tokens begin with this header, byte for byte, while it counts. So nothing that a token says is taken for a
   * key, an algorithm or the place of one.
   */
  find(encodedHeader: string): CryptoKey | undefined {
    const [newest, previous] = this.#keys;
    if (newest?.encodedHeader === encodedHeader) return newest.publicKey;
    if (previous?.encodedHeader !== encodedHeader || newest === undefined) return undefined;
    const sinceMs = this.#options.clock.now() - newest.madeAt;
    return sinceMs < overlapMs ? previous.publicKey : undefined;
  }

  /** Makes another key once the newest has signed for 30 days. To be asked at least once an hour. */
  async rotateIfDue(): Promise<void> {
    const { clock, files, log } = this.#options;
    const [newest] = this.#keys;
    if (newest !== undefined && clock.now() - newest.madeAt < signsForMs) return;
    const keys = [await makeKey(clock.now()), ...this.#keys].slice(0, 2);
    // Before it signs: a token must not outlive its key only because the process ended.
    await files.write(file, write({ issuer: this.issuer, secret: this.secret, keys }));
    this.#keys = keys;
    if (newest !== undefined) log.info("another key signs tokens now", { keyId: keys[0]?.header.kid });
  }
}

interface Kept {
  readonly issuer: string;
  readonly secret: Uint8Array;
  readonly keys: readonly SigningKey[];
}

async function makeKey(now: number): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  return toKey(await exportJWK(privateKey), now);
}

async function toKey(jwk: JWK, madeAt: number): Promise<SigningKey> {
  const { kty, crv, x, d } = jwk;
  if (kty !== "OKP" || crv !== "Ed25519" || x === undefined || d === undefined) throw new Error("it is no Ed25519 key");
  const header = { alg: "EdDSA", kid: await calculateJwkThumbprint({ kty, crv, x }), typ: "JWT" } as const;
  const [privateKey, publicKey] = await Promise.all([
    importJWK({ kty, crv, x, d }, "EdDSA"),
    importJWK({ kty, crv, x }, "EdDSA"),
  ]);
  if (privateKey instanceof Uint8Array || publicKey instanceof Uint8Array) throw new Error("it is no key pair");
  const encodedHeader = base64url.encode(JSON.stringify(header));
  return { header, encodedHeader, privateKey, publicKey, madeAt, jwk: { kty, crv, x, d } };
}

function write({ issuer, secret, keys }: Kept): string {
  const written = keys.map(({ jwk, madeAt }) => ({ madeAt, jwk }));
  return `${JSON.stringify({ issuer, secret: base64url.encode(secret), keys: written }, undefined, 2)}\n`;
}

async function readKept({ files, log }: SigningKeysOptions): Promise<Kept | undefined> {
  try {
    const text = await files.read(file);
    return text === undefined ? undefined : await parse(text);
  } catch (error) {
    log.warn("the keys for tokens cannot be used and others are made; clients fetch new tokens", { error });
    return undefined;
  }
}

async function parse(text: string): Promise<Kept> {
  const { issuer, secret, keys } = JSON.parse(text) as Readonly<Record<string, unknown>>;
  if (typeof issuer !== "string" || typeof secret !== "string" || !Array.isArray(keys))
    throw new Error("it is damaged");
  const read = (keys as readonly { readonly jwk: JWK; readonly madeAt: unknown }[]).map(({ jwk, madeAt }) => {
    if (typeof madeAt !== "number") throw new Error("it is damaged");
    return toKey(jwk, madeAt);
  });
  return { issuer, keys: await Promise.all(read), secret: base64url.decode(secret) };
}

function random(sizeBytes: number): string {
  return base64url.encode(randomBytes(sizeBytes));
}
