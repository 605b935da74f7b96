import type { Digest } from "../../core/digest.ts";
import { isLeased, leaseMs } from "../../core/lease.ts";
import type { Change, ManifestDelete, ManifestPut } from "../../core/metadata-store.ts";
import type { RepositoryName } from "../../core/repository-name.ts";
import type { StagedBlob } from "../../core/upload-store.ts";
import { MemoryRepository, type TrashedManifest } from "./repository.ts";

/** What the stores in memory hold together. Nothing is counted as it changes: everything is looked up where it is asked. */
export class MemoryState {
  readonly repositories = new Map<RepositoryName, MemoryRepository>();
  readonly blobs = new Map<Digest, StagedBlob>();
  /** The sizes of documents, those in the trash among them. */
  readonly documents = new Map<Digest, number>();
  readonly unlinks = new Map<string, number>();
  /** When bytes were written, or found to be good. */
  readonly verifiedAt = new Map<Digest, number>();
  readonly quarantined = new Set<Digest>();

  /** The repository, which is made if it is not there. */
  repository(name: RepositoryName, at: number): MemoryRepository {
    const existing = this.repositories.get(name);
    if (existing !== undefined) return existing;
    const created = new MemoryRepository(at);
    this.repositories.set(name, created);
    return created;
  }

  addMember(repository: MemoryRepository, digest: Digest, at: number): void {
    repository.trashedBlobs.delete(digest);
    const leasedUntil = repository.blobs.get(digest) ?? 0;
    if (!isLeased(leasedUntil, at)) repository.blobs.set(digest, Math.max(leasedUntil, at + leaseMs));
  }

  /** Moves a manifest, its tags and what is about it into the trash. */
  deleteManifest(repository: MemoryRepository, put: ManifestPut, change: ManifestDelete): void {
    const head = this.moveToTrash(repository, put, change, undefined);
    const gone = change.keepsReferrers === true ? [] : [put.digest];
    // What is added on the way is walked too.
    for (const subject of gone)
      for (const referrer of repository.manifests.values())
        if (referrer.subject === subject && !repository.isNamedByOther(referrer.digest)) {
          this.moveToTrash(repository, referrer, change, head);
          gone.push(referrer.digest);
        }
  }

  /** Moves one manifest; what it named is orphaned at `childrenOrphanedAt`. */
  moveToTrash(
    repository: MemoryRepository,
    put: ManifestPut,
    deleted: Change,
    wentWith: TrashedManifest | undefined,
    childrenOrphanedAt = deleted.at,
  ): TrashedManifest {
    const tags = repository.tagsOf(put.digest);
    repository.manifests.delete(put.digest);
    repository.orphanedAt.delete(put.digest);
    for (const tag of tags) repository.setTag(tag, undefined, deleted);
    for (const child of put.manifests) repository.orphan(child.digest, childrenOrphanedAt);
    const trashed = { put, tags, deleted: { by: deleted.by, at: deleted.at }, wentWith };
    repository.trash.push(trashed);
    return trashed;
  }

  /** Takes a manifest out of the trash for good; what it alone named is leased from now on. */
  dropTrashed(repository: MemoryRepository, trashed: TrashedManifest, at: number): void {
    const needed = trashed.put.blobs.filter(({ digest }) => repository.blobs.has(digest));
    repository.trash.splice(repository.trash.indexOf(trashed), 1);
    for (const { digest } of needed)
      if (!repository.needsBlob(digest))
        repository.blobs.set(digest, Math.max(repository.blobs.get(digest) ?? 0, at + leaseMs));
    const { digest } = trashed.put;
    if (![...this.repositories.values()].some((each) => each.hasDocument(digest))) this.documents.delete(digest);
  }

  /** Removes a blob that no repository has any more; answers the bytes that this frees. */
  releaseBlob(digest: Digest): number {
    const blob = this.blobs.get(digest);
    if (blob === undefined || [...this.repositories.values()].some((each) => each.hasBlob(digest))) return 0;
    this.blobs.delete(digest);
    if (blob.content.kind === "file") this.unlinks.set(blob.content.key, blob.sizeBytes);
    return blob.sizeBytes;
  }
}
