/** What is wrong with the record, if anything is. */
export interface AuditState {
  readonly trouble:
    | {
        /** What is not recorded meanwhile. `pulls`: the room that is left is kept for changes and refusals. */
        readonly missing: "pulls" | "everything" | "file";
        readonly reason: string;
        /** Milliseconds since 1970. */
        readonly since: number;
      }
    | undefined;
  /** Events that were thrown away since the process started. */
  readonly lost: number;
}
