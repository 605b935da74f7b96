import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import type { Change, ManifestPut, TagEvent } from "../../core/metadata-store.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import type { Tag } from "../../core/reference.ts";

/** A manifest that was deleted, with the tags that pointed at it. */
export interface TrashedManifest {
  readonly put: ManifestPut;
  readonly tags: readonly Tag[];
  readonly deleted: Change;
  /** The manifest that it went with, for it was about that one. */
  readonly wentWith: TrashedManifest | undefined;
}

/** What one repository has: names of blobs, manifests, tags and what became of them. */
export class MemoryRepository {
  /** Until when each is leased. */
  readonly blobs = new Map<Digest, number>();
  readonly manifests = new Map<Digest, ManifestPut>();
  readonly tags = new Map<Tag, Digest>();
  /** Since when nothing names a manifest that was named before. */
  readonly orphanedAt = new Map<Digest, number>();
  /** Oldest first. */
  readonly trash: TrashedManifest[] = [];
  readonly trashedBlobs = new Map<Digest, Change>();
  /** Oldest first. */
  readonly history: TagEvent[] = [];
  readonly createdAt: number;

  constructor(createdAt = 0) {
    this.createdAt = createdAt;
  }

  /** Lets a tag point at `digest`, or nowhere; nothing is noted for one that did already. */
  setTag(tag: Tag, digest: Digest | undefined, change: Change): void {
    const previous = this.tags.get(tag);
    if (previous === digest) return;
    if (digest === undefined) this.tags.delete(tag);
    else this.tags.set(tag, digest);
    this.history.push({ tag, digest, previous, by: change.by, at: change.at });
    if (digest !== undefined) this.orphanedAt.delete(digest);
    if (previous !== undefined) this.orphan(previous, change.at);
  }

  /** Notes that a manifest has lost what named it, unless something else does. */
  orphan(digest: Digest, at: number): void {
    if (!this.manifests.has(digest) || this.orphanedAt.has(digest) || this.isNamed(digest)) return;
    this.orphanedAt.set(digest, at);
  }

  /** Whether a tag or an index names a manifest, or what it is about is there. */
  isNamed(digest: Digest): boolean {
    const subject = this.manifests.get(digest)?.subject;
    return (subject !== undefined && this.manifests.has(subject)) || this.isNamedByOther(digest);
  }

  isNamedByOther(digest: Digest): boolean {
    return (
      [...this.tags.values()].includes(digest) ||
      [...this.manifests.values()].some(({ manifests }) => manifests.some((named) => named.digest === digest))
    );
  }

  isNamedFromTrash(digest: Digest): boolean {
    return this.trash.some(({ put }) => put.manifests.some((named) => named.digest === digest));
  }

  /** Whether a manifest, here or in the trash, names a blob. */
  needsBlob(digest: Digest): boolean {
    const all = [...this.manifests.values(), ...this.trash.map(({ put }) => put)];
    return all.some(({ blobs }) => blobs.some((named) => named.digest === digest));
  }

  /** Whether it has a blob, or may want it back. */
  hasBlob(digest: Digest): boolean {
    return this.blobs.has(digest) || this.trashedBlobs.has(digest);
  }

  hasDocument(digest: Digest): boolean {
    return this.manifests.has(digest) || this.trash.some(({ put }) => put.digest === digest);
  }

  /** In byte order. */
  tagsOf(digest: Digest): readonly Tag[] {
    return inByteOrder([...this.tags].filter(([, target]) => target === digest).map(([tag]) => tag));
  }

  referrersOf(subject: Digest, artifactType: string | undefined): readonly Descriptor[] {
    return [...this.manifests.values()]
      .filter((manifest) => manifest.subject === subject)
      .map(descriptorOf)
      .filter((descriptor) => artifactType === undefined || descriptor.artifactType === artifactType)
      .toSorted((one, other) => compareBytes(one.digest, other.digest));
  }
}

function descriptorOf(manifest: ManifestPut): Descriptor {
  const { artifactType, annotations } = manifest.referrer ?? {};
  return {
    mediaType: manifest.mediaType,
    digest: manifest.digest,
    sizeBytes: manifest.bytes.byteLength,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

/** The page of `sorted` that was asked for, where `keyOf` is what `last` compares with. */
export function pageOf<Entry>(
  sorted: readonly Entry[],
  page: PageRequest,
  keyOf: (entry: Entry) => string,
): Page<Entry> {
  const { last, limit } = page;
  const behind = last === undefined ? sorted : sorted.filter((entry) => compareBytes(keyOf(entry), last) > 0);
  return { entries: behind.slice(0, limit), more: limit > 0 && behind.length > limit };
}

export function inByteOrder<Text extends string>(texts: Iterable<Text>): readonly Text[] {
  return [...texts].toSorted(compareBytes);
}

/** The order of the UTF-8 bytes, which is SQLite's too; JavaScript's own differs beyond U+FFFF. */
export function compareBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
