import { LRUCache } from "lru-cache";
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
import { Flights } from "./flights.ts";

/** How much is remembered; what has not been asked for longest goes first. */
export interface CacheBounds {
  readonly bytes: number;
  readonly entries: number;
}

const defaultCacheBounds: CacheBounds = { bytes: 32 * 1024 * 1024, entries: 20_000 };

/**
 * Puts a memory before a metadata store: blobs (with their bytes, where they are inline) and manifests by tag and digest that
 * were asked for are answered without the store until they change. Every change has to go through what is answered here.
 */
export function cacheMetadata(
  store: MetadataStore,
  bounds: CacheBounds = defaultCacheBounds,
): MetadataStore & RemovalWatch {
  return new CachedMetadataStore(store, bounds);
}

/** Content of a repository that is being taken away. */
interface Removed {
  readonly repository: RepositoryName;
  readonly digest: Digest;
}

/** Hears of what a collection takes away. */
export interface RemovalWatch {
  /** Makes a change that may end blobs and manifests (not their tags): what is remembered of them is forgotten. */
  removing<Answer>(contents: readonly Removed[], change: () => Promise<Answer>): Promise<Answer>;
  /** Makes a change behind which these bytes may answer as if they were not there, in every repository. */
  hiding<Answer>(digest: Digest, change: () => Promise<Answer>): Promise<Answer>;
}

interface Remembered {
  readonly repository: RepositoryName;
  readonly record: BlobRecord | ManifestRecord;
}

// What a key, a record and the map's own bookkeeping take besides the bytes.
const overheadBytes = 1024;

// What nothing names any more can be told of for a day; nobody learns here that something has just become so. So nothing is
// remembered for longer than a small part of that.
const trustedMs = 60 * 60 * 1000;

/**
 * Only what is there is remembered, never that something is missing: so storing a blob or a manifest cannot make an answer
 * wrong, and a busy push takes nothing from the memory but the tags that it moves.
 */
class CachedMetadataStore implements MetadataStore, RemovalWatch {
  readonly #store: MetadataStore;
  readonly #flights = new Flights();
  readonly #memory: LRUCache<string, Remembered>;

