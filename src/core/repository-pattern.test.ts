import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { parseRepositoryName } from "./repository-name.ts";
import { matchesRepository, parseRepositoryPattern } from "./repository-pattern.ts";

const matches = (pattern: string, name: string): boolean =>
  matchesRepository(parseRepositoryPattern(pattern), parseRepositoryName(name));

describe("a pattern of repositories", () => {
  test.each([
    ["team/app", "team/app", true],
    ["team/app", "team/apps", false],
    ["team/app", "team/app/web", false],
    ["team/*", "team/app", true],
    ["team/*", "team/app/web", false],
    ["team/*", "team", false],
    ["team/**", "team/app", true],
    ["team/**", "team/app/web", true],
    ["team/**", "team", false],
    ["team/**", "team2/app", false],
    ["**", "a", true],
    ["**", "a/b/c", true],
    ["*", "a", true],
    ["*", "a/b", false],
    ["**/web", "team/app/web", true],
    ["**/web", "web", false],
    ["a/**/c", "a/b/b/c", true],
    ["a/**/c", "a/c", false],
    ["a*c", "abc", true],
    ["a*c", "ac", true],
    ["a*c", "abcb", false],
    ["a*b*c", "abxbc", true],
    ["team-*/app", "team-1/app", true],
  ])("%s and %s: %p", (pattern, name, expected) => {
    expect(matches(pattern, name)).toBe(expected);
  });

  test.each([
    "",
    "/",
    "team/",
    "/app",
    "Team",
    "a//b",
    "a**",
    "***",
    "a/**b",
    "-*",
    "a b",
    "a".repeat(256),
    "{a}",
    "a?",
  ])("%p is none", (text) => {
    expect(() => parseRepositoryPattern(text)).toThrow(expect.objectContaining({ code: "NAME_INVALID" }));
  });

  test("answers what the same pattern answers as a regular expression", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 4 });
    const part = fc.oneof(
      fc.constant("**"),
      fc.string({ unit: fc.constantFrom("a", "b", "*"), minLength: 1, maxLength: 5 }),
    );
    const name = fc.array(letters, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
    const pattern = fc
      .array(part, { minLength: 1, maxLength: 4 })
      .filter((parts) => parts.every((each) => each === "**" || !each.includes("**")))
      .map((parts) => parts.join("/"));
    fc.assert(
      fc.property(pattern, name, (text, repository) => {
        const source = text
          .split("/")
          .map((each) => (each === "**" ? "[^/]+(?:/[^/]+)*" : each.replaceAll("*", "[^/]*")))
          .join("/");
        expect(matches(text, repository)).toBe(new RegExp(`^${source}$`).test(repository));
      }),
      { numRuns: 5000 },
    );
  });

  test("that was made to be slow answers all the same", () => {
    expect(matches(`${"a*".repeat(100)}b`, "a".repeat(255))).toBe(false);
    expect(matches(`${"**/".repeat(60)}b`, `${"a/".repeat(100)}a`)).toBe(false);
  });
});
