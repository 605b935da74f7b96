/** The directory did not answer, or not as a directory does: nobody was refused by it, and nobody may be let in. */
export class DirectoryUnavailableError extends Error {
  constructor(reason: string, cause?: unknown) {
    super(reason, { cause });
    this.name = "DirectoryUnavailableError";
  }
}
