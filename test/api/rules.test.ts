import { describe, expect, test } from "bun:test";
import type { AccessAction, AccessRule } from "../../src/core/access-rule.ts";
import { parseRepositoryPattern } from "../../src/core/repository-pattern.ts";
import type { Ulid } from "../../src/core/ulid.ts";
import { pushBlob, pushImage } from "./content.ts";
import { makeRegistry, type TestRegistry } from "./registry.ts";

/** A registry with images of alice's, an admin, in two teams, where bob may do what the rules say. */
async function withRules(
  ...rules: readonly [AccessRule["effect"], string, ...AccessAction[]][]
): Promise<TestRegistry> {
  const registry = makeRegistry();
  await pushImage(registry, "blue/app", "latest");
  await pushImage(registry, "red/app", "latest");
  const made = rules.map(([effect, pattern, ...actions]): AccessRule => {
    const subject = { kind: "everyone" } as const;
    const repositories = parseRepositoryPattern(pattern);
    return { id: "01ARZ3NDEKTSV4RRFFQ69G5FAV" as Ulid, effect, subject, repositories, actions, createdAt: 0 };
  });
  registry.rules.splice(0, registry.rules.length, ...made);
  return registry;
}

describe("the rules of access", () => {
  test("what no rule allows is refused in the same words, there or not", async () => {
    const registry = await withRules(["allow", "blue/**", "pull"]);

    const there = await registry.call("GET", "/v2/red/app/manifests/latest", { as: "bob" });
    const notThere = await registry.call("GET", "/v2/red/nothing/manifests/latest", { as: "bob" });

    expect([there.status, notThere.status]).toEqual([403, 403]);
    expect((await there.text()).replace("red/app", "X")).toBe((await notThere.text()).replace("red/nothing", "X"));
    expect((await registry.call("GET", "/v2/blue/app/manifests/latest", { as: "bob" })).status).toBe(200);
    expect((await registry.call("GET", "/v2/blue/nothing/manifests/latest", { as: "bob" })).status).toBe(404);
    expect((await registry.call("POST", "/v2/blue/app/blobs/uploads/", { as: "bob" })).status).toBe(403);
  });

  test("catalog and search show only what may be pulled", async () => {
    const registry = await withRules(["allow", "blue/**", "pull"], ["allow", "red/**", "push"]);

    const catalog: unknown = await (await registry.call("GET", "/v2/_catalog", { as: "bob" })).json();
    const found: unknown = await (await registry.call("GET", "/v1/search?q=app", { as: "bob" })).json();
    const all: unknown = await (await registry.call("GET", "/v2/_catalog")).json();

    expect(catalog).toEqual({ repositories: ["blue/app"] });
    expect(found).toMatchObject({ num_results: 1, results: [{ name: "blue/app" }] });
    expect(all).toEqual({ repositories: ["blue/app", "red/app"] });
  });

  test("who may push and not overwrite makes new tags, sets one to what it is, and moves none", async () => {
    const registry = await withRules(["allow", "**", "pull", "push"]);
    const before = await registry.call("GET", "/v2/blue/app/manifests/latest");
    const document = await before.text();
    const headers = { "content-type": before.headers.get("content-type") ?? "" };
    const put = async (tag: string, body: string): Promise<number> =>
      (await registry.call("PUT", `/v2/blue/app/manifests/${tag}`, { as: "bob", headers, body })).status;
    const other = `${document} `;

    expect(await put("new", other)).toBe(201);
    expect(await put("latest", document)).toBe(201);
    expect(await put("latest", other)).toBe(403);
    expect(await (await registry.call("GET", "/v2/blue/app/manifests/latest")).text()).toBe(document);
  });

  test("a mount needs pull on its source, and does not tell whether it is there", async () => {
    const registry = await withRules(["allow", "blue/**", "pull", "push"]);
    const digest = await pushBlob(registry, "red/app", "a secret of red");

    const mount = await registry.call("POST", `/v2/blue/app/blobs/uploads/?mount=${digest}&from=red/app`, {
      as: "bob",
    });
    const anywhere = await registry.call("POST", `/v2/blue/app/blobs/uploads/?mount=${digest}`, { as: "bob" });

    expect([mount.status, anywhere.status]).toEqual([202, 202]);
  });

  test("a rule that denies takes away what another allows; admins are not asked", async () => {
    const registry = await withRules(["allow", "**", "pull"], ["deny", "red/*", "pull"]);

    expect((await registry.call("GET", "/v2/red/app/tags/list", { as: "bob" })).status).toBe(403);
    expect((await registry.call("GET", "/v2/blue/app/tags/list", { as: "bob" })).status).toBe(200);
    expect((await registry.call("GET", "/v2/red/app/tags/list")).status).toBe(200);
  });
});
