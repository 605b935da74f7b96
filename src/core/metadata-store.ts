import type { BlobContent } from "./blob-store.ts";
import type { Descriptor } from "./descriptor.ts";
import type { Digest } from "./digest.ts";
import type { Page, PageRequest } from "./page.ts";
import type { PrincipalId } from "./principal.ts";
import type { Reference, Tag } from "./reference.ts";
import type { RepositoryName } from "./repository-name.ts";
import type { StagedBlob } from "./upload-store.ts";
import type { UploadId, UploadSession } from "./upload-session.ts";

/** Who changes something, and when (milliseconds since 1970). */
export interface Change {
  readonly by: PrincipalId;
  readonly at: number;
}

/** A blob as a repository has it. */
export interface BlobRecord {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly content: BlobContent;
  /** Until when who was told of it may count on it; undefined while a manifest of the repository names it. */
  readonly leasedUntil?: number | undefined;
  /** When its bytes were written, or found to be good later; undefined where that is not known. */
  readonly verifiedAt?: number | undefined;
}

/** A manifest as a repository has it; `bytes` are those that were pushed. */
export interface ManifestRecord {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  /** Since when nothing names it any more, or when somebody was told of it last since then; undefined while something does. */
  readonly orphanedAt?: number | undefined;
}

export interface BlobCommit extends Change {
  readonly repository: RepositoryName;
  readonly blob: StagedBlob;
  /** The session that ends with this; none for a body that came in one request. */
  readonly uploadId: UploadId | undefined;
}

export interface BlobMount extends Change {
  readonly repository: RepositoryName;
  readonly from: RepositoryName;
  readonly digest: Digest;
}

/** A blob or manifest that a manifest names, with the size it is said to have. */
export interface NamedContent {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

export interface ManifestPut extends Change {
  readonly repository: RepositoryName;
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  /** Config and layers, without those that need not be there. */
  readonly blobs: readonly NamedContent[];
  /** The manifests of an index. */
  readonly manifests: readonly NamedContent[];
  readonly subject: Digest | undefined;
  /** What the referrers list of the subject shows of this manifest. */
  readonly referrer: Pick<Descriptor, "artifactType" | "annotations"> | undefined;
  /** All of them are set, or none. */
  readonly tags: readonly Tag[];
  readonly preconditions: ManifestPreconditions;
}

/** Checked in the same change that writes, so that nothing can come between. */
export interface ManifestPreconditions {
  readonly mayCreateTag: boolean;
  readonly mayOverwriteTag: boolean;
  /** The digest that each of the tags must have now; `null`: none may exist. Undefined: any. */
  readonly expectedTagDigest?: Digest | null;
  readonly blobsMustExist: boolean;
  readonly manifestsMustExist: boolean;
  /** The largest sum of the sizes of the repository's blobs and manifests. */
  readonly maxRepositoryBytes?: number;
}

export interface TagDelete extends Change {
  readonly repository: RepositoryName;
  readonly tag: Tag;
}

export interface ContentDelete extends Change {
  readonly repository: RepositoryName;
  readonly digest: Digest;
}

export interface ManifestDelete extends ContentDelete {
  /** What is about the manifest stays, instead of going along where nothing else names it. */
  readonly keepsReferrers?: boolean;
}

/** One line of a tag's history; `digest` is undefined where the tag was deleted. */
export interface TagEvent {
  readonly tag: Tag;
  readonly digest: Digest | undefined;
  readonly previous: Digest | undefined;
  readonly by: PrincipalId;
  readonly at: number;
}

/** A manifest that stands for itself: no other of its repository names it, and it is about none. */
export interface StoredImage {
  /** Grows from image to image; of two that are there, the one with the smaller position was pushed first. */
  readonly position: number;
  readonly repository: RepositoryName;
  readonly digest: Digest;
  /** In byte order. */
  readonly tags: readonly Tag[];
  readonly pushedAt: number;
  /** The manifests that it leads to, itself first. */
  readonly members: readonly Digest[];
}

export interface StorageTotals {
  readonly repositories: number;
  readonly manifests: number;
  readonly tags: number;
  readonly blobs: number;
  /** Bytes of blobs and manifests as stored: each once, however many repositories have it. */
  readonly storedBytes: number;
  /** Bytes of blobs that no manifest of any repository names. */
  readonly unreferencedBytes: number;
  readonly openUploads: number;
}

/**
 * What the registry knows. Reading answers the state after every change that has been acknowledged.
 *
 * Each changing method is one whole change: it is made completely or not at all, it survives a power cut when the call
 * returns, and its preconditions are checked in it. There is no transaction that spans calls.
 */
export interface MetadataStore {
  // Reading. `undefined` where there is nothing; `NAME_UNKNOWN` is thrown only where it is said.

