import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { RegistryError } from "../core/error.ts";
import { type Manifest, parseManifest } from "../core/manifest.ts";
import { mediaTypes } from "../core/media-type.ts";
import type { ManifestRecord } from "../core/metadata-store.ts";
import type { PageRequest } from "../core/page.ts";
import { fillPage, referrerBytes, referrersIndex, referrersTag } from "../core/referrers.ts";
import type { RepositoryName } from "../core/repository-name.ts";
import type { RegistryPorts } from "./ports.ts";

/** What is asked of a list: the referrers of one manifest, all or those of one artifact type. */
interface Question {
  readonly repository: RepositoryName;
  readonly subject: Digest;
  readonly artifactType: string | undefined;
  readonly page: PageRequest;
}

/** A piece of a list in byte order: nothing up to and with `upTo` is missing; undefined: it goes to the end. */
interface Stretch {
  readonly descriptors: readonly Descriptor[];
  readonly upTo: string | undefined;
}

// Few at first: each may carry annotations as large as a manifest.
const firstBatch = 8;
const largestBatch = 64;

/** The manifests that name another one as their subject. */
export class Referrers {
  readonly #ports: RegistryPorts;

  constructor(ports: RegistryPorts) {
    this.#ports = ports;
  }

  /**
   * One page of an image index (distribution specification, "Listing Referrers"), in byte order of the digests, bounded in
   * entries and in bytes; empty where there are none. `next` is the `last` of the page behind, which may be without entries.
   *
   * A list that clients keep under the referrers tag is merged in ("Enabling the Referrers API"): what it names, what
   * the repository has, and what does not name another subject. The descriptor is made from the manifest itself.
   */
  async list(
    repository: RepositoryName,
    subject: Digest,
    artifactType: string | undefined,
    page: PageRequest,
  ): Promise<{ readonly index: Uint8Array; readonly next: string | undefined }> {
    if (page.limit === 0) return { index: referrersIndex([]), next: undefined };
    const question = { repository, subject, artifactType, page };
    const own = await this.#own(question);
    const claimed = await this.#claimed(question, own.upTo);
    const upTo = claimed.upTo ?? own.upTo;
    const merged = [...own.descriptors, ...claimed.descriptors]
      .filter(({ digest }) => upTo === undefined || digest <= upTo)
      .toSorted((one, other) => (one.digest < other.digest ? -1 : 1));
    const filled = fillPage(merged, page.limit, this.#ports.limits.referrersPageBytes);
    const next = filled.length < merged.length ? filled.at(-1)?.digest : upTo;
    return { index: referrersIndex(filled), next };
  }

  async #own({ repository, subject, artifactType, page }: Question): Promise<Stretch> {
    const { limits, metadata } = this.#ports;
    const descriptors: Descriptor[] = [];
    let bytes = 0;
    let last = page.last;
    for (let size = firstBatch; ; size = Math.min(size * 2, largestBatch)) {
      const limit = Math.min(size, page.limit - descriptors.length);
      const batch = await metadata.listReferrers(repository, subject, artifactType, { limit, last });
      descriptors.push(...batch.entries);
      bytes += batch.entries.reduce((sum, descriptor) => sum + referrerBytes(descriptor), 0);
      last = batch.entries.at(-1)?.digest;
      if (!batch.more || last === undefined) return { descriptors, upTo: undefined };
      if (descriptors.length >= page.limit || bytes >= limits.referrersPageBytes) return { descriptors, upTo: last };
    }
  }

  /** What the clients' own list adds, read until it has cost as many bytes as a page may have. */
  async #claimed(question: Question, upTo: string | undefined): Promise<Stretch> {
    const { last } = question.page;
    const candidates = (await this.#candidates(question)).filter(
      (digest) => (last === undefined || digest > last) && (upTo === undefined || digest <= upTo),
    );
    const descriptors: Descriptor[] = [];
    let bytes = 0;
    for (const [index, digest] of candidates.entries()) {
      const record = await this.#ports.metadata.findManifest(question.repository, { kind: "digest", digest });
      const descriptor = record === undefined ? undefined : this.#describe(record, question);
      if (descriptor !== undefined) descriptors.push(descriptor);
      bytes += record?.bytes.length ?? 0;
      const isLast = index === candidates.length - 1;
      if (!isLast && bytes >= this.#ports.limits.referrersPageBytes) return { descriptors, upTo: digest };
    }
    return { descriptors, upTo };
  }

  async #candidates({ repository, subject }: Question): Promise<readonly Digest[]> {
    const reference = { kind: "tag", tag: referrersTag(subject) } as const;
    const record = await this.#ports.metadata.findManifest(repository, reference);
    if (record?.mediaType !== mediaTypes.ociIndex) return [];
    return (this.#parse(record)?.manifests.map(({ digest }) => digest) ?? []).toSorted();
  }

  /** Undefined where the manifest names a subject (the registry's own list has it then) or is not of the type asked for. */
  #describe(record: ManifestRecord, { artifactType }: Question): Descriptor | undefined {
    const manifest = this.#parse(record);
    if (manifest === undefined || manifest.subject !== undefined) return undefined;
    if (artifactType !== undefined && manifest.referrer.artifactType !== artifactType) return undefined;
    const { digest, mediaType, bytes } = record;
    return { digest, mediaType, sizeBytes: bytes.length, ...manifest.referrer };
  }

  /** Undefined for what an earlier, more generous setting let in. */
  #parse(record: ManifestRecord): Manifest | undefined {
    try {
      return parseManifest(record.bytes, record.mediaType, this.#ports.limits);
    } catch (error) {
      if (error instanceof RegistryError) return undefined;
      throw error;
    }
  }
}
