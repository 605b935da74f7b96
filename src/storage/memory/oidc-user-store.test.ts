import { describe } from "bun:test";
import { describeOidcUserStore } from "../../core/oidc-user-store.contract.ts";
import { MemoryAccountStore } from "./account-store.ts";
import { MemoryOidcUserStore } from "./oidc-user-store.ts";

describe("MemoryOidcUserStore", () => {
  describeOidcUserStore(async () => {
    const accounts = new MemoryAccountStore();
    return { accounts, oidcUsers: new MemoryOidcUserStore(accounts) };
  });
});
