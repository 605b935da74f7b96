import { describe } from "bun:test";
import { describeAccessRuleStore } from "../../core/access-rule-store.contract.ts";
import { MemoryAccessRuleStore } from "./access-rule-store.ts";

describe("MemoryAccessRuleStore", () => {
  describeAccessRuleStore(async () => new MemoryAccessRuleStore());
});
