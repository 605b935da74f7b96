import { describe } from "bun:test";
import { describeAuditStore } from "../../core/audit-store.contract.ts";
import { MemoryAuditStore } from "./audit-store.ts";

describe("MemoryAuditStore", () => {
  describeAuditStore(async () => new MemoryAuditStore());
});
