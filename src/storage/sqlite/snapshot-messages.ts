/** What the thread of a snapshot is told. */
export interface SnapshotRequest {
  readonly file: string;
  readonly into: string;
}

/** How it ended; undefined: well. */
export interface SnapshotOutcome {
  readonly failure: string | undefined;
}
