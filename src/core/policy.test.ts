import { describe, expect, test } from "bun:test";
import { type Action, decide, type Verdict } from "./policy.ts";
import type { Principal } from "./principal.ts";
import type { Ulid } from "./ulid.ts";

const user: Principal = { id: "01ARZ3NDEKTSV4RRFFQ69G5FAV" as Ulid, name: "user", isAdmin: false, source: "dozo" };
const admin: Principal = { ...user, name: "admin", isAdmin: true };

describe("access", () => {
  test.each<[Action, Verdict, Verdict, Verdict]>([
    ["none", "allowed", "allowed", "allowed"],
    ["login", "login-needed", "allowed", "allowed"],
    ["catalog", "login-needed", "allowed", "allowed"],
    ["pull", "login-needed", "allowed", "allowed"],
    ["push", "login-needed", "allowed", "allowed"],
    ["delete", "login-needed", "denied", "allowed"],
  ])("to %s: nobody in particular %s, a user %s, an admin %s", (action, nobody, forUser, forAdmin) => {
    expect(decide(undefined, action)).toBe(nobody);
    expect(decide(user, action)).toBe(forUser);
    expect(decide(admin, action)).toBe(forAdmin);
  });
});
