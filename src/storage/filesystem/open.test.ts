import { describe } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BlobStoreSetup, describeBlobStore } from "../../core/blob-store.contract.ts";
import { describeUploadStore } from "../../core/upload-store.contract.ts";
import { openFilesystem } from "./open.ts";

const make = async (): Promise<BlobStoreSetup> => {
  const folder = mkdtempSync(join(tmpdir(), "dozo-files-"));
  const log = { error: () => undefined };
  const files = await openFilesystem({
    folder,
    log,
    reserve: { minFreeBytes: 0, minFreeShare: 0 },
  });
  const end = async (): Promise<void> => {
    await files.close();
    rmSync(folder, { recursive: true });
  };
  return { blobs: files.blobs, uploads: files.uploads, end };
};

describe("FilesystemBlobStore", () => describeBlobStore(make));
describe("FilesystemUploadStore", () => describeUploadStore(make));
