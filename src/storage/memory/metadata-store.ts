import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { RegistryError } from "../../core/error.ts";
import { checkNamedContent, checkRepositoryBytes, checkTag } from "../../core/manifest-preconditions.ts";
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
import type { StagedBlob } from "../../core/upload-store.ts";
import { MemoryRepository, inByteOrder, pageOf } from "./repository.ts";
import { MemoryState } from "./state.ts";

/** The metadata port in maps: the plainest statement of its contract, for tests. Everything is gone with the process. */
export class MemoryMetadataStore implements MetadataStore {
  readonly #state: MemoryState;
  readonly #repositories: Map<RepositoryName, MemoryRepository>;
  readonly #blobs: Map<Digest, StagedBlob>;
  readonly #uploads = new Map<UploadId, UploadSession>();

  /** With the state that a `MemoryCollectionStore` works on, too. */
  constructor(state = new MemoryState()) {
    this.#state = state;
    this.#repositories = state.repositories;
    this.#blobs = state.blobs;
  }

  async findBlob(repository: RepositoryName, digest: Digest): Promise<BlobRecord | undefined> {
    const found = this.#repositories.get(repository);
    const blob = this.#blobs.get(digest);
    const leasedUntil = found?.blobs.get(digest);
    if (found === undefined || blob === undefined || leasedUntil === undefined) return undefined;
    if (this.#state.quarantined.has(digest)) return undefined;
    const verifiedAt = this.#state.verifiedAt.get(digest);
    return { ...blob, leasedUntil: found.needsBlob(digest) ? undefined : leasedUntil, verifiedAt };
  }

  async findBlobHolders(digest: Digest, limit: number): Promise<readonly RepositoryName[]> {
    const holders = [...this.#repositories].filter(([, { blobs }]) => blobs.has(digest)).map(([name]) => name);
    return inByteOrder(holders).slice(0, limit);
  }

  async findManifest(repository: RepositoryName, reference: Reference): Promise<ManifestRecord | undefined> {
    const found = this.#repositories.get(repository);
    const digest = reference.kind === "digest" ? reference.digest : found?.tags.get(reference.tag);
    const manifest = digest === undefined ? undefined : found?.manifests.get(digest);
    if (found === undefined || manifest === undefined || this.#state.quarantined.has(manifest.digest)) return undefined;
    const { mediaType, bytes } = manifest;
    return { digest: manifest.digest, mediaType, bytes, orphanedAt: found.orphanedAt.get(manifest.digest) };
  }

  async listTags(repository: RepositoryName, page: PageRequest): Promise<Page<Tag>> {
    const found = this.#repositories.get(repository);
    if (found === undefined) throw new RegistryError("NAME_UNKNOWN");
    return pageOf(inByteOrder(found.tags.keys()), page, (tag) => tag);
  }

  async listRepositories(page: PageRequest): Promise<Page<RepositoryName>> {
    return pageOf(this.#namesWithManifests(), page, (name) => name);
  }

  async searchRepositories(term: string, limit: number): Promise<readonly RepositoryName[]> {
    return this.#namesWithManifests()
      .filter((name) => name.includes(term))
      .slice(0, limit);
  }

  async listReferrers(
    repository: RepositoryName,
    subject: Digest,
    artifactType: string | undefined,
    page: PageRequest,
  ): Promise<Page<Descriptor>> {
    const referrers = this.#repositories.get(repository)?.referrersOf(subject, artifactType) ?? [];
    return pageOf(referrers, page, (descriptor) => descriptor.digest);
  }

  async findUpload(repository: RepositoryName, id: UploadId): Promise<UploadSession | undefined> {
    const session = this.#uploads.get(id);
    return session?.repository === repository ? session : undefined;
  }

  async listUploadsIdleSince(touchedBefore: number): Promise<readonly UploadSession[]> {
    return [...this.#uploads.values()].filter((session) => session.touchedAt < touchedBefore);
  }

  async tagHistory(repository: RepositoryName, tag: Tag | undefined, limit: number): Promise<readonly TagEvent[]> {
    const history = this.#repositories.get(repository)?.history ?? [];
    return history
      .filter((event) => tag === undefined || event.tag === tag)
      .toReversed()
      .slice(0, limit);
  }

  async listImages(behind: number, limit: number): Promise<readonly StoredImage[]> {
    const puts = [...this.#repositories.values()].flatMap(({ manifests }) => [...manifests.values()]);
    return puts
      .map((put, index) => ({ put, position: index + 1 }))
      .filter(({ put, position }) => position > behind && put.subject === undefined && !this.#isNamed(put))
      .slice(0, limit)
      .map(({ put, position }) => {
        const { repository, digest, at } = put;
        const tags = [...(this.#repositories.get(repository)?.tags ?? [])];
        const own = tags.filter(([, target]) => target === digest).map(([tag]) => tag);
        const members = [...this.#membersOf(put)];
        return { position, repository, digest, tags: own.toSorted(), pushedAt: at, members };
      });
  }

  #isNamed({ repository, digest }: ManifestPut): boolean {
    const all = [...(this.#repositories.get(repository)?.manifests.values() ?? [])];
    return all.some(({ manifests }) => manifests.some((named) => named.digest === digest));
  }

  #membersOf({ repository, digest }: ManifestPut): ReadonlySet<Digest> {
    const known = this.#repositories.get(repository)?.manifests;
    const members = new Set([digest]);
    // What is added on the way is walked too.
    for (const member of members)
      for (const named of known?.get(member)?.manifests ?? [])
        if (known?.has(named.digest) === true) members.add(named.digest);
    return members;
  }

  async totals(): Promise<StorageTotals> {
    const repositories = [...this.#repositories.values()];
    const manifests = repositories.flatMap((repository) => [...repository.manifests.values()]);
    const named = new Set(manifests.flatMap((manifest) => manifest.blobs.map((blob) => blob.digest)));
    const blobs = [...this.#blobs.values()];
    return {
      repositories: this.#namesWithManifests().length,
      manifests: manifests.length,
      tags: sum(repositories.map((repository) => repository.tags.size)),
      blobs: blobs.length,
      storedBytes: sum(blobs.map((blob) => blob.sizeBytes)) + sum(this.#state.documents.values()),
      unreferencedBytes: sum(blobs.filter((blob) => !named.has(blob.digest)).map((blob) => blob.sizeBytes)),
      openUploads: this.#uploads.size,
    };
  }

  async createUpload(
    session: UploadSession,
    limits: { readonly perPrincipal: number; readonly inAll: number },
  ): Promise<void> {
    const own = [...this.#uploads.values()].filter((other) => other.startedBy === session.startedBy);
    if (own.length >= limits.perPrincipal || this.#uploads.size >= limits.inAll) {
      throw new RegistryError("TOOMANYREQUESTS", "too many uploads are open; finish or cancel some first");
    }
    this.#uploads.set(session.id, session);
  }

  async touchUpload(id: UploadId, at: number): Promise<void> {
    const session = this.#uploads.get(id);
    if (session !== undefined && session.touchedAt < at) this.#uploads.set(id, { ...session, touchedAt: at });
  }

  async removeUpload(id: UploadId): Promise<void> {
    this.#uploads.delete(id);
  }

  async commitBlob(commit: BlobCommit): Promise<{ readonly kept: boolean }> {
    const { blob } = commit;
    const known = this.#blobs.get(blob.digest);
    const isHealed = known !== undefined && this.#state.quarantined.delete(blob.digest);
    const kept = known === undefined || isHealed;
    if (kept) {
      this.#blobs.set(blob.digest, blob);
      this.#state.verifiedAt.set(blob.digest, commit.at);
    }
    if (isHealed && known.content.kind === "file") this.#state.unlinks.set(known.content.key, known.sizeBytes);
    this.#state.addMember(this.#state.repository(commit.repository, commit.at), blob.digest, commit.at);
    if (commit.uploadId !== undefined) this.#uploads.delete(commit.uploadId);
    return { kept };
  }

  async mountBlob(mount: BlobMount): Promise<boolean> {
    if (this.#repositories.get(mount.from)?.blobs.has(mount.digest) !== true) return false;
    if (this.#state.quarantined.has(mount.digest)) return false;
    this.#state.addMember(this.#state.repository(mount.repository, mount.at), mount.digest, mount.at);
    return true;
  }

  async putManifest(put: ManifestPut): Promise<void> {
    const existing = this.#repositories.get(put.repository);
    this.#checkPreconditions(put, existing ?? new MemoryRepository());
    const repository = this.#state.repository(put.repository, put.at);
    repository.orphanedAt.delete(put.digest);
    if (this.#state.quarantined.delete(put.digest) || !this.#state.documents.has(put.digest))
      this.#state.verifiedAt.set(put.digest, put.at);
    if (!repository.manifests.has(put.digest)) {
      repository.manifests.set(put.digest, put);
      for (const child of put.manifests) repository.orphanedAt.delete(child.digest);
    }
    this.#state.documents.set(put.digest, put.bytes.byteLength);
    for (const tag of put.tags) repository.setTag(tag, put.digest, put);
  }

  async leaseBlob(repository: RepositoryName, digest: Digest, until: number): Promise<boolean> {
    const found = this.#repositories.get(repository);
    const leasedUntil = found?.blobs.get(digest);
    if (leasedUntil === undefined) return false;
    found?.blobs.set(digest, Math.max(leasedUntil, until));
    return true;
  }

  async touchManifest(repository: RepositoryName, digest: Digest, at: number): Promise<boolean> {
    const found = this.#repositories.get(repository);
    if (found?.manifests.has(digest) !== true) return false;
    const orphanedAt = found.orphanedAt.get(digest);
    if (orphanedAt !== undefined) found.orphanedAt.set(digest, Math.max(orphanedAt, at));
    return true;
  }

  async deleteTag(change: TagDelete): Promise<boolean> {
    const repository = this.#repositories.get(change.repository);
    if (repository?.tags.has(change.tag) !== true) return false;
    repository.setTag(change.tag, undefined, change);
    return true;
  }

  async deleteManifest(change: ManifestDelete): Promise<boolean> {
    const repository = this.#repositories.get(change.repository);
    const put = repository?.manifests.get(change.digest);
    if (repository === undefined || put === undefined) return false;
    this.#state.deleteManifest(repository, put, change);
    return true;
  }

  async deleteBlob(change: ContentDelete): Promise<boolean> {
    const repository = this.#repositories.get(change.repository);
    if (repository?.blobs.delete(change.digest) !== true) return false;
    repository.trashedBlobs.set(change.digest, { by: change.by, at: change.at });
    return true;
  }

  async purgeRepository(name: RepositoryName): Promise<readonly string[]> {
    for (const session of this.#uploads.values()) if (session.repository === name) this.#uploads.delete(session.id);
    const purged = this.#repositories.get(name);
    if (purged === undefined) return [];
    this.#repositories.delete(name);
    const others = [...this.#repositories.values()];
    for (const digest of this.#state.documents.keys())
      if (!others.some((other) => other.hasDocument(digest))) this.#state.documents.delete(digest);
    return [...purged.blobs.keys(), ...purged.trashedBlobs.keys()].flatMap((digest) => {
      const content = this.#blobs.get(digest)?.content;
      this.#state.releaseBlob(digest);
      return content?.kind === "file" && !this.#blobs.has(digest) ? [content.key] : [];
    });
  }

  async close(): Promise<void> {
    // Nothing runs, and nothing is held that the process's end does not free.
  }

  #checkPreconditions(put: ManifestPut, repository: MemoryRepository): void {
    const { preconditions } = put;
    for (const tag of put.tags) checkTag(tag, repository.tags.get(tag), put.digest, preconditions);
    for (const named of put.blobs) {
      const isThere = repository.blobs.has(named.digest) && !this.#state.quarantined.has(named.digest);
      const stored = isThere ? this.#blobs.get(named.digest)?.sizeBytes : undefined;
      checkNamedContent(named, stored, preconditions.blobsMustExist);
    }
    for (const named of put.manifests) {
      const stored = repository.manifests.get(named.digest)?.bytes.byteLength;
      checkNamedContent(named, stored, preconditions.manifestsMustExist);
    }
    if (repository.manifests.has(put.digest)) return;
    const blobBytes = sum([...repository.blobs.keys()].map((digest) => this.#blobs.get(digest)?.sizeBytes ?? 0));
    const manifestBytes = sum([...repository.manifests.values()].map((manifest) => manifest.bytes.byteLength));
    checkRepositoryBytes(blobBytes + manifestBytes + put.bytes.byteLength, preconditions);
  }

  #namesWithManifests(): readonly RepositoryName[] {
    const names = [...this.#repositories].filter(([, { manifests }]) => manifests.size > 0).map(([name]) => name);
    return inByteOrder(names);
  }
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