  constructor(store: MetadataStore, bounds: CacheBounds) {
    this.#store = store;
    this.#memory = new LRUCache({
      max: bounds.entries,
      maxSize: bounds.bytes,
      // One large document must not drive out everything else.
      maxEntrySize: Math.ceil(bounds.bytes / 8),
      sizeCalculation: sizeOf,
      ttl: trustedMs,
      ttlResolution: 1000,
    });
  }

  findBlob(repository: RepositoryName, digest: Digest): Promise<BlobRecord | undefined> {
    return this.#find(blobKey(repository, digest), repository, () => this.#store.findBlob(repository, digest));
  }

  findManifest(repository: RepositoryName, reference: Reference): Promise<ManifestRecord | undefined> {
    const key =
      reference.kind === "tag" ? tagKey(repository, reference.tag) : manifestKey(repository, reference.digest);
    return this.#find(key, repository, () => this.#store.findManifest(repository, reference));
  }

  commitBlob(commit: BlobCommit): Promise<{ readonly kept: boolean }> {
    return this.#add(blobKey(commit.repository, commit.blob.digest), () => this.#store.commitBlob(commit));
  }

  mountBlob(mount: BlobMount): Promise<boolean> {
    return this.#add(blobKey(mount.repository, mount.digest), () => this.#store.mountBlob(mount));
  }

  putManifest(put: ManifestPut): Promise<void> {
    const tags = put.tags.map((tag) => tagKey(put.repository, tag));
    return this.#add(manifestKey(put.repository, put.digest), () =>
      this.#change(tags, () => this.#store.putManifest(put)),
    );
  }

  leaseBlob(repository: RepositoryName, digest: Digest, until: number): Promise<boolean> {
    return this.#change([blobKey(repository, digest)], () => this.#store.leaseBlob(repository, digest, until));
  }

  touchManifest(repository: RepositoryName, digest: Digest, at: number): Promise<boolean> {
    return this.#change([manifestKey(repository, digest)], () => this.#store.touchManifest(repository, digest, at));
  }

  deleteTag(change: TagDelete): Promise<boolean> {
    return this.#change([tagKey(change.repository, change.tag)], () => this.#store.deleteTag(change));
  }

  deleteBlob(change: ContentDelete): Promise<boolean> {
    return this.#change([blobKey(change.repository, change.digest)], () => this.#store.deleteBlob(change));
  }

  removing<Answer>(contents: readonly Removed[], change: () => Promise<Answer>): Promise<Answer> {
    const keys = contents.flatMap(({ repository, digest }) => [
      blobKey(repository, digest),
      manifestKey(repository, digest),
    ]);
    return this.#change(keys, change);
  }

  hiding<Answer>(digest: Digest, change: () => Promise<Answer>): Promise<Answer> {
    const forget = (): void => {
      for (const [key, { record }] of this.#memory.entries()) if (record.digest === digest) this.#memory.delete(key);
    };
    return this.#flights.changeAll(forget, change);
  }

  /** Which tags go with it only the store knows. */
  deleteManifest(change: ManifestDelete): Promise<boolean> {
    return this.#changeRepository(change.repository, () => this.#store.deleteManifest(change));
  }

  purgeRepository(repository: RepositoryName): Promise<readonly string[]> {
    return this.#changeRepository(repository, () => this.#store.purgeRepository(repository));
  }

  findBlobHolders(digest: Digest, limit: number): Promise<readonly RepositoryName[]> {
    return this.#store.findBlobHolders(digest, limit);
  }

  listTags(repository: RepositoryName, page: PageRequest): Promise<Page<Tag>> {
    return this.#store.listTags(repository, page);
  }

  listRepositories(page: PageRequest): Promise<Page<RepositoryName>> {
    return this.#store.listRepositories(page);
  }

  searchRepositories(term: string, limit: number): Promise<readonly RepositoryName[]> {
    return this.#store.searchRepositories(term, limit);
  }

  listReferrers(
    repository: RepositoryName,
    subject: Digest,
    artifactType: string | undefined,
    page: PageRequest,
  ): Promise<Page<Descriptor>> {
    return this.#store.listReferrers(repository, subject, artifactType, page);
  }

  findUpload(repository: RepositoryName, id: UploadId): Promise<UploadSession | undefined> {
    return this.#store.findUpload(repository, id);
  }

  listUploadsIdleSince(touchedBefore: number): Promise<readonly UploadSession[]> {
    return this.#store.listUploadsIdleSince(touchedBefore);
  }

  tagHistory(repository: RepositoryName, tag: Tag | undefined, limit: number): Promise<readonly TagEvent[]> {
    return this.#store.tagHistory(repository, tag, limit);
  }

  listImages(behind: number, limit: number): Promise<readonly StoredImage[]> {
    return this.#store.listImages(behind, limit);
  }

  totals(): Promise<StorageTotals> {
    return this.#store.totals();
  }

  createUpload(
    session: UploadSession,
    limits: { readonly perPrincipal: number; readonly inAll: number },
  ): Promise<void> {
    return this.#store.createUpload(session, limits);
  }

  touchUpload(id: UploadId, at: number): Promise<void> {
    return this.#store.touchUpload(id, at);
  }

  removeUpload(id: UploadId): Promise<void> {
    return this.#store.removeUpload(id);
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #find<Found extends BlobRecord | ManifestRecord>(
    key: string,
    repository: RepositoryName,
    read: () => Promise<Found | undefined>,
  ): Promise<Found | undefined> {
    const remembered = this.#memory.get(key);
    // The key's first character behind the name tells blobs from manifests: what stands there is what was read for it.
    if (remembered !== undefined) return Promise.resolve(remembered.record as Found);
    return this.#flights.read(key, repository, read, (record) => {
      if (record !== undefined) this.#memory.set(key, { repository, record });
    });
  }

  /** Nothing that is remembered becomes wrong; but who is reading that it is missing must not share that answer any more. */
  #add<Answer>(key: string, change: () => Promise<Answer>): Promise<Answer> {
    return this.#flights.change([key], () => undefined, change);
  }

  #change<Answer>(keys: readonly string[], change: () => Promise<Answer>): Promise<Answer> {
    const forget = (): void => {
      for (const key of keys) this.#memory.delete(key);
    };
    return this.#flights.change(keys, forget, change);
  }

  #changeRepository<Answer>(repository: RepositoryName, change: () => Promise<Answer>): Promise<Answer> {
    const forget = (): void => {
      for (const [key, remembered] of this.#memory.entries()) {
        if (remembered.repository === repository) this.#memory.delete(key);
      }
    };
    return this.#flights.change([repository], forget, change);
  }
}

function sizeOf({ record }: Remembered): number {
  if ("bytes" in record) return record.bytes.byteLength + overheadBytes;
  return record.content.kind === "inline" ? record.content.bytes.byteLength + overheadBytes : overheadBytes;
}

// No repository's name has one of these separators in it.

function blobKey(repository: RepositoryName, digest: Digest): string {
  return `${repository}#${digest}`;
}

function manifestKey(repository: RepositoryName, digest: Digest): string {
  return `${repository}@${digest}`;
}

function tagKey(repository: RepositoryName, tag: Tag): string {
  return `${repository}:${tag}`;
}
