import { algorithmOf, type Digest, digestOf } from "../../core/digest.ts";
import type { Reference } from "../../core/reference.ts";
import type { RepositoryName } from "../../core/repository-name.ts";
import type {
  ImageContent,
  QuarantinedBytes,
  StoredBytes,
  StoredPosition,
  VerificationFacts,
  VerificationStore,
} from "../../core/verification-store.ts";
import { inByteOrder, type MemoryRepository } from "./repository.ts";
import type { MemoryState } from "./state.ts";

/** The verification port over what a `MemoryMetadataStore` holds. */
export class MemoryVerificationStore implements VerificationStore {
  readonly #state: MemoryState;
  readonly #damagedAt = new Map<Digest, number>();
  #isRunning = false;
  #uncleanAt: number | undefined;

  constructor(state: MemoryState) {
    this.#state = state;
  }

  async listDue(before: number, limit: number): Promise<readonly StoredBytes[]> {
    const verifiedAt = ({ digest }: StoredBytes): number => this.#state.verifiedAt.get(digest) ?? 0;
    return this.#all()
      .filter((bytes) => verifiedAt(bytes) < before)
      .toSorted((one, other) => verifiedAt(one) - verifiedAt(other))
      .slice(0, limit);
  }

  async listStored(
    behind: StoredPosition | undefined,
    limit: number,
  ): Promise<{ readonly stored: readonly StoredBytes[]; readonly next: StoredPosition | undefined }> {
    const from = behind?.id ?? 0;
    const stored = this.#all().slice(from, from + limit);
    return { stored, next: stored.length === 0 ? undefined : { kind: "blob", id: from + stored.length } };
  }

  async listImage(name: RepositoryName, reference: Reference): Promise<ImageContent | undefined> {
    const repository = this.#state.repositories.get(name);
    const root = reference.kind === "digest" ? reference.digest : repository?.tags.get(reference.tag);
    if (repository === undefined || root === undefined || !repository.manifests.has(root)) return undefined;
    const stored: StoredBytes[] = [];
    const missing: Digest[] = [];
    // What is added on the way is walked too.
    const manifests = new Set([root]);
    const blobs = new Set<Digest>();
    for (const digest of manifests) {
      const put = repository.manifests.get(digest);
      if (put === undefined) missing.push(digest);
      else stored.push({ kind: "manifest", digest, sizeBytes: put.bytes.byteLength, key: undefined });
      for (const named of put?.manifests ?? []) manifests.add(named.digest);
      for (const named of put?.blobs ?? []) blobs.add(named.digest);
    }
    for (const digest of blobs) {
      const blob = repository.blobs.has(digest) ? this.#blob(digest) : undefined;
      if (blob === undefined) missing.push(digest);
      else stored.push(blob);
    }
    return { stored, missing };
  }

  async checkRow({ kind, digest }: StoredBytes): Promise<"good" | "damaged" | "gone"> {
    const content = this.#state.blobs.get(digest)?.content;
    const inline = content?.kind === "inline" ? content.bytes : undefined;
    const bytes = kind === "blob" ? inline : this.#document(digest);
    if (bytes === undefined) return "gone";
    return digestOf(bytes, algorithmOf(digest)) === digest ? "good" : "damaged";
  }

  async noteGood(bytes: readonly StoredBytes[], at: number): Promise<void> {
    for (const each of bytes) {
      if (!this.#isCurrent(each)) continue;
      this.#state.verifiedAt.set(each.digest, at);
      this.#state.quarantined.delete(each.digest);
    }
  }

  async quarantine(bytes: StoredBytes, at: number): Promise<"new" | "known" | "gone"> {
    if (!this.#isCurrent(bytes)) return "gone";
    this.#state.verifiedAt.set(bytes.digest, at);
    if (this.#state.quarantined.has(bytes.digest)) return "known";
    this.#state.quarantined.add(bytes.digest);
    this.#damagedAt.set(bytes.digest, at);
    return "new";
  }

  async listQuarantined(limit: number): Promise<readonly QuarantinedBytes[]> {
    return this.#all()
      .filter(({ digest }) => this.#state.quarantined.has(digest))
      .slice(0, limit)
      .map((bytes) => ({
        ...bytes,
        damagedAt: this.#damagedAt.get(bytes.digest) ?? 0,
        images: this.#imagesWith(bytes.digest),
      }));
  }

  async facts(): Promise<VerificationFacts> {
    const all = this.#all();
    const times = all.map(({ digest }) => this.#state.verifiedAt.get(digest) ?? 0);
    return {
      damaged: all.filter(({ digest }) => this.#state.quarantined.has(digest)).length,
      oldestVerifiedAt: all.length === 0 ? undefined : Math.min(...times),
    };
  }

  async noteStart(at: number): Promise<number | undefined> {
    if (this.#isRunning) this.#uncleanAt = at;
    this.#isRunning = true;
    return this.#uncleanAt;
  }

  async noteStop(): Promise<void> {
    this.#isRunning = false;
  }

  #all(): readonly StoredBytes[] {
    const manifests = [...this.#state.documents].map(([digest, sizeBytes]): StoredBytes => ({
      kind: "manifest",
      digest,
      sizeBytes,
      key: undefined,
    }));
    return [...manifests, ...[...this.#state.blobs.keys()].flatMap((digest) => this.#blob(digest) ?? [])];
  }

  #blob(digest: Digest): StoredBytes | undefined {
    const blob = this.#state.blobs.get(digest);
    if (blob === undefined) return undefined;
    const key = blob.content.kind === "file" ? blob.content.key : undefined;
    return { kind: "blob", digest, sizeBytes: blob.sizeBytes, key };
  }

  #document(digest: Digest): Uint8Array | undefined {
    const holder = [...this.#state.repositories.values()].find(({ manifests }) => manifests.has(digest));
    return holder?.manifests.get(digest)?.bytes;
  }

  #isCurrent({ kind, digest, key }: StoredBytes): boolean {
    if (kind === "manifest") return this.#state.documents.has(digest);
    const blob = this.#blob(digest);
    return blob !== undefined && blob.key === key;
  }

  #imagesWith(digest: Digest): readonly string[] {
    return [...this.#state.repositories].flatMap(([name, repository]) => namesOf(name, repository, digest));
  }
}

function namesOf(name: RepositoryName, repository: MemoryRepository, digest: Digest): readonly string[] {
  const needing = [...repository.manifests.values()].filter(
    (put) => put.digest === digest || [...put.blobs, ...put.manifests].some((named) => named.digest === digest),
  );
  return needing.flatMap((put) => {
    const tags = inByteOrder(repository.tagsOf(put.digest));
    return tags.length === 0 ? [`${name}@${put.digest}`] : tags.map((tag) => `${name}:${tag}`);
  });
}
