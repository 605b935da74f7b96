import { describe, expect, test } from "bun:test";

import { type ClaimsOptions, LoginRefusedError, readClaims } from "./claims.ts";

const options: ClaimsOptions = { nameClaim: "preferred_username", groupsClaim: "groups", requiredGroup: undefined };
const ann = { iss: "https://login.test", sub: "1", preferred_username: "ann" };

function read(more: object, changed: Partial<ClaimsOptions> = {}): readonly string[] {
  return readClaims({ ...ann, ...more }, { ...options, ...changed }).groups;
}

describe("the claims", () => {
  test("say who somebody is", () => {
    const login = readClaims({ ...ann, groups: ["dev", "ops", "dev"] }, options);

    expect(login).toEqual({ issuer: ann.iss, subject: "1", name: "ann", groups: ["dev", "ops"] });
  });

  test("name no groups, one, or a list of them", () => {
    expect(read({})).toEqual([]);
    expect(read({ groups: null })).toEqual([]);
    expect(read({ groups: [] })).toEqual([]);
    expect(read({ groups: "dev" })).toEqual(["dev"]);
    expect(read({ groups: "other", roles: ["dev"] }, { groupsClaim: "roles" })).toEqual(["dev"]);
  });

  test.each([
    ["a number", 7],
    ["an object", { dev: true }],
    ["a list with something else in it", ["dev", 7]],
    ["an empty name", ["dev", ""]],
    ["a line break", ["dev\nops"]],
    ["a very long name", ["x".repeat(257)]],
    ["very many", Array.from({ length: 501 }, (_, index) => `g${index}`)],
  ])("with groups that are %s let nobody in", (_, groups) => {
    expect(() => read({ groups })).toThrow(LoginRefusedError);
  });

  test("that say that the groups are elsewhere let nobody in", () => {
    expect(() => read({ _claim_names: { groups: "src1" } })).toThrow("more groups than the provider tells");
    expect(read({ _claim_names: { other: "src1" } })).toEqual([]);
  });

  test.each([[undefined], [""], [7], [["ann"]]])("without a name (%p) let nobody in", (name) => {
    expect(() => read({ preferred_username: name })).toThrow("preferred_username");
  });

  test("name somebody by an address for mail only if the provider has verified it", () => {
    const byMail = { nameClaim: "email" };

    expect(() => read({ email: "ann@login.test" }, byMail)).toThrow("verified");
    expect(() => read({ email: "ann@login.test", email_verified: "true" }, byMail)).toThrow("verified");
    expect(read({ email: "ann@login.test", email_verified: true }, byMail)).toEqual([]);
  });

  test("let in only members of the group that is required", () => {
    const needed = { requiredGroup: "registry" };

    expect(read({ groups: ["dev", "registry"] }, needed)).toEqual(["dev", "registry"]);
    for (const groups of [undefined, [], ["dev"], ["Registry"]])
      expect(() => read({ groups }, needed)).toThrow("registry");
  });
});
