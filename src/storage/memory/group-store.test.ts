import { describe } from "bun:test";
import { describeGroupStore } from "../../core/group-store.contract.ts";
import { MemoryGroupStore } from "./group-store.ts";

describe("MemoryGroupStore", () => {
  describeGroupStore(async () => new MemoryGroupStore());
});
