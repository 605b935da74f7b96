import { describe } from "bun:test";

import { describeAccountStore } from "../core/account-store.contract.ts";
import { MemoryAccountStore } from "../storage/memory/account-store.ts";
import { WatchedAccounts } from "./watched-accounts.ts";

describe("WatchedAccounts", () => {
  describeAccountStore(() => Promise.resolve(new WatchedAccounts(new MemoryAccountStore())));
});
