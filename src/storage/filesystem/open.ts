import type { BlobStore } from "../../core/blob-store.ts";
import type { UploadStore } from "../../core/upload-store.ts";
import { FilesystemBlobStore } from "./blob-store.ts";
import { Layout } from "./layout.ts";
import type { DiskReserveOptions } from "./upload-calls.ts";
import { FilesystemUploadStore } from "./upload-store.ts";
import type { StorageLog } from "./worker-channel.ts";

export interface FilesystemOptions {
  /** The data folder; `blobs/` and `uploads/` are made in it. One process at a time may have it open. */
  readonly folder: string;
  readonly log: StorageLog;
  readonly reserve: DiskReserveOptions;
  /** An upload of which nothing comes for so long is ended (what came stays); 60 s by default. */
  readonly silenceMs?: number;
}

/** Both stores of one data folder. */
export interface Filesystem {
  readonly blobs: BlobStore;
  readonly uploads: UploadStore;
  /** Ends both and their threads: bodies under way are broken off, what came of them stays. */
  close(): Promise<void>;
}

/**
 * Opens the files of a data folder: makes what is missing (folders 0700, files 0600) and starts the two threads. Throws
 * `LayoutError` when one of the folders is a symbolic link or a file. `blobs.close()` ends everything, as `close()` does.
 */
export async function openFilesystem(options: FilesystemOptions): Promise<Filesystem> {
  const { folder, log, reserve, silenceMs = 60_000 } = options;
  const layout = new Layout(folder);
  layout.prepare();
  const uploads = new FilesystemUploadStore({ layout, log, reserve, silenceMs });
  const blobs = new FilesystemBlobStore({ layout, log, alsoClose: () => uploads.close() });
  return { blobs, uploads, close: () => blobs.close() };
}
