import { Connection, type Endpoint } from "../load/connection.ts";
import { Content } from "../load/content.ts";
import { endChunked, expectStatus, locationOf, sendChunked, startUpload, withDigest } from "../load/push-pull.ts";
import type { AcknowledgedSet } from "./acknowledged.ts";

const mediaType = "application/vnd.oci.image.manifest.v1+json";

/** An upload of which chunks have been acknowledged and which is to be gone on with. */
interface OpenUpload {
  readonly repository: string;
  readonly content: Content;
  target: string;
  acknowledgedBytes: number;
}

/**
 * A client that pushes images into a repository of its own, one after the other, and notes what is acknowledged. It
 * goes on after the server was killed: with the upload that was open, from where the server says it stands.
 */
export class Pusher {
  readonly #repository: string;
  readonly #acknowledged: AcknowledgedSet;
  readonly #onAcknowledged: () => void;
  /** How many uploads were gone on with after a kill. */
  resumed = 0;
  /**
   * How many of them had fewer bytes than their last chunk's 202 had said. That is allowed: a 202 says that bytes came, only a
   * 201 that they stay; the client is told where to go on.
   */
  steppedBack = 0;
  #open: OpenUpload | undefined;
  #images = 0;

  constructor(repository: string, acknowledged: AcknowledgedSet, onAcknowledged: () => void) {
    this.#repository = repository;
    this.#acknowledged = acknowledged;
    this.#onAcknowledged = onAcknowledged;
  }

