import { algorithmOf, type Digest, digestOf } from "../core/digest.ts";
import { RegistryError } from "../core/error.ts";
import { parseManifest } from "../core/manifest.ts";
import type { ManifestPreconditions, ManifestRecord } from "../core/metadata-store.ts";
import type { Principal } from "../core/principal.ts";
import type { Reference, Tag } from "../core/reference.ts";
import type { RepositoryName } from "../core/repository-name.ts";
import type { RegistryPorts } from "./ports.ts";

/** A manifest as it was pushed. */
export interface PushedManifest {
  readonly reference: Reference;
  /** Those of `?tag=` (distribution specification, end-7b); the reference's own need not be among them. */
  readonly tags: readonly Tag[];
  readonly contentType: string | undefined;
  readonly bytes: Uint8Array;
  /** Whether its tags may be taken from other manifests. */
  readonly mayOverwriteTag: boolean;
}

/** What became of it: `tags` are all that point at it now because of this push. */
export interface StoredManifest {
  readonly digest: Digest;
  readonly subject: Digest | undefined;
  readonly tags: readonly Tag[];
}

/** Manifests and the tags that point at them. */
export class Manifests {
  readonly #ports: RegistryPorts;

  constructor(ports: RegistryPorts) {
    this.#ports = ports;
  }

  /** What it tells of stays for who asked, as a leased blob does. Throws `MANIFEST_UNKNOWN`. */
  async find(repository: RepositoryName, reference: Reference): Promise<ManifestRecord> {
    const { metadata, leases } = this.#ports;
    const record = await metadata.findManifest(repository, reference);
    if (record === undefined || !(await leases.holdManifest(repository, record))) throw unknownManifest(reference);
    return record;
  }

  /**
   * Stores the bytes as they are and sets all tags, or does nothing of it. Throws `DIGEST_INVALID` where the reference is
   * the digest of other bytes, what `parseManifest` throws, and `MANIFEST_BLOB_UNKNOWN` for what is not there.
   */
  async put(repository: RepositoryName, principal: Principal, pushed: PushedManifest): Promise<StoredManifest> {
    const { clock, limits, metadata, reserve } = this.#ports;
    const tags = this.#tagsOf(pushed);
    const digest = digestNamedBy(pushed);
    const manifest = parseManifest(pushed.bytes, pushed.contentType, limits);
    await reserve.assertRoomFor(pushed.bytes.length);
    await metadata.putManifest({
      ...manifest,
      referrer: manifest.subject === undefined ? undefined : manifest.referrer,
      repository,
      digest,
      bytes: pushed.bytes,
      tags,
      preconditions: this.#preconditions(pushed),
      by: principal.id,
      at: clock.now(),
    });
    return { digest, subject: manifest.subject, tags };
  }

  /** A tag alone, or a manifest with every tag that points at it. Throws `MANIFEST_UNKNOWN`. */
  async delete(repository: RepositoryName, reference: Reference, principal: Principal): Promise<void> {
    const { metadata, clock, keepsReferrers } = this.#ports;
    const change = { repository, by: principal.id, at: clock.now() };
    const found =
      reference.kind === "tag"
        ? await metadata.deleteTag({ ...change, tag: reference.tag })
        : await metadata.deleteManifest({ ...change, digest: reference.digest, keepsReferrers });
    if (!found) throw unknownManifest(reference);
  }

  #tagsOf({ reference, tags }: PushedManifest): readonly Tag[] {
    const all = [...new Set(reference.kind === "tag" ? [reference.tag, ...tags] : tags)];
    const { tagsPerPut } = this.#ports.limits;
    if (all.length > tagsPerPut) {
      throw new RegistryError("TAG_INVALID", `a push may set ${tagsPerPut} tags at once, this one has ${all.length}`);
    }
    return all;
  }

  #preconditions({ mayOverwriteTag }: PushedManifest): ManifestPreconditions {
    const { sparseImages, sparseIndexes } = this.#ports.limits;
    return {
      mayCreateTag: true,
      mayOverwriteTag,
      blobsMustExist: !sparseImages,
      manifestsMustExist: !sparseIndexes,
    };
  }
}

function digestNamedBy({ reference, bytes }: PushedManifest): Digest {
  if (reference.kind === "tag") return digestOf(bytes);
  const digest = digestOf(bytes, algorithmOf(reference.digest));
  if (digest !== reference.digest) {
    throw new RegistryError("DIGEST_INVALID", `what was sent has the digest ${digest}, not ${reference.digest}`);
  }
  return digest;
}

function unknownManifest(reference: Reference): RegistryError {
  const name = reference.kind === "tag" ? `tag ${reference.tag}` : `manifest ${reference.digest}`;
  return new RegistryError("MANIFEST_UNKNOWN", `this repository has no ${name}`);
}
