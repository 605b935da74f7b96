import type { AuditEvent } from "../../../core/audit-event.ts";
import type { AuditBounds, AuditFacts, AuditQuery, AuditStore, LastPull } from "../../../core/audit-store.ts";
import { DatabaseThread } from "../thread.ts";
import { prepareAuditDatabase } from "./format.ts";
import type { auditOperations } from "./operations.ts";

/** The file of the record, and the version of this program, which stands in it for those who come later. */
export interface AuditDatabaseOptions {
  readonly file: string;
  readonly programVersion: string;
  /** Hears that the thread ended which nobody closed: from then on nothing can be read or written. */
  readonly onFault: (reason: string) => void;
}

/** Opens the record's database, which is made (mode 0600) or brought to the newest format first, and starts its thread. */
export async function openAuditDatabase(options: AuditDatabaseOptions): Promise<AuditStore> {
  prepareAuditDatabase(options.file, options.programVersion);
  const worker = new Worker(new URL("./audit.worker.ts", import.meta.url));
  const thread = new DatabaseThread<typeof auditOperations>(worker, options.file, options.onFault);
  try {
    await thread.started;
  } catch (error) {
    await thread.close();
    throw error;
  }
  return new SqliteAuditStore(thread);
}

/** The port of the record over its thread. */
class SqliteAuditStore implements AuditStore {
  readonly #thread: DatabaseThread<typeof auditOperations>;

  constructor(thread: DatabaseThread<typeof auditOperations>) {
    this.#thread = thread;
  }

  write(events: readonly AuditEvent[], completeSince?: number): Promise<void> {
    return this.#thread.call("writeEvents", events, completeSince);
  }

  list(query: AuditQuery): Promise<readonly AuditEvent[]> {
    return this.#thread.call("listEvents", query);
  }

  lastPulls(images: readonly Omit<LastPull, "at">[]): Promise<readonly LastPull[]> {
    return this.#thread.call("lastPulls", images);
  }

  prune(bounds: AuditBounds): Promise<boolean> {
    return this.#thread.call("prune", bounds);
  }

  facts(): Promise<AuditFacts> {
    return this.#thread.call("auditFacts");
  }

  readNote(name: string): Promise<string | undefined> {
    return this.#thread.call("readNote", name);
  }

  writeNote(name: string, text: string): Promise<void> {
    return this.#thread.call("writeNote", name, text);
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}
