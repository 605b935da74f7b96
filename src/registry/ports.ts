import type { BlobStore } from "../core/blob-store.ts";
import type { Clock } from "../core/clock.ts";
import type { Limits } from "../core/limits.ts";
import type { MetadataStore } from "../core/metadata-store.ts";
import type { UlidSource } from "../core/ulid.ts";
import type { UploadStore } from "../core/upload-store.ts";
import type { Leases } from "./leases.ts";

/**
 * What lives in this folder: what can be done with a registry, one class a subject, written against the ports of the
 * domain. No HTTP, no files, no SQL; who may do it was decided before (`core/policy.ts`).
 */
export interface RegistryPorts {
  readonly metadata: MetadataStore;
  readonly blobs: BlobStore;
  readonly uploads: UploadStore;
  readonly clock: Clock;
  readonly ulids: UlidSource;
  readonly limits: Limits;
  readonly reserve: DiskReserve;
  readonly leases: Pick<Leases, "holdBlob" | "holdManifest">;
  /** What is about a manifest stays when that is deleted. */
  readonly keepsReferrers: boolean;
}

/** Keeps pushes from filling the disk. */
export interface DiskReserve {
  /** Throws `DENIED`, with a reason that a client shows, when the disk is below its reserve or `bytes` would bring it there. */
  assertRoomFor(bytes: number | undefined): Promise<void>;
}
