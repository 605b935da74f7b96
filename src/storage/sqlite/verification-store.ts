import type { Reference } from "../../core/reference.ts";
import type { RepositoryName } from "../../core/repository-name.ts";
import type {
  ImageContent,
  QuarantinedBytes,
  StoredBytes,
  StoredPosition,
  VerificationFacts,
  VerificationStore,
} from "../../core/verification-store.ts";
import type { changes, reads } from "./operations.ts";
import type { DatabaseThread } from "./thread.ts";

/** The verification port over the two threads of the database. */
export class SqliteVerificationStore implements VerificationStore {
  readonly #reader: DatabaseThread<typeof reads>;
  readonly #writer: DatabaseThread<typeof changes>;

  constructor(reader: DatabaseThread<typeof reads>, writer: DatabaseThread<typeof changes>) {
    this.#reader = reader;
    this.#writer = writer;
  }

  listDue(before: number, limit: number): Promise<readonly StoredBytes[]> {
    return this.#reader.call("listDue", before, limit);
  }

  listStored(
    behind: StoredPosition | undefined,
    limit: number,
  ): Promise<{ readonly stored: readonly StoredBytes[]; readonly next: StoredPosition | undefined }> {
    return this.#reader.call("listStored", behind, limit);
  }

  listImage(repository: RepositoryName, reference: Reference): Promise<ImageContent | undefined> {
    return this.#reader.call("listImage", repository, reference);
  }

  checkRow(bytes: StoredBytes): Promise<"good" | "damaged" | "gone"> {
    return this.#reader.call("checkRow", bytes);
  }

  noteGood(bytes: readonly StoredBytes[], at: number): Promise<void> {
    return this.#writer.call("noteGood", bytes, at);
  }

  quarantine(bytes: StoredBytes, at: number): Promise<"new" | "known" | "gone"> {
    return this.#writer.call("quarantine", bytes, at);
  }

  listQuarantined(limit: number): Promise<readonly QuarantinedBytes[]> {
    return this.#reader.call("listQuarantined", limit);
  }

  facts(): Promise<VerificationFacts> {
    return this.#reader.call("verificationFacts");
  }

  noteStart(at: number): Promise<number | undefined> {
    return this.#writer.call("noteStart", at);
  }

  noteStop(): Promise<void> {
    return this.#writer.call("noteStop");
  }
}
