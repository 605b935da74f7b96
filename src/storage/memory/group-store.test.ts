import { describe } from "bun:test";
import { describeGroupStore } from "../../core/group-store.contract.ts";
import { MemoryAccessRuleStore } from "./access-rule-store.ts";
import { MemoryAccountStore } from "./account-store.ts";
import { MemoryGroupStore } from "./group-store.ts";

describe("MemoryGroupStore", () => {
  describeGroupStore(async () => {
    const accounts = new MemoryAccountStore();
    const rules = new MemoryAccessRuleStore();
    return { groups: new MemoryGroupStore(accounts, rules), accounts, rules };
  });
});
