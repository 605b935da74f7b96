import type { OrphanedManifest, StorageUse, TrashedContent, UnneededBlob } from "./collection-store.ts";

/** What a garbage collection did. */
export interface CollectionReport {
  /** Deleted manifests and blobs that were in the trash for long enough. */
  readonly expired: number;
  /** Manifests that nothing had named for long enough. */
  readonly orphans: number;
  /** Blobs of repositories in which nothing named them, and what their end freed. */
  readonly blobs: number;
  readonly bytes: number;
  /** Files that were unlinked. */
  readonly files: number;
  readonly repositories: number;
}

/** What a garbage collection would take now, and why; no more than a part of it where there is very much. */
export interface CollectionPlan {
  readonly expired: readonly TrashedContent[];
  readonly orphans: readonly OrphanedManifest[];
  readonly blobs: readonly UnneededBlob[];
  /** Files whose blobs are gone already. */
  readonly files: readonly string[];
  readonly isComplete: boolean;
}

export interface CollectionState {
  readonly use: StorageUse;
  /** Its end, in milliseconds since 1970; undefined where none was since the start. */
  readonly lastRun: { readonly at: number; readonly report: CollectionReport } | undefined;
  readonly isRunning: boolean;
  readonly trashMs: number;
}

/** What the operator does with the garbage collection. */
export interface CollectionAdministration {
  /** To its end; where one is under way, to the end of that. */
  run(): Promise<CollectionReport>;
  /** Changes nothing. */
  plan(): Promise<CollectionPlan>;
  state(): Promise<CollectionState>;
}
