import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { parseScopes, scopeText, TokenRequestError } from "./token-scope.ts";

describe("JWT-10: what a client asks for", () => {
  test("is one entry for each repository, whatever order and however often it is asked in", () => {
    const scopes = ["repository:a/app:push,pull repository:b:pull", "repository:a/app:delete", "repository:b:pull"];

    expect(parseScopes(scopes)).toEqual([
      { type: "repository", name: "a/app", actions: ["pull", "push", "overwrite", "delete"] },
      { type: "repository", name: "b", actions: ["pull"] },
    ] as never);
  });

  test("has to overwrite with push, and nothing that clients do not know in their words", () => {
    const asked = parseScopes(["repository:a:push"]);

    expect(asked).toMatchObject([{ actions: ["push", "overwrite"] }]);
    expect(scopeText(asked)).toBe("repository:a:push");
  });

  test("is each action by itself where it is asked as *, and the list of repositories as Docker asks for it", () => {
    expect(parseScopes(["repository:a:*"])).toMatchObject([{ actions: ["pull", "push", "overwrite", "delete"] }]);
    const catalog = [{ type: "registry", name: "catalog", actions: ["*"] }];
    expect(parseScopes(["registry:catalog:*"])).toEqual(catalog as never);
    expect(parseScopes(["registry:catalog:search"])).toEqual(catalog as never);
  });

  test.each([
    "repository:*:*",
    "repository:**:pull",
    "repository:a/*:pull",
    "repository::pull",
    "repository:A/app:pull",
    "repository:a/%61pp:pull",
    "repository:../a:pull",
    "repository:host:5000/a:pull",
    "repository:a\nrepository:b:pull",
    "repository(plugin):a:pull",
    "registry:catalog:pull",
    "registry:*:*",
    "registry:catalog",
    "repository",
    "::",
    ":",
    "",
  ])("has nothing in it where it is %p", (scope) => {
    expect(parseScopes([scope])).toEqual([]);
  });

  test.each(["admin", "overwrite", "PULL", "pull\n", ""])("has no action %p", (action) => {
    expect(parseScopes([`repository:a:${action}`]).flatMap(({ actions }) => [...actions])).toEqual([]);
  });

  test("is 64 scopes at most, counted as they were sent", () => {
    const scopes = Array.from({ length: 65 }, () => "repository:a:pull");

    expect(parseScopes(scopes.slice(1))).toHaveLength(1);
    expect(() => parseScopes(scopes)).toThrow(TokenRequestError);
    expect(() => parseScopes([scopes.join(" ")])).toThrow(TokenRequestError);
  });

  test("names no repository that there cannot be, whatever it is", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary", maxLength: 60 }), { maxLength: 5 }), (parts) => {
        for (const { name } of parseScopes([`repository:${parts.join(":")}`]))
          expect(name).toMatch(/^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/);
      }),
    );
  });
});
