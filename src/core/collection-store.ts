import type { Digest } from "./digest.ts";
import type { RepositoryName } from "./repository-name.ts";

/** A blob or a manifest of one repository. */
export interface StoredContent {
  readonly repository: RepositoryName;
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** Something that was deleted, at `deletedAt`. */
export interface TrashedContent extends StoredContent {
  readonly kind: "blob" | "manifest";
  readonly deletedAt: number;
}

/** A manifest that nothing has named since `orphanedAt`: no tag, no index, no subject of it that is there. */
export interface OrphanedManifest extends StoredContent {
  readonly orphanedAt: number;
}

/** A blob that no manifest of the repository names, neither a live one nor one in the trash. */
export interface UnneededBlob extends StoredContent {
  readonly leasedUntil: number;
}

/** What a step goes by; the moments are in milliseconds since 1970. */
export interface CollectionTerms {
  readonly at: number;
  /** What was deleted until then goes. */
  readonly trashedUntil: number;
  /** What has been orphaned since then or longer goes. */
  readonly orphanedUntil: number;
  /** What is about a manifest that goes stays, instead of being orphaned. */
  readonly keepsReferrers?: boolean;
}

/** What keeps the bytes that are stored; each byte counts once, where it stands first. */
export interface StorageUse {
  /** Named by a manifest that is there, and those manifests. */
  readonly liveBytes: number;
  /** In the trash, and named from there. */
  readonly trashBytes: number;
  /** Named by nothing, and somebody was told of it less than a lease ago. */
  readonly leasedBytes: number;
  /** Named by nothing: the next collection takes it. */
  readonly unneededBytes: number;
  /** Files that nothing knows any more. */
  readonly unlinkBytes: number;
  readonly trashedManifests: number;
  readonly orphanedManifests: number;
  readonly unlinks: number;
}

/**
 * What the garbage collection asks of the database. Each changing method is one whole change, as those of `MetadataStore`
 * are, and looks again at what a list said before: lists are old when they are read. None takes long: it does about as much as
 * its `limit` says, and is called again.
 */
export interface CollectionStore {
  /** What was deleted until `until`, oldest first. */
  listExpired(until: number, limit: number): Promise<readonly TrashedContent[]>;
  /**
   * Takes what was deleted long enough ago out of the trash, for good; answers how much. A blob that is named by nothing now
   * is leased; a manifest that is named by nothing now is orphaned.
   */
  expireTrash(terms: CollectionTerms, limit: number): Promise<number>;
  /** Those orphaned since `until` or longer, the longest first. */
  listOrphans(until: number, limit: number): Promise<readonly OrphanedManifest[]>;
  /** Removes those that still are orphaned since long enough, as `expireTrash` does; answers how many. */
  removeOrphans(manifests: readonly StoredContent[], terms: CollectionTerms): Promise<number>;
  /** Blobs that nothing names and whose lease is over at `at`. */
  listUnneeded(at: number, limit: number): Promise<readonly UnneededBlob[]>;
  /**
   * Ends the memberships of those that still are unneeded. What no repository has any more is gone, and the key of its file
   * stands among the unlinks. Answers the bytes that this frees.
   */
  claimBlobs(blobs: readonly StoredContent[], at: number): Promise<{ readonly blobs: number; readonly bytes: number }>;
  /** Keys of files that nothing knows any more. None of them is ever used again. */
  listUnlinks(limit: number): Promise<readonly string[]>;
  /** Forgets keys whose files are gone. */
  removeUnlinks(keys: readonly string[]): Promise<void>;
  /** Removes repositories in which nothing is left, and nothing happened since `until`; answers how many. */
  removeEmptyRepositories(until: number, limit: number): Promise<number>;
  storageUse(at: number): Promise<StorageUse>;
}
