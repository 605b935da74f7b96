import type {
  CollectionStore,
  CollectionTerms,
  OrphanedManifest,
  StorageUse,
  StoredContent,
  TrashedContent,
  UnneededBlob,
} from "../../core/collection-store.ts";
import type { changes, reads } from "./operations.ts";
import type { DatabaseThread } from "./thread.ts";

/** The collection port over the two threads of the database. */
export class SqliteCollectionStore implements CollectionStore {
  readonly #reader: DatabaseThread<typeof reads>;
  readonly #writer: DatabaseThread<typeof changes>;

  constructor(reader: DatabaseThread<typeof reads>, writer: DatabaseThread<typeof changes>) {
    this.#reader = reader;
    this.#writer = writer;
  }

  listExpired(until: number, limit: number): Promise<readonly TrashedContent[]> {
    return this.#reader.call("listExpired", until, limit);
  }

  expireTrash(terms: CollectionTerms, limit: number): Promise<number> {
    return this.#writer.call("expireTrash", terms, limit);
  }

  listOrphans(until: number, limit: number): Promise<readonly OrphanedManifest[]> {
    return this.#reader.call("listOrphans", until, limit);
  }

  removeOrphans(manifests: readonly StoredContent[], terms: CollectionTerms): Promise<number> {
    return this.#writer.call("removeOrphans", manifests, terms);
  }

  listUnneeded(at: number, limit: number): Promise<readonly UnneededBlob[]> {
    return this.#reader.call("listUnneeded", at, limit);
  }

  claimBlobs(blobs: readonly StoredContent[], at: number): Promise<{ readonly blobs: number; readonly bytes: number }> {
    return this.#writer.call("claimBlobs", blobs, at);
  }

  listUnlinks(limit: number): Promise<readonly string[]> {
    return this.#reader.call("listUnlinks", limit);
  }

  removeUnlinks(keys: readonly string[]): Promise<void> {
    return this.#writer.call("removeUnlinks", keys);
  }

  removeEmptyRepositories(until: number, limit: number): Promise<number> {
    return this.#writer.call("removeEmptyRepositories", until, limit);
  }

  storageUse(at: number): Promise<StorageUse> {
    return this.#reader.call("storageUse", at);
  }
}
