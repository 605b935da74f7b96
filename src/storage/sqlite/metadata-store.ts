import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import type {
  BlobCommit,
  BlobMount,
  BlobRecord,
  ContentDelete,
  ManifestDelete,
  ManifestPut,
  ManifestRecord,
  MetadataStore,
  StorageTotals,
  StoredImage,
  TagDelete,
  TagEvent,
} from "../../core/metadata-store.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import type { Reference, Tag } from "../../core/reference.ts";
import type { RepositoryName } from "../../core/repository-name.ts";
import type { UploadId, UploadSession } from "../../core/upload-session.ts";
import type { changes, reads } from "./operations.ts";
import type { DatabaseThread } from "./thread.ts";

/** The metadata port over the two threads of the database: reads go to the one, changes to the other. */
export class SqliteMetadataStore implements MetadataStore {
  readonly #reader: DatabaseThread<typeof reads>;
  readonly #writer: DatabaseThread<typeof changes>;
  readonly #close: () => Promise<void>;

  constructor(
    reader: DatabaseThread<typeof reads>,
    writer: DatabaseThread<typeof changes>,
    close: () => Promise<void>,
  ) {
    this.#reader = reader;
    this.#writer = writer;
    this.#close = close;
  }

  findBlob(repository: RepositoryName, digest: Digest): Promise<BlobRecord | undefined> {
    return this.#reader.call("findBlob", repository, digest);
  }

  findBlobHolders(digest: Digest, limit: number): Promise<readonly RepositoryName[]> {
    return this.#reader.call("findBlobHolders", digest, limit);
  }

  findManifest(repository: RepositoryName, reference: Reference): Promise<ManifestRecord | undefined> {
    return this.#reader.call("findManifest", repository, reference);
  }

  listTags(repository: RepositoryName, page: PageRequest): Promise<Page<Tag>> {
    return this.#reader.call("listTags", repository, page);
  }

  listRepositories(page: PageRequest): Promise<Page<RepositoryName>> {
    return this.#reader.call("listRepositories", page);
  }

  searchRepositories(term: string, limit: number): Promise<readonly RepositoryName[]> {
    return this.#reader.call("searchRepositories", term, limit);
  }

  listReferrers(
    repository: RepositoryName,
    subject: Digest,
    artifactType: string | undefined,
    page: PageRequest,
  ): Promise<Page<Descriptor>> {
    return this.#reader.call("listReferrers", repository, subject, artifactType, page);
  }

  findUpload(repository: RepositoryName, id: UploadId): Promise<UploadSession | undefined> {
    return this.#reader.call("findUpload", repository, id);
  }

  listUploadsIdleSince(touchedBefore: number): Promise<readonly UploadSession[]> {
    return this.#reader.call("listUploadsIdleSince", touchedBefore);
  }

  tagHistory(repository: RepositoryName, tag: Tag | undefined, limit: number): Promise<readonly TagEvent[]> {
    return this.#reader.call("tagHistory", repository, tag, limit);
  }

  listImages(behind: number, limit: number): Promise<readonly StoredImage[]> {
    return this.#reader.call("listImages", behind, limit);
  }

  totals(): Promise<StorageTotals> {
    return this.#reader.call("totals");
  }

  createUpload(
    session: UploadSession,
    limits: { readonly perPrincipal: number; readonly inAll: number },
  ): Promise<void> {
    return this.#writer.call("createUpload", session, limits);
  }

  touchUpload(id: UploadId, at: number): Promise<void> {
    return this.#writer.call("touchUpload", id, at);
  }

  removeUpload(id: UploadId): Promise<void> {
    return this.#writer.call("removeUpload", id);
  }

  commitBlob(commit: BlobCommit): Promise<{ readonly kept: boolean }> {
    const { content } = commit.blob;
    if (content.kind === "file") return this.#writer.call("commitBlob", commit);
    const blob = { ...commit.blob, content: { ...content, bytes: alone(content.bytes) } };
    return this.#writer.call("commitBlob", { ...commit, blob });
  }

  mountBlob(mount: BlobMount): Promise<boolean> {
    return this.#writer.call("mountBlob", mount);
  }

  putManifest(put: ManifestPut): Promise<void> {
    return this.#writer.call("putManifest", { ...put, bytes: alone(put.bytes) });
  }

  leaseBlob(repository: RepositoryName, digest: Digest, until: number): Promise<boolean> {
    return this.#writer.call("leaseBlob", repository, digest, until);
  }

  touchManifest(repository: RepositoryName, digest: Digest, at: number): Promise<boolean> {
    return this.#writer.call("touchManifest", repository, digest, at);
  }

  deleteTag(change: TagDelete): Promise<boolean> {
    return this.#writer.call("deleteTag", change);
  }

  deleteManifest(change: ManifestDelete): Promise<boolean> {
    return this.#writer.call("deleteManifest", change);
  }

  deleteBlob(change: ContentDelete): Promise<boolean> {
    return this.#writer.call("deleteBlob", change);
  }

  purgeRepository(repository: RepositoryName): Promise<readonly string[]> {
    return this.#writer.call("purgeRepository", repository);
  }

  close(): Promise<void> {
    return this.#close();
  }
}

/** Bytes that own their memory. A view would take all of the memory that it looks into along to the other thread. */
function alone(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}
