import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Names for sockets that only this process uses, beside its control socket: in a folder that only the owner may enter, each
 * as long as that one's and of 72 random bits. What an earlier process left there is removed: the caller holds the data folder's lock.
 */
export function preparePrivateSockets(controlSocket: string): { fresh(): string; remove(path: string): void } {
  const folder = dirname(controlSocket);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (form.test(entry.name) && entry.isSocket()) rmSync(`${folder}/${entry.name}`, { force: true });
  }
  return {
    fresh: () => `${folder}/${randomBytes(9).toString("base64url")}`,
    remove: (path) => rmSync(path, { force: true }),
  };
}

const form = /^[A-Za-z0-9_-]{12}$/;
