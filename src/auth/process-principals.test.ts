import { describe, expect, test } from "bun:test";

import type { Ulid } from "../core/ulid.ts";
import { ProcessPrincipals } from "./process-principals.ts";

const principals = new ProcessPrincipals({ next: () => "01ARZ3NDEKTSV4RRFFQ69G5FAV" as Ulid });

describe("a principal of this process", () => {
  test.each(["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])("comes in from %s", (address) => {
    const { name, secret, principal } = principals.admit("test");

    expect(principals.find(name, secret, address)).toBe(principal);
  });

  test.each(["192.168.1.1", "::2", "128.0.0.1", "127.0.0.1.example.com", "1.127.0.0.1", "", undefined])(
    "does not come in from %p",
    (address) => {
      const { name, secret } = principals.admit("test");

      expect(principals.find(name, secret, address)).toBeUndefined();
    },
  );

  test("does not come in with another secret, that of before among them", () => {
    const before = principals.admit("test");
    const { name } = principals.admit("test");

    expect(principals.find(name, before.secret, "::1")).toBeUndefined();
    expect(principals.find(name, "", "::1")).toBeUndefined();
  });

  test("does not come in once it is revoked", () => {
    const credential = principals.admit("test");

    principals.revoke(credential);

    expect(principals.find(credential.name, credential.secret, "::1")).toBeUndefined();
  });
});
