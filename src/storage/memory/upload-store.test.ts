import { describe } from "bun:test";
import { describeBlobStore } from "../../core/blob-store.contract.ts";
import { describeUploadStore } from "../../core/upload-store.contract.ts";
import { MemoryBlobStore } from "./blob-store.ts";
import { MemoryUploadStore } from "./upload-store.ts";

const make = async () => {
  const blobs = new MemoryBlobStore();
  return { blobs, uploads: new MemoryUploadStore(blobs), end: () => blobs.close() };
};

describe("MemoryBlobStore", () => describeBlobStore(make));
describe("MemoryUploadStore", () => describeUploadStore(make));
