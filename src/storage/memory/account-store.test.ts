import { describe } from "bun:test";
import { describeAccountStore } from "../../core/account-store.contract.ts";
import { MemoryAccountStore } from "./account-store.ts";

describe("MemoryAccountStore", () => {
  describeAccountStore(async () => new MemoryAccountStore());
});
