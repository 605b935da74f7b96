import type {
  CollectionStore,
  CollectionTerms,
  OrphanedManifest,
  StorageUse,
  StoredContent,
  TrashedContent,
  UnneededBlob,
} from "../../core/collection-store.ts";
import type { RemovalWatch } from "./metadata-store.ts";

/** Tells the memory before a metadata store of what a collection takes away behind it. */
export function cacheCollection(store: CollectionStore, memory: RemovalWatch): CollectionStore {
  return new WatchedCollectionStore(store, memory);
}

class WatchedCollectionStore implements CollectionStore {
  readonly #store: CollectionStore;
  readonly #memory: RemovalWatch;

  constructor(store: CollectionStore, memory: RemovalWatch) {
    this.#store = store;
    this.#memory = memory;
  }

  removeOrphans(manifests: readonly StoredContent[], terms: CollectionTerms): Promise<number> {
    return this.#memory.removing(manifests, () => this.#store.removeOrphans(manifests, terms));
  }

  claimBlobs(blobs: readonly StoredContent[], at: number): Promise<{ readonly blobs: number; readonly bytes: number }> {
    return this.#memory.removing(blobs, () => this.#store.claimBlobs(blobs, at));
  }

  listExpired(until: number, limit: number): Promise<readonly TrashedContent[]> {
    return this.#store.listExpired(until, limit);
  }

  /** What is in the trash nobody can ask for: there is nothing to forget. */
  expireTrash(terms: CollectionTerms, limit: number): Promise<number> {
    return this.#store.expireTrash(terms, limit);
  }

  listOrphans(until: number, limit: number): Promise<readonly OrphanedManifest[]> {
    return this.#store.listOrphans(until, limit);
  }

  listUnneeded(at: number, limit: number): Promise<readonly UnneededBlob[]> {
    return this.#store.listUnneeded(at, limit);
  }

  listUnlinks(limit: number): Promise<readonly string[]> {
    return this.#store.listUnlinks(limit);
  }

  removeUnlinks(keys: readonly string[]): Promise<void> {
    return this.#store.removeUnlinks(keys);
  }

  removeEmptyRepositories(until: number, limit: number): Promise<number> {
    return this.#store.removeEmptyRepositories(until, limit);
  }

  storageUse(at: number): Promise<StorageUse> {
    return this.#store.storageUse(at);
  }
}
