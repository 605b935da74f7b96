import { expect, test } from "bun:test";
import { safeNextPath } from "./next-path.ts";

test.each([
  "//evil",
  "/\\evil",
  "\\/evil",
  "\\\\evil",
  "https:evil",
  "https://evil",
  "HTTPS://evil/keys",
  "%2f%2fevil",
  "/%2fevil",
  "/%5cevil",
  "/\t/evil",
  "/\n/evil",
  "/ /evil",
  "\t//evil",
  "javascript:alert(1)",
  "data:text/html,x",
  "keys",
  "./keys",
  "/keys/..//evil",
  "/../keys",
  "/./keys",
  "/keys?x=https://evil",
  "/keys#x",
  "/@evil",
  "/:80",
  "/é",
  "/a//b",
  `/${"a".repeat(2000)}`,
])("UI-06: %p leads to the front page", (asked) => {
  expect(safeNextPath(asked, "/keys")).toBe("/");
});

test("UI-06: a path of this registry is gone to, and without one the usual place", () => {
  expect(safeNextPath("/enroll/line", "/keys")).toBe("/enroll/line");
  expect(safeNextPath("/", "/keys")).toBe("/");
  expect(safeNextPath("/v2/team/app_1/tags/list", "/keys")).toBe("/v2/team/app_1/tags/list");
  expect(safeNextPath(null, "/keys")).toBe("/keys");
  expect(safeNextPath("", "/keys")).toBe("/keys");
});
