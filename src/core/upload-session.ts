import type { PrincipalId } from "./principal.ts";
import type { RepositoryName } from "./repository-name.ts";
import type { Ulid } from "./ulid.ts";

export type UploadId = Ulid;

/** One resumable upload. How many bytes it has is the upload store's to say: it holds them. */
export interface UploadSession {
  readonly id: UploadId;
  readonly repository: RepositoryName;
  /** Only who started an upload may go on with it, look at it or cancel it. */
  readonly startedBy: PrincipalId;
  readonly startedAt: number;
  /** Moved forward by the chunks, at most once an hour: what counts is the day of idleness. */
  readonly touchedAt: number;
}
