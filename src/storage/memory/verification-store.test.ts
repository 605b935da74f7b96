import { describe } from "bun:test";
import { describeVerificationStore } from "../../core/verification-store.contract.ts";
import { MemoryMetadataStore } from "./metadata-store.ts";
import { MemoryState } from "./state.ts";
import { MemoryVerificationStore } from "./verification-store.ts";

describe("MemoryVerificationStore", () => {
  describeVerificationStore(async () => {
    const state = new MemoryState();
    return { metadata: new MemoryMetadataStore(state), verification: new MemoryVerificationStore(state) };
  });
});
