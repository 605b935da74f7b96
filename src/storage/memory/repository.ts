import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import type { Change, ManifestPut, TagEvent } from "../../core/metadata-store.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import type { Tag } from "../../core/reference.ts";

/** What one repository has: names of blobs, manifests, tags and what became of them. */
export class MemoryRepository {
  readonly blobs = new Set<Digest>();
  readonly manifests = new Map<Digest, ManifestPut>();
  readonly tags = new Map<Tag, Digest>();
  /** What was deleted here and may be wanted back. */
  readonly deleted = new Set<Digest>();
  /** Oldest first. */
  readonly history: TagEvent[] = [];

  /** Lets a tag point at `digest`, or nowhere; nothing is noted for one that did already. */
  setTag(tag: Tag, digest: Digest | undefined, change: Change): void {
    const previous = this.tags.get(tag);
    if (previous === digest) return;
    if (digest === undefined) this.tags.delete(tag);
    else this.tags.set(tag, digest);
    this.history.push({ tag, digest, previous, by: change.by, at: change.at });
  }

  /** Whether it has a blob or a manifest, or may want it back. */
  needs(digest: Digest): boolean {
    return this.blobs.has(digest) || this.manifests.has(digest) || this.deleted.has(digest);
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
