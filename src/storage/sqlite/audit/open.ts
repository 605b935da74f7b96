import type { AuditEvent } from "../../../core/audit-event.ts";
import type { AuditBounds, AuditFacts, AuditQuery, AuditStore, LastPull } from "../../../core/audit-store.ts";
import { unavailable } from "../messages.ts";
import { DatabaseThread } from "../thread.ts";
import { prepareAuditDatabase } from "./format.ts";
import type { auditOperations } from "./operations.ts";

/** The file of the record, and the version of this program, which stands in it for those who come later. */
export interface AuditDatabaseOptions {
  readonly file: string;
  readonly programVersion: string;
  /** Hears that the thread ended which nobody closed: what was asked of it failed. The next call starts another. */
  readonly onFault: (reason: string) => void;
}

type AuditThread = DatabaseThread<typeof auditOperations>;

/** Opens the record's database, which is made (mode 0600) or brought to the newest format first, and starts its thread. */
export async function openAuditDatabase(options: AuditDatabaseOptions): Promise<AuditStore> {
  prepareAuditDatabase(options.file, options.programVersion);
  const store = new SqliteAuditStore(options);
  await store.facts();
  return store;
}

/**
 * The port of the record over its thread. A disk that fails, or a thread that crashes, fails the calls under way; every call after
 * that opens the file anew, so that the record is back when the disk is. How often that is tried is the caller's to say.
 */
class SqliteAuditStore implements AuditStore {
  readonly #options: AuditDatabaseOptions;
  #thread: Promise<AuditThread> | undefined;
  #isClosed = false;

  constructor(options: AuditDatabaseOptions) {
    this.#options = options;
  }

  async write(events: readonly AuditEvent[], completeSince?: number): Promise<void> {
    return (await this.#open()).call("writeEvents", events, completeSince);
  }

  async list(query: AuditQuery): Promise<readonly AuditEvent[]> {
    return (await this.#open()).call("listEvents", query);
  }

  async lastPulls(images: readonly Omit<LastPull, "at">[]): Promise<readonly LastPull[]> {
    return (await this.#open()).call("lastPulls", images);
  }

  async prune(bounds: AuditBounds): Promise<boolean> {
    return (await this.#open()).call("prune", bounds);
  }

  async facts(): Promise<AuditFacts> {
    return (await this.#open()).call("auditFacts");
  }

  async readNote(name: string): Promise<string | undefined> {
    return (await this.#open()).call("readNote", name);
  }

  async writeNote(name: string, text: string): Promise<void> {
    return (await this.#open()).call("writeNote", name, text);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await (await this.#thread?.catch(() => undefined))?.close();
  }

  #open(): Promise<AuditThread> {
    if (this.#thread !== undefined) return this.#thread;
    if (this.#isClosed) return Promise.reject(unavailable("the database is closed"));
    const opening = this.#start(() => {
      if (this.#thread === opening) this.#thread = undefined;
    });
    this.#thread = opening;
    return opening;
  }

  async #start(onEnd: () => void): Promise<AuditThread> {
    const { file, onFault } = this.#options;
    try {
      const worker = new Worker(new URL("./audit.worker.ts", import.meta.url));
      const thread: AuditThread = new DatabaseThread(worker, file, (reason) => {
        onEnd();
        // Lets go of the file, and of a transaction that could not be ended. What a failed sync left unwritten is written anew, from
        // a log whose checksums tell how far it reaches; what was acknowledged is in the part that was synced before.
        worker.terminate();
        onFault(reason);
      });
      await thread.started;
      return thread;
    } catch (error) {
      onEnd();
      throw error;
    }
  }
}
