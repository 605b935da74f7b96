import type {
  CollectionStore,
  CollectionTerms,
  OrphanedManifest,
  StorageUse,
  StoredContent,
  TrashedContent,
  UnneededBlob,
} from "../../core/collection-store.ts";
import type { Digest } from "../../core/digest.ts";
import { leaseMs } from "../../core/lease.ts";
import type { PrincipalId } from "../../core/principal.ts";
import type { RepositoryName } from "../../core/repository-name.ts";
import type { MemoryRepository } from "./repository.ts";
import type { MemoryState } from "./state.ts";

/** The collection port over what a `MemoryMetadataStore` holds. */
export class MemoryCollectionStore implements CollectionStore {
  readonly #state: MemoryState;

  constructor(state: MemoryState) {
    this.#state = state;
  }

  async listExpired(until: number, limit: number): Promise<readonly TrashedContent[]> {
    const trashed = this.#each((repository, found) => [
      ...found.trash.map(({ put, deleted }) => ({
        kind: "manifest" as const,
        repository,
        digest: put.digest,
        sizeBytes: put.bytes.byteLength,
        deletedAt: deleted.at,
      })),
      ...[...found.trashedBlobs].map(([digest, { at }]) => ({
        kind: "blob" as const,
        repository,
        digest,
        sizeBytes: this.#sizeOf(digest),
        deletedAt: at,
      })),
    ]);
    return oldest(trashed, ({ deletedAt }) => deletedAt, until, limit);
  }

  async expireTrash(terms: CollectionTerms, limit: number): Promise<number> {
    const due = this.#each((_, repository) =>
      repository.trash
        .filter(({ deleted }) => deleted.at <= terms.trashedUntil)
        .map((trashed) => ({ repository, trashed })),
    ).slice(0, limit);
    for (const { repository, trashed } of due) this.#state.dropTrashed(repository, trashed, terms.at);
    const blobs = this.#each((_, repository) =>
      [...repository.trashedBlobs]
        .filter(([, { at }]) => at <= terms.trashedUntil)
        .map(([digest]) => ({ repository, digest })),
    ).slice(0, limit - due.length);
    for (const { repository, digest } of blobs) {
      repository.trashedBlobs.delete(digest);
      this.#state.releaseBlob(digest);
    }
    return due.length + blobs.length;
  }

  async listOrphans(until: number, limit: number): Promise<readonly OrphanedManifest[]> {
    const orphans = this.#each((repository, { orphanedAt, manifests }) =>
      [...orphanedAt].map(([digest, at]) => {
        const sizeBytes = manifests.get(digest)?.bytes.byteLength ?? 0;
        return { repository, digest, sizeBytes, orphanedAt: at };
      }),
    );
    return oldest(orphans, ({ orphanedAt }) => orphanedAt, until, limit);
  }

  async removeOrphans(manifests: readonly StoredContent[], terms: CollectionTerms): Promise<number> {
    return manifests.filter((manifest) => this.#removeOrphan(manifest, terms)).length;
  }

  async listUnneeded(at: number, limit: number): Promise<readonly UnneededBlob[]> {
    const unneeded = this.#each((name, repository) =>
      [...repository.blobs]
        .filter(([digest]) => !repository.needsBlob(digest))
        .map(([digest, leasedUntil]) => ({
          repository: name,
          digest,
          sizeBytes: this.#sizeOf(digest),
          leasedUntil,
        })),
    );
    return oldest(unneeded, ({ leasedUntil }) => leasedUntil, at, limit);
  }

  async claimBlobs(
    blobs: readonly StoredContent[],
    at: number,
  ): Promise<{ readonly blobs: number; readonly bytes: number }> {
    let claimed = 0;
    let bytes = 0;
    for (const { repository, digest } of blobs) {
      const found = this.#state.repositories.get(repository);
      if ((found?.blobs.get(digest) ?? Infinity) > at || found?.needsBlob(digest) !== false) continue;
      found.blobs.delete(digest);
      claimed += 1;
      bytes += this.#state.releaseBlob(digest);
    }
    return { blobs: claimed, bytes };
  }

  async listUnlinks(limit: number): Promise<readonly string[]> {
    return [...this.#state.unlinks.keys()].toSorted().slice(0, limit);
  }

  async removeUnlinks(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.#state.unlinks.delete(key);
  }

  async removeEmptyRepositories(until: number, limit: number): Promise<number> {
    const empty = this.#each((name, { blobs, manifests, trash, trashedBlobs, history, createdAt }) => {
      const isEmpty = blobs.size + manifests.size + trash.length + trashedBlobs.size === 0;
      return isEmpty && Math.max(createdAt, history.at(-1)?.at ?? 0) <= until ? [name] : [];
    }).slice(0, limit);
    for (const name of empty) this.#state.repositories.delete(name);
    return empty.length;
  }

  async storageUse(at: number): Promise<StorageUse> {
    const { blobs, documents, unlinks } = this.#state;
    const all = [...this.#state.repositories.values()];
    const live = new Set(all.flatMap(({ manifests }) => [...manifests.values()]).flatMap(namedBy));
    const trashed = new Set([
      ...all.flatMap(({ trash }) => trash).flatMap(({ put }) => namedBy(put)),
      ...all.flatMap(({ trashedBlobs }) => [...trashedBlobs.keys()]),
    ]);
    const leased = new Set(
      all.flatMap((each) => [...each.blobs]).flatMap(([digest, until]) => (until > at ? [digest] : [])),
    );
    const use = { live: 0, trash: 0, leased: 0, unneeded: 0 };
    for (const [digest, bytes] of [
      ...documents,
      ...[...blobs].map(([key, { sizeBytes }]) => [key, sizeBytes] as const),
    ]) {
      if (live.has(digest)) use.live += bytes;
      else if (trashed.has(digest)) use.trash += bytes;
      else if (leased.has(digest)) use.leased += bytes;
      else use.unneeded += bytes;
    }
    return {
      liveBytes: use.live,
      trashBytes: use.trash,
      leasedBytes: use.leased,
      unneededBytes: use.unneeded,
      unlinkBytes: [...unlinks.values()].reduce((sum, bytes) => sum + bytes, 0),
      trashedManifests: all.reduce((sum, { trash }) => sum + trash.length, 0),
      orphanedManifests: all.reduce((sum, { orphanedAt }) => sum + orphanedAt.size, 0),
      unlinks: unlinks.size,
    };
  }

  #removeOrphan({ repository: name, digest }: StoredContent, terms: CollectionTerms): boolean {
    const repository = this.#state.repositories.get(name);
    const put = repository?.manifests.get(digest);
    if (repository === undefined || put === undefined) return false;
    if ((repository.orphanedAt.get(digest) ?? Infinity) > terms.orphanedUntil) return false;
    if (repository.isNamed(digest)) repository.orphanedAt.delete(digest);
    else if (repository.isNamedFromTrash(digest)) repository.orphanedAt.set(digest, terms.at);
    else {
      const change = { by: "" as PrincipalId, at: terms.at };
      const trashed = this.#state.moveToTrash(repository, put, change, undefined, soon(terms));
      this.#state.dropTrashed(repository, trashed, terms.at);
      if (terms.keepsReferrers !== true) orphanReferrers(repository, digest, soon(terms));
      return true;
    }
    return false;
  }

  #each<Found>(look: (name: RepositoryName, repository: MemoryRepository) => readonly Found[]): readonly Found[] {
    return [...this.#state.repositories].flatMap(([name, repository]) => look(name, repository));
  }

  #sizeOf(digest: Digest): number {
    return this.#state.blobs.get(digest)?.sizeBytes ?? 0;
  }
}

function namedBy(put: { readonly digest: Digest; readonly blobs: readonly { readonly digest: Digest }[] }): Digest[] {
  return [put.digest, ...put.blobs.map(({ digest }) => digest)];
}

function orphanReferrers(repository: MemoryRepository, subject: Digest, at: number): void {
  for (const put of repository.manifests.values()) if (put.subject === subject) repository.orphan(put.digest, at);
}

function soon(terms: CollectionTerms): number {
  return Math.min(terms.at, terms.orphanedUntil + leaseMs);
}

function oldest<Found>(
  all: readonly Found[],
  timeOf: (each: Found) => number,
  until: number,
  limit: number,
): readonly Found[] {
  return all
    .filter((each) => timeOf(each) <= until)
    .toSorted((one, other) => timeOf(one) - timeOf(other))
    .slice(0, limit);
}