  /**
   * Pushes until `isOver`, or until the connection breaks, which is how this ends when the server is killed. Throws when the
   * server refuses what it must not refuse.
   */
  async run(endpoint: Endpoint, isOver: () => boolean): Promise<void> {
    const connection = await Connection.open(endpoint);
    if (this.#open !== undefined) await this.#resume(connection, this.#open);
    while (!isOver()) await this.#pushImage(connection);
    connection.close();
  }

  async #pushImage(connection: Connection): Promise<void> {
    this.#images += 1;
    const name = `${this.#repository} ${this.#images}`;
    const config = new Content(`${name} config`, 200 + (this.#images % 50));
    const middling = new Content(`${name} middling`, 65_000 + 300 * (this.#images % 4));
    const large = new Content(`${name} large`, 100_000 + Math.floor(Math.random() * 900_000));
    const blobs = [config, middling, large];
    await this.#pushWhole(connection, config);
    await this.#pushStreamed(connection, middling);
    if (this.#images % 2 === 0) await this.#pushInChunks(connection, large);
    else await this.#pushMonolithic(connection, large);
    await this.#pushManifest(connection, blobs);
  }

  /** One POST with the digest and all the bytes. */
  async #pushWhole(connection: Connection, content: Content): Promise<void> {
    const target = withDigest(`/v2/${this.#repository}/blobs/uploads/`, content.digest());
    const body = Buffer.concat([...content.parts(0, content.sizeBytes)]);
    expectStatus("POST of a blob", await connection.request("POST", target, { body }), 201);
    this.#noteBlob(content);
  }

  /** POST, then one PUT. */
  async #pushMonolithic(connection: Connection, content: Content): Promise<void> {
    const target = withDigest(await startUpload(connection, this.#repository), content.digest());
    const body = Buffer.concat([...content.parts(0, content.sizeBytes)]);
    expectStatus("PUT of a blob", await connection.request("PUT", target, { body }), 201);
    this.#noteBlob(content);
  }

  /** POST, one PATCH in the chunked coding, PUT: as Docker does it. */
  async #pushStreamed(connection: Connection, content: Content): Promise<void> {
    const target = await startUpload(connection, this.#repository);
    await connection.sendHead("PATCH", target, { "Transfer-Encoding": "chunked" });
    await sendChunked(connection, content, 0, content.sizeBytes);
    await endChunked(connection);
    const patched = await connection.readHead();
    expectStatus("PATCH of an upload", patched, 202);
    await this.#finish(connection, locationOf(patched), content);
  }

  /** POST, several PATCHes with a Content-Range, PUT. */
  async #pushInChunks(connection: Connection, content: Content): Promise<void> {
    const target = await startUpload(connection, this.#repository);
    const upload = { repository: this.#repository, content, target, acknowledgedBytes: 0 };
    this.#open = upload;
    await this.#sendChunks(connection, upload, 0);
  }

  async #sendChunks(connection: Connection, upload: OpenUpload, from: number): Promise<void> {
    const { content } = upload;
    const chunkBytes = Math.ceil(content.sizeBytes / 3);
    for (let start = from; start < content.sizeBytes; start += chunkBytes) {
      const end = Math.min(content.sizeBytes, start + chunkBytes);
      const body = Buffer.concat([...content.parts(start, end)]);
      const headers = { "Content-Range": `${start}-${end - 1}` };
      const answer = await connection.request("PATCH", upload.target, { headers, body });
      expectStatus("PATCH of a chunk", answer, 202);
      upload.target = locationOf(answer);
      upload.acknowledgedBytes = end;
      const { repository, target } = upload;
      this.#acknowledged.add({ kind: "chunk", repository, target, sizeBytes: end });
      this.#onAcknowledged();
    }
    await this.#finish(connection, upload.target, content);
    this.#open = undefined;
  }

  /** Goes on with an upload after a restart. It may have been committed without the answer having come. */
  async #resume(connection: Connection, upload: OpenUpload): Promise<void> {
    const status = await connection.request("GET", upload.target);
    if (status.status === 404) {
      const wasWhole = upload.acknowledgedBytes === upload.content.sizeBytes;
      const { status: blob } = await connection.request(
        "HEAD",
        `/v2/${upload.repository}/blobs/${upload.content.digest()}`,
      );
      if (blob !== 200) throw new Error(`an upload with ${upload.acknowledgedBytes} acknowledged bytes is gone`);
      if (!wasWhole) throw new Error("an upload was committed before all of it was there");
      this.#open = undefined;
      return;
    }
    expectStatus("GET of an upload", status, 204);
    const range = status.headers.get("range") ?? "0-0";
    const last = Number(range.slice(range.indexOf("-") + 1));
    const length = last === 0 ? 0 : last + 1;
    this.resumed += 1;
    if (length < upload.acknowledgedBytes) this.steppedBack += 1;
    await this.#sendChunks(connection, upload, length);
  }

  async #finish(connection: Connection, target: string, content: Content): Promise<void> {
    const answer = await connection.request("PUT", withDigest(target, content.digest()), { body: "" });
    expectStatus("PUT of an upload", answer, 201);
    this.#noteBlob(content);
  }

  /** A manifest under one of a few tags that move, and now and then one of them deleted. */
  async #pushManifest(connection: Connection, [config, ...layers]: readonly Content[]): Promise<void> {
    const tag = `t${this.#images % 5}`;
    const text = JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: descriptorOf("application/vnd.oci.image.config.v1+json", config),
      layers: layers.map((layer) => descriptorOf("application/vnd.oci.image.layer.v1.tar", layer)),
    });
    const repository = this.#repository;
    const digest = `sha256:${new Bun.CryptoHasher("sha256").update(text).digest("hex")}`;
    this.#acknowledged.intend(repository, tag, digest);
    const target = `/v2/${repository}/manifests/${tag}`;
    const put = await connection.request("PUT", target, { headers: { "Content-Type": mediaType }, body: text });
    expectStatus("PUT of a manifest", put, 201);
    this.#acknowledged.add({ kind: "manifest", repository, digest, text });
    this.#acknowledged.add({ kind: "tag", repository, tag, digest });
    this.#onAcknowledged();
    if (this.#images % 3 !== 0) return;
    this.#acknowledged.intend(repository, tag, undefined);
    expectStatus("DELETE of a tag", await connection.request("DELETE", target), 202);
    this.#acknowledged.add({ kind: "tag deleted", repository, tag });
    this.#onAcknowledged();
  }

  #noteBlob(content: Content): void {
    this.#acknowledged.add({ kind: "blob", repository: this.#repository, digest: content.digest() });
    this.#onAcknowledged();
  }
}

function descriptorOf(type: string, content: Content | undefined): unknown {
  return { mediaType: type, digest: content?.digest(), size: content?.sizeBytes };
}
