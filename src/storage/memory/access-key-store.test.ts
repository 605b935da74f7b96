import { describe } from "bun:test";
import { describeAccessKeyStore } from "../../core/access-key-store.contract.ts";
import type { Principal } from "../../core/principal.ts";
import { MemoryAccessKeyStore } from "./access-key-store.ts";

describe("MemoryAccessKeyStore", () => {
  describeAccessKeyStore(async (user) => {
    const principals = new Map<string, Principal>([
      [user.id, { ...user, isAdmin: false, kind: "user", source: "dozo" }],
    ]);
    const keys = new MemoryAccessKeyStore((id) => {
      const principal = principals.get(id);
      return principal === undefined ? undefined : { principal, principalExpiresAt: undefined };
    });
    return { keys, removePrincipal: async () => void principals.delete(user.id) };
  });
});
