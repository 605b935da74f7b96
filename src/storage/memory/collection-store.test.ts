import { describe } from "bun:test";
import { describeCollectionStore } from "../../core/collection-store.contract.ts";
import { MemoryCollectionStore } from "./collection-store.ts";
import { MemoryMetadataStore } from "./metadata-store.ts";
import { MemoryState } from "./state.ts";

describe("MemoryCollectionStore", () => {
  describeCollectionStore(async () => {
    const state = new MemoryState();
    return { metadata: new MemoryMetadataStore(state), collection: new MemoryCollectionStore(state) };
  });
});
