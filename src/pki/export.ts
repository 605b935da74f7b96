import { createPrivateKey } from "node:crypto";

import { readAuthority, readTrust } from "./open.ts";
import type { PkiFiles } from "./pki-files.ts";

/** So that trying out all passphrases takes longer than the authority lives: the format stretches them little. */
export const shortestPassphrase = 20;

/**
 * What clients have to trust, as PEM; with a passphrase also the intermediate and its key, encrypted (PKCS#8, RFC 5958 with AES-256):
 * all that is needed to go on elsewhere as this authority. `undefined` where there is none. Throws for a passphrase that is too short.
 */
export async function exportAuthority(files: PkiFiles, passphrase: string | undefined): Promise<string | undefined> {
  const trustPem = await readTrust(files);
  if (trustPem === undefined || passphrase === undefined) return trustPem;
  if (passphrase.length < shortestPassphrase)
    throw new RangeError(`the passphrase has less than ${shortestPassphrase} characters`);
  const authority = await readAuthority(files);
  if (authority === undefined) return undefined;
  const encrypted = createPrivateKey(authority.keyPem).export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase,
  });
  return `${trustPem}${authority.intermediatePem}${encrypted}`;
}