  findBlob(repository: RepositoryName, digest: Digest): Promise<BlobRecord | undefined>;
  /**
   * At most `limit` of the repositories that have a blob, in byte order: for a mount that does not name its source
   * (distribution specification, "Mounting a blob from another repository").
   */
  findBlobHolders(digest: Digest, limit: number): Promise<readonly RepositoryName[]>;
  findManifest(repository: RepositoryName, reference: Reference): Promise<ManifestRecord | undefined>;
  /** In byte order. Throws `NAME_UNKNOWN` for a repository that does not exist. */
  listTags(repository: RepositoryName, page: PageRequest): Promise<Page<Tag>>;
  /** Repositories that have a manifest, in byte order. */
  listRepositories(page: PageRequest): Promise<Page<RepositoryName>>;
  /** Repositories that have a manifest and whose name contains `term` (lower case), in byte order. */
  searchRepositories(term: string, limit: number): Promise<readonly RepositoryName[]>;
  /** Those whose subject is `digest`, in byte order of their digests, behind `last`; `artifactType` filters. */
  listReferrers(
    repository: RepositoryName,
    subject: Digest,
    artifactType: string | undefined,
    page: PageRequest,
  ): Promise<Page<Descriptor>>;
  findUpload(repository: RepositoryName, id: UploadId): Promise<UploadSession | undefined>;
  listUploadsIdleSince(touchedBefore: number): Promise<readonly UploadSession[]>;
  /** Newest first. */
  tagHistory(repository: RepositoryName, tag: Tag | undefined, limit: number): Promise<readonly TagEvent[]>;
  /** At most `limit` of all repositories' images, in the order of their positions, behind one of them (0: from the first on). */
  listImages(behind: number, limit: number): Promise<readonly StoredImage[]>;
  totals(): Promise<StorageTotals>;

  // Changing.

  /** Throws `TOOMANYREQUESTS` when the principal, or all together, have as many open uploads as they may. */
  createUpload(
    session: UploadSession,
    limits: { readonly perPrincipal: number; readonly inAll: number },
  ): Promise<void>;
  touchUpload(id: UploadId, at: number): Promise<void>;
  /** One that is not there is no error. */
  removeUpload(id: UploadId): Promise<void>;
  /**
   * Makes a blob a member of a repository, leased from now on, and ends its session. If the registry has the blob already, the
   * row that is there stays and `kept` is false: the caller deletes the key that was staged.
   */
  commitBlob(commit: BlobCommit): Promise<{ readonly kept: boolean }>;
  /** False when `from` does not have the blob. Else it is leased from now on. */
  mountBlob(mount: BlobMount): Promise<boolean>;
  /**
   * Stores a manifest, sets its tags, notes its references, and appends to the tags' history (nothing is appended for a tag
   * that pointed there already).
   * Throws `MANIFEST_BLOB_UNKNOWN` (detail: `{ digest }`), `SIZE_INVALID` where a named size is not the stored one,
   * `DENIED` or `CONFLICT` where a precondition on tags does not hold.
   */
  putManifest(put: ManifestPut): Promise<void>;
  /** Lets nobody take a blob away from a repository before `until`; false when the repository does not have it. */
  leaseBlob(repository: RepositoryName, digest: Digest, until: number): Promise<boolean>;
  /** Notes that somebody was told of an orphaned manifest; false when the repository does not have it. */
  touchManifest(repository: RepositoryName, digest: Digest, at: number): Promise<boolean>;
  /** False when there is no such tag. The manifest stays; where nothing else names it, it is orphaned from now on. */
  deleteTag(change: TagDelete): Promise<boolean>;
  /**
   * Moves a manifest, every tag that points at it and what is about it into the trash; false when there is none. What it names
   * is kept as long as the trash keeps it; manifests that nothing names any more are orphaned from now on.
   */
  deleteManifest(change: ManifestDelete): Promise<boolean>;
  /** Moves a blob's membership in a repository into the trash; false when there is none. */
  deleteBlob(change: ContentDelete): Promise<boolean>;
  /**
   * Removes every trace of a repository, its history included: for the self-test only. Answers the keys of the files that
   * nobody needs any more.
   */
  purgeRepository(repository: RepositoryName): Promise<readonly string[]>;

  /** Ends the store's threads; changes under way are finished first. */
  close(): Promise<void>;
}
