import { Database } from "bun:sqlite";
import type { Digest } from "../../core/digest.ts";
import { imagesWith } from "./images-with.ts";

/** A blob whose bytes are in a file, as a snapshot has it. */
export interface SnapshotFile {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly key: string;
}

/** Bytes that stand in the database itself: a small blob, or a manifest. */
export interface SnapshotBytes {
  readonly kind: "blob" | "manifest";
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

const pageRows = 500;

/** What a snapshot of the database says that is stored. It is read only, whatever the medium is. */
export class SnapshotContent {
  readonly #db: Database;

  /** Throws where the file is no database of dozo's. */
  constructor(file: string) {
    this.#db = new Database(file, { readonly: true, strict: true });
    this.#db.run("PRAGMA cache_size = -8192");
  }

  /** The oldest of the registry's principals: of two registries it is never the same. Undefined where nobody was made yet. */
  get registry(): string | undefined {
    return this.#db.query<{ id: string }, []>("SELECT id FROM principals ORDER BY id LIMIT 1").get()?.id;
  }

  /** Whether the pages of the database fit together (PRAGMA quick_check). */
  get isSound(): boolean {
    const rows = this.#db.query<{ quick_check: string }, []>("PRAGMA quick_check(1)").all();
    return rows.length === 1 && rows[0]?.quick_check === "ok";
  }

  /** How many blobs are in files, and how many bytes these have. */
  totals(): { readonly blobs: number; readonly bytes: number } {
    let blobs = 0;
    let bytes = 0;
    for (const { sizeBytes } of this.files()) {
      blobs += 1;
      bytes += sizeBytes;
    }
    return { blobs, bytes };
  }

  *files(): Generator<SnapshotFile> {
    const rows = this.#db.query<SnapshotFile & { id: number }, [string, number]>(
      `SELECT file_key AS key, digest, size_bytes AS sizeBytes FROM blobs
       WHERE file_key > ?1 ORDER BY file_key LIMIT ?2`,
    );
    let behind = "";
    for (;;) {
      const page = rows.all(behind, pageRows);
      yield* page;
      const last = page.at(-1);
      if (last === undefined) return;
      behind = last.key;
    }
  }

  hasFile(key: string): boolean {
    return this.#db.query("SELECT 1 FROM blobs WHERE file_key = ?1").get(key) !== null;
  }

  *bytes(): Generator<SnapshotBytes> {
    const blobs = this.#db.query<{ id: number; digest: Digest; bytes: Uint8Array }, [number]>(
      `SELECT c.blob_id AS id, b.digest AS digest, c.bytes AS bytes
       FROM blob_contents c JOIN blobs b ON b.id = c.blob_id WHERE c.blob_id > ?1 ORDER BY c.blob_id LIMIT 20`,
    );
    for (const { digest, bytes } of byPage((behind) => blobs.all(behind))) yield { kind: "blob", digest, bytes };
    const manifests = this.#db.query<{ id: number; digest: Digest; bytes: Uint8Array }, [number]>(
      "SELECT id, digest, bytes FROM manifest_contents WHERE id > ?1 ORDER BY id LIMIT 20",
    );
    for (const { digest, bytes } of byPage((behind) => manifests.all(behind)))
      yield { kind: "manifest", digest, bytes };
  }

  /** At most `limit` of the images that need a blob or are a manifest: `team/app:1`, or with a digest where no tag leads there. */
  imagesWith(digest: Digest, limit: number): readonly string[] {
    return imagesWith(this.#db, digest, limit);
  }

  close(): void {
    this.#db.close();
  }
}

function* byPage<Row extends { readonly id: number }>(read: (behind: number) => readonly Row[]): Generator<Row> {
  let behind = -1;
  for (;;) {
    const page = read(behind);
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    behind = last.id;
  }
}

/** Takes out of a restored database what the restored folder cannot have: the uploads that were under way. */
export function forgetUploads(file: string): void {
  const db = new Database(file, { readwrite: true, create: false, strict: true });
  try {
    db.run("PRAGMA synchronous = FULL");
    db.query("DELETE FROM uploads WHERE id >= ''").run();
  } finally {
    db.close();
  }
}
