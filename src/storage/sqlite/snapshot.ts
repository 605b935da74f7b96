import type { SnapshotOutcome, SnapshotRequest } from "./snapshot-messages.ts";

/**
 * Writes the state that a database has at one moment into a file of its own (0600, synced), on a thread of its own. The database
 * may be in use, by another process too: nobody waits, but its log grows until this is through. Rejects where `into` is
 * there already or cannot be written.
 */
export async function snapshotDatabase(file: string, into: string): Promise<void> {
  const worker = new Worker(new URL("./snapshot.worker.ts", import.meta.url));
  const { promise, resolve, reject } = Promise.withResolvers<SnapshotOutcome>();
  worker.addEventListener("message", (event: MessageEvent<SnapshotOutcome>) => resolve(event.data));
  worker.addEventListener("error", (event) => reject(new Error(event.message)));
  worker.addEventListener("close", () => reject(new Error("the thread of the snapshot ended")));
  worker.postMessage({ file, into } satisfies SnapshotRequest, []);
  try {
    const { failure } = await promise;
    if (failure !== undefined) throw new Error(`${file} cannot be written into ${into}: ${failure}`);
  } finally {
    worker.terminate();
  }
}
