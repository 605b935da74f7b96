import { describe } from "bun:test";
import { describeMetadataStore } from "../../core/metadata-store.contract.ts";
import { MemoryMetadataStore } from "./metadata-store.ts";

describe("MemoryMetadataStore", () => {
  describeMetadataStore(async () => new MemoryMetadataStore());
});
