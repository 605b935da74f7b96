import { describe, expect, test } from "bun:test";
import { createRouter } from "./router.ts";

const match = createRouter([
  { method: "GET", pattern: "/v2/" },
  { method: "GET", pattern: "/v2/{name}/manifests/{reference}" },
  { method: "PUT", pattern: "/v2/{name}/manifests/{reference}" },
  { method: "GET", pattern: "/v2/{name}/blobs/{digest}" },
  { method: "POST", pattern: "/v2/{name}/blobs/uploads/" },
  { method: "PATCH", pattern: "/v2/{name}/blobs/uploads/{id}" },
  { method: "GET", pattern: "/v2/{name}/tags/list" },
  { method: "DELETE", pattern: "/groups/{group}" },
  { method: "POST", pattern: "/groups/{group}/join" },
]);

describe("the router", () => {
  const found: readonly [string, string, string, string, string][] = [
    ["GET", "/v2/", "/v2/", "", ""],
    ["GET", "/v2/a/manifests/latest", "/v2/{name}/manifests/{reference}", "a", "latest"],
    ["HEAD", "/v2/a/b/c/manifests/latest", "/v2/{name}/manifests/{reference}", "a/b/c", "latest"],
    ["GET", "/v2/a/manifests/b/blobs/c", "/v2/{name}/blobs/{digest}", "a/manifests/b", "c"],
    ["GET", "/v2/a/tags/list/manifests/x", "/v2/{name}/manifests/{reference}", "a/tags/list", "x"],
    ["POST", "/v2/a/blobs/blobs/uploads/", "/v2/{name}/blobs/uploads/", "a/blobs", ""],
    ["PATCH", "/v2/a/blobs/uploads/1", "/v2/{name}/blobs/uploads/{id}", "a", "1"],
    ["GET", "/v2/uploads/blobs/x", "/v2/{name}/blobs/{digest}", "uploads", "x"],
    ["GET", "/v2/tags/list/tags/list", "/v2/{name}/tags/list", "tags/list", ""],
    ["GET", "/v2//manifests/x", "/v2/{name}/manifests/{reference}", "", "x"],
    ["GET", "/v2/manifests/x", "/v2/{name}/manifests/{reference}", "", "x"],
    ["DELETE", "/groups/dev", "/groups/{group}", "", "dev"],
    ["DELETE", "/groups/join", "/groups/{group}", "", "join"],
    ["POST", "/groups/dev/join", "/groups/{group}/join", "", "dev"],
    ["POST", "/groups/join/join", "/groups/{group}/join", "", "join"],
    ["GET", "/v2/../x/manifests/y", "/v2/{name}/manifests/{reference}", "../x", "y"],
  ];
  test.each(found)("%s %s finds %s", (method, path, pattern, name, parameter) => {
    const result = match(method, path);

    expect(result).toMatchObject({ kind: "found", name, parameter });
    expect(result.kind === "found" && result.route.pattern).toBe(pattern);
  });

  test.each([
    "",
    "/",
    "/v2",
    "/v2/a",
    "/v2/a/manifests/",
    "/v2/a/tags/list/",
    "/V2/a/tags/list",
    "/x/v2/a/tags/list",
    "/groups//join",
    "/groups/a/b/join",
    "/groups/a/joined",
    "/groups/",
    "/groups/a/b",
  ])("has nothing under %p", (path) => {
    expect(match("GET", path).kind).toBe("unknown");
  });

  test("names the methods of a path that is asked for with another one", () => {
    expect(match("DELETE", "/v2/a/manifests/x")).toEqual({ kind: "wrong-method", allow: "GET, HEAD, PUT" });
    expect(match("toString", "/v2/")).toEqual({ kind: "wrong-method", allow: "GET, HEAD" });
  });
});
