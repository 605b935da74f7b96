import type { AccessKeyRecord, AccessKeyStore, AccessKeyUse, NewAccessKeyRecord } from "../../core/access-key-store.ts";
import type { AccessKeyId } from "../../core/access-key.ts";
import type { Change } from "../../core/metadata-store.ts";
import type { changes, reads } from "./operations.ts";
import type { DatabaseThread } from "./thread.ts";

/** The access keys over the two threads of the database. */
export class SqliteAccessKeyStore implements AccessKeyStore {
  readonly #reader: DatabaseThread<typeof reads>;
  readonly #writer: DatabaseThread<typeof changes>;

  constructor(reader: DatabaseThread<typeof reads>, writer: DatabaseThread<typeof changes>) {
    this.#reader = reader;
    this.#writer = writer;
  }

  listKeys(): Promise<readonly AccessKeyRecord[]> {
    return this.#reader.call("listKeys");
  }

  addKey(key: NewAccessKeyRecord, change: Change): Promise<void> {
    return this.#writer.call("addKey", key, change);
  }

  removeKeys(ids: readonly AccessKeyId[], _change: Change): Promise<number> {
    return this.#writer.call("removeKeys", ids);
  }

  noteUses(uses: readonly AccessKeyUse[]): Promise<void> {
    return this.#writer.call("noteUses", uses);
  }
}
