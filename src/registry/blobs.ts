import type { OutgoingBody } from "../core/blob-store.ts";
import type { ByteRange } from "../core/byte-range.ts";
import type { Digest } from "../core/digest.ts";
import { RegistryError } from "../core/error.ts";
import type { BlobRecord } from "../core/metadata-store.ts";
import type { Principal } from "../core/principal.ts";
import type { RepositoryName } from "../core/repository-name.ts";
import type { RegistryPorts } from "./ports.ts";
import type { Verification } from "./verification.ts";

/** What is asked about the bytes of a blob before they are sent. */
type Soundness = Pick<Verification, "isInDoubt" | "doubt">;

/** Finished blobs, as a repository has them: what another repository has is not there. */
export class Blobs {
  readonly #ports: RegistryPorts;
  readonly #soundness: Soundness | undefined;

  /** Without `soundness` nothing is in doubt. */
  constructor(ports: RegistryPorts, soundness?: Soundness) {
    this.#ports = ports;
    this.#soundness = soundness;
  }

  /** What it tells of is leased: it stays for who asked. Throws `BLOB_UNKNOWN`. */
  async stat(repository: RepositoryName, digest: Digest): Promise<BlobRecord> {
    const { metadata, leases } = this.#ports;
    const record = await metadata.findBlob(repository, digest);
    if (record === undefined || !(await leases.holdBlob(repository, record))) throw unknownBlob(digest);
    return record;
  }

  /** The bytes of a record that `stat` gave, or a range of them. Throws `UNAVAILABLE` when the file is in doubt. */
  async open(record: BlobRecord, range?: ByteRange): Promise<OutgoingBody> {
    const { content } = record;
    if (content.kind === "file") return this.#openFile(record, content.key, range);
    const bytes = range === undefined ? content.bytes : content.bytes.subarray(range.start, range.end);
    return { content: bytes, lengthBytes: bytes.length };
  }

  /** What is in doubt is read by somebody else meanwhile, and so is what cannot be opened. */
  async #openFile(record: BlobRecord, key: string, range: ByteRange | undefined): Promise<OutgoingBody> {
    const isInDoubt = this.#soundness?.isInDoubt(record) === true;
    if (isInDoubt) this.#soundness?.doubt(record);
    try {
      return await this.#ports.blobs.open(key, record.sizeBytes, range, isInDoubt);
    } catch (error) {
      this.#soundness?.doubt(record);
      throw error;
    }
  }

  /** Ends the blob's membership in this repository; others keep theirs. Throws `BLOB_UNKNOWN`. */
  async delete(repository: RepositoryName, digest: Digest, principal: Principal): Promise<void> {
    const change = { repository, digest, by: principal.id, at: this.#ports.clock.now() };
    if (!(await this.#ports.metadata.deleteBlob(change))) throw unknownBlob(digest);
  }
}

function unknownBlob(digest: Digest): RegistryError {
  return new RegistryError("BLOB_UNKNOWN", `this repository has no blob ${digest}`, { detail: { digest } });
}
