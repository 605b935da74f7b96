import { describe, expect, test } from "bun:test";
import { routes } from "../../src/api/routes.ts";

const endpoints = [
  "end-1",
  "end-2",
  "end-3",
  "end-4a",
  "end-4b",
  "end-5",
  "end-6",
  "end-7a",
  "end-7b",
  "end-8a",
  "end-8b",
  "end-9",
  "end-10",
  "end-11",
  "end-12a",
  "end-12b",
  "end-13",
  "end-14",
];

describe("the route table", () => {
  test("has a row for every endpoint of the specification, once", () => {
    const ids = routes.flatMap((route) => route.id.split(" ")).filter((id) => id.startsWith("end-"));

    expect(ids.toSorted()).toEqual(endpoints.toSorted());
  });

  test("leaves open to everybody only what is on the short list", () => {
    const open = routes.filter((route) => route.action === "none").map((route) => `${route.method} ${route.pattern}`);

    expect(open.toSorted()).toEqual([
      "GET /",
      "GET /ca.crt",
      "GET /enroll",
      "GET /enroll.ps1",
      "GET /enroll.sh",
      "GET /livez",
      "GET /login",
      "GET /login/oidc",
      "GET /v1/_ping",
      "POST /logout",
    ]);
  });

  test("asks for an action and says what it takes as a body in every row", () => {
    for (const route of routes) {
      expect(["none", "login", "keys", "token", "catalog", "pull", "push", "delete", "admin", "administer"]).toContain(
        route.action,
      );
      expect(["none", "form", "page-form", "manifest", "blob", "json"]).toContain(route.body);
    }
  });

  test("asks for admin of the repository or of the registry in the whole HTTP API, but for what is one's own", () => {
    for (const { pattern, action } of routes.filter((route) => route.pattern.startsWith("/api/"))) {
      const needed = pattern.includes("{name}") ? "admin" : "administer";
      const own = pattern === "/api/v1/me" ? "login" : "keys";
      expect(`${pattern} ${action}`).toBe(`${pattern} ${pattern.startsWith("/api/v1/me") ? own : needed}`);
    }
  });

  test("asks for push where something is written, for delete where content is deleted", () => {
    const ofContent = routes.filter(({ pattern }) => pattern.startsWith("/v2/"));
    const writing = ofContent.filter((route) => ["POST", "PUT", "PATCH"].includes(route.method));
    const deleting = ofContent.filter((route) => route.method === "DELETE" && !route.pattern.includes("/uploads/"));

    expect(new Set(writing.map((route) => route.action))).toEqual(new Set(["push"]));
    expect(new Set(deleting.map((route) => route.action))).toEqual(new Set(["delete"]));
  });

  test("has each method of a path once", () => {
    const keys = routes.map((route) => `${route.method} ${route.pattern}`);

    expect(new Set(keys).size).toBe(keys.length);
  });
});
