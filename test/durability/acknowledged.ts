import { createHash } from "node:crypto";
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { Connection, type Endpoint } from "../load/connection.ts";

/** What may be under a tag: a manifest's digest, or nothing. */
type TagState = string | undefined;

/** One thing that the registry has acknowledged. */
export type Acknowledgement =
  | { readonly kind: "blob"; readonly repository: string; readonly digest: string }
  | { readonly kind: "manifest"; readonly repository: string; readonly digest: string; readonly text: string }
  | { readonly kind: "tag"; readonly repository: string; readonly tag: string; readonly digest: string }
  | { readonly kind: "tag deleted"; readonly repository: string; readonly tag: string }
  | { readonly kind: "chunk"; readonly repository: string; readonly target: string; readonly sizeBytes: number };

/**
 * What the registry has acknowledged, kept by the client in a file of its own that is synced before the next request.
 * A tag has one writer; a request that got no answer leaves two states possible, until the next that does.
 */
export class AcknowledgedSet {
  readonly #file: number;
  readonly #contents = new Map<string, Acknowledgement & { kind: "blob" | "manifest" }>();
  readonly #tags = new Map<string, readonly TagState[]>();

  constructor(file: string) {
    this.#file = openSync(file, "a");
  }

  /** How many blobs, manifests and tags are in it. */
  get size(): number {
    return this.#contents.size + this.#tags.size;
  }

  /** Notes what was acknowledged; when this returns, it is on the disk. */
  add(what: Acknowledgement): void {
    writeSync(this.#file, `${JSON.stringify(what)}\n`);
    fsyncSync(this.#file);
    if (what.kind === "blob" || what.kind === "manifest") this.#contents.set(`${what.repository}@${what.digest}`, what);
    else if (what.kind === "tag") this.#tags.set(`${what.repository}:${what.tag}`, [what.digest]);
    else if (what.kind === "tag deleted") this.#tags.set(`${what.repository}:${what.tag}`, [undefined]);
  }

  /** Says, before a request that changes a tag, what it may be afterwards whether the answer comes or not. */
  intend(repository: string, tag: string, digest: TagState): void {
    const states = this.#tags.get(`${repository}:${tag}`) ?? [undefined];
    this.#tags.set(`${repository}:${tag}`, [...states, digest]);
  }

  /**
   * Reads `share` (0 to 1) of it back, byte by byte, and answers a sentence for each thing that is not as it was
   * acknowledged.
   */
  async verify(endpoint: Endpoint, share = 1): Promise<string[]> {
    const connection = await Connection.open(endpoint);
    const losses: string[] = [];
    for (const content of this.#contents.values())
      if (Math.random() < share) losses.push(...(await verifyContent(connection, content)));
    for (const [name, states] of this.#tags) losses.push(...(await this.#verifyTag(connection, name, states)));
    connection.close();
    return losses;
  }

  close(): void {
    closeSync(this.#file);
  }

  // What a tag is seen to be after a restart, it has to stay: so the states that were possible become one.
  async #verifyTag(connection: Connection, name: string, states: readonly TagState[]): Promise<string[]> {
    const [repository, tag] = name.split(":");
    const { status, headers } = await connection.request("HEAD", `/v2/${repository}/manifests/${tag}`);
    const seen = status === 404 ? undefined : headers.get("docker-content-digest");
    if ((status !== 200 && status !== 404) || !states.includes(seen))
      return [`tag ${name}: answered ${status} ${String(seen)}, may be ${states.map(String).join(" or ")}`];
    this.#tags.set(name, [seen]);
    return [];
  }
}

async function verifyContent(
  connection: Connection,
  content: Acknowledgement & { kind: "blob" | "manifest" },
): Promise<string[]> {
  const { kind, repository, digest } = content;
  const name = `${kind} ${repository}@${digest}`;
  const { status, body } = await connection.request("GET", `/v2/${repository}/${kind}s/${digest}`);
  if (status !== 200) return [`${name}: answered ${status}`];
  if (kind === "manifest" && body.toString() !== content.text) return [`${name}: has other bytes`];
  if (`sha256:${createHash("sha256").update(body).digest("hex")}` !== digest) return [`${name}: has another digest`];
  return [];
}
