import { describe } from "bun:test";
import { describeRefreshTokenStore } from "../../core/refresh-token-store.contract.ts";
import { MemoryRefreshTokenStore } from "./refresh-token-store.ts";

describe("MemoryRefreshTokenStore", () => {
  describeRefreshTokenStore(async () => new MemoryRefreshTokenStore());
});
