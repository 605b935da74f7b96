import { spawn } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import type { Content } from "./content.ts";
import type { Peer } from "./peers.ts";

/*
 * Bulk transfers by curl, at low priority: a client that everybody has, that sends as Docker does (small writes, one
 * connection a request), and that is written in none of the languages that are compared.
 */

/** What is sent: a file with a content, and the digest of it. */
export interface ContentFile {
  readonly path: string;
  readonly digest: string;
}

/** Writes a content to a file, so that it is in the page cache when it is sent. */
export function writeContent(content: Content, path: string): ContentFile {
  const fd = openSync(path, "w");
  for (const part of content.parts(0, content.sizeBytes)) writeSync(fd, part);
  closeSync(fd);
  return { path, digest: content.digest() };
}

/** Pushes in Docker's way (POST, chunked PATCH, PUT) or with one PUT of known length; answers the seconds. */
export function curlPush(peer: Peer, repository: string, file: ContentFile, flow: "docker" | "put"): Promise<number> {
  const body =
    flow === "docker"
      ? `location=$(send -X PATCH -H 'Transfer-Encoding: chunked' -T '${file.path}' -o /dev/null -w '%header{location}' "$(full "$location")")
         send -X PUT -o /dev/null "$(digested "$location")"`
      : `send -X PUT -T '${file.path}' -o /dev/null "$(digested "$location")"`;
  return shell(
    peer,
    `location=$(send -X POST -o /dev/null -w '%header{location}' "$base/v2/${repository}/blobs/uploads/")
     full() { case $1 in /*) printf '%s' "$base$1" ;; *) printf '%s' "$1" ;; esac; }
     digested() { case $1 in *\\?*) printf '%s&digest=${file.digest}' "$(full "$1")" ;; *) printf '%s?digest=${file.digest}' "$(full "$1")" ;; esac; }
     ${body}`,
  );
}

/** Pulls a blob and throws it away; answers the seconds. */
export function curlPull(peer: Peer, repository: string, digest: string): Promise<number> {
  return shell(peer, `send -o /dev/null "$base/v2/${repository}/blobs/${digest}"`);
}

async function shell({ endpoint }: Peer, script: string): Promise<number> {
  const send = `send() { curl -fsSk -H "Authorization: $AUTHORIZATION" -H 'Expect:' -H 'Content-Type: application/octet-stream' "$@"; }`;
  const startedAt = performance.now();
  const child = spawn(
    "nice",
    ["-n", "15", "sh", "-euc", `base=https://127.0.0.1:${endpoint.port}\n${send}\n${script}`],
    {
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, AUTHORIZATION: endpoint.authorization },
    },
  );
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once("error", reject);
  child.once("exit", (code) => {
    if (code === 0) resolve((performance.now() - startedAt) / 1000);
    else reject(new Error(`curl ended with ${String(code)}`));
  });
  return promise;
}
