import { beforeEach, describe, expect, test } from "bun:test";
import { ulid } from "ulid";
import { z } from "zod";
import { openApi } from "../../scripts/openapi.ts";
import { routes } from "../../src/api/routes.ts";
import type { AccessRule } from "../../src/core/access-rule.ts";
import type { PrincipalId } from "../../src/core/principal.ts";
import { parseRepositoryPattern } from "../../src/core/repository-pattern.ts";
import type { Ulid } from "../../src/core/ulid.ts";
import { AccessControl } from "../../src/registry/access-control.ts";
import { LocalAdministration } from "../../src/registry/administration.ts";
import { KeyAdministration } from "../../src/registry/key-administration.ts";
import { MemoryAccessKeyStore } from "../../src/storage/memory/access-key-store.ts";
import { MemoryAccessRuleStore } from "../../src/storage/memory/access-rule-store.ts";
import { MemoryAccountStore } from "../../src/storage/memory/account-store.ts";
import { MemoryClientCertificateStore } from "../../src/storage/memory/client-certificate-store.ts";
import { MemoryGroupStore } from "../../src/storage/memory/group-store.ts";
import { MemoryMetadataStore } from "../../src/storage/memory/metadata-store.ts";
import { MemoryOidcUserStore } from "../../src/storage/memory/oidc-user-store.ts";
import { makeRegistry, type Person, type TestRegistry } from "./registry.ts";

const clock = { now: () => Date.UTC(2026, 0, 1) };
const ulids = { next: () => ulid() as Ulid };
const operator = { by: "00000000000000000000000000" as PrincipalId, at: 0 };
let registry: TestRegistry;
let accounts: MemoryAccountStore;
let access: AccessControl;

beforeEach(async () => {
  accounts = new MemoryAccountStore();
  const rules = new MemoryAccessRuleStore();
  access = await AccessControl.open(rules, new MemoryGroupStore(accounts, rules));
  const administration = new LocalAdministration({
    accounts,
    access,
    keys: new KeyAdministration({ keys: new MemoryAccessKeyStore(() => undefined), clock, ulids }),
    certificates: new MemoryClientCertificateStore(),
    oidcUsers: new MemoryOidcUserStore(accounts),
    metadata: new MemoryMetadataStore(),
    blobs: { space: async () => ({ freeBytes: 1, totalBytes: 2 }) },
    audit: {
      summary: () => {
        throw new Error("there is no record here");
      },
    },
    clock,
    ulids,
    isHtpasswdUser: async () => false,
    findDirectoryUser: async () => undefined,
    hashPassword: async (password) => `hash of ${password}`,
    signClientCertificate: async () => {
      throw new Error("nothing is signed here");
    },
    processStatus: () => {
      throw new Error("nothing serves here");
    },
  });
  registry = makeRegistry({}, { administration: (actor) => administration.as(actor), decide: access.decide });
});

async function ask(method: string, path: string, document?: unknown, as: Person = "alice"): Promise<[number, unknown]> {
  const body = document === undefined ? undefined : JSON.stringify(document);
  const headers = { "content-type": "application/json" };
  const response = await registry.call(method, `/api/v1${path}`, {
    as,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  return [response.status, text === "" ? undefined : (JSON.parse(text) as unknown)];
}

/** What a route's row promises of its answers. */
function answerOf(id: string): z.ZodType {
  return routes.find((route) => route.id === id)?.shape?.answers ?? z.never();
}

const newRule = { effect: "allow", who: "maria", actions: ["pull", "push"], repositories: "team/**" };
const maria = { name: "maria", password: "opensesame123", isAdmin: false };

describe("the HTTP API", () => {
  test("adds, changes, lists and removes users, and answers what it documents", async () => {
    expect(await ask("POST", "/users", maria)).toEqual([201, { name: "maria", isAdmin: false }]);
    expect(await ask("POST", "/users", maria)).toMatchObject([409, { errors: [{ code: "USER_EXISTS" }] }]);
    expect(await ask("PUT", "/users/maria", { password: "another-long-one" })).toEqual([204, undefined]);
    expect((await accounts.findUser("maria"))?.passwordHash).toBe("hash of another-long-one");

    const [status, list] = await ask("GET", "/users");
    expect(status).toBe(200);
    expect(answerOf("users").parse(list)).toMatchObject({ users: [{ name: "maria", isAdmin: false }] });

    expect(await ask("DELETE", "/users/maria")).toEqual([204, undefined]);
    expect(await ask("DELETE", "/users/maria")).toMatchObject([404, { errors: [{ code: "USER_UNKNOWN" }] }]);
  });

  test("makes rules that hold at once, and tells which of them decides", async () => {
    await ask("POST", "/users", maria);
    const [status, made] = await ask("POST", "/rules", { ...newRule, effect: "deny" });
    expect(status).toBe(201);
    const { id } = answerOf("rule-add").parse(made) as { id: string };

    const question = { who: "maria", action: "push", repository: "team/app" };
    const [, no] = await ask("POST", "/access", question);
    expect(answerOf("access-check").parse(no)).toMatchObject({ isAllowed: false, rule: { id } });
    const [, all] = await ask("GET", "/rules");
    expect((answerOf("rules").parse(all) as { rules: unknown[] }).rules).toHaveLength(2);

    expect(await ask("DELETE", `/rules/${id}`)).toEqual([204, undefined]);
    expect(await ask("POST", "/access", question)).toMatchObject([200, { isAllowed: true }]);
  });

  test("is for admins: others are refused whether or not what they name is there, and strangers are asked to log in", async () => {
    await ask("POST", "/users", maria);
    for (const route of routes.filter(({ shape }) => shape !== undefined)) {
      const paths = ["maria", "nobody"].map((name) =>
        route.pattern.replace(/\{[a-z]+\}$/, name).replace("{name}", "team/app"),
      );
      const answers: unknown[] = [];
      for (const path of paths) answers.push(await ask(route.method, path.replace("/api/v1", ""), {}, "bob"));
      expect(answers[0]).toMatchObject([403, { errors: [{ code: "DENIED" }] }]);
      expect(answers[1]).toEqual(answers[0]);
      expect(await ask(route.method, paths[0]?.replace("/api/v1", "") ?? "", {}, "nobody")).toMatchObject([401, {}]);
    }
    expect(await accounts.listUsers()).toHaveLength(1);
  });

  test("lets who may admin a repository make and remove its rules, and no others", async () => {
    await ask("POST", "/users", maria);
    const bob = { kind: "principal", id: "01ARZ3NDEKTSV4RRFFQ69G5FAB" as PrincipalId, name: "bob" } as const;
    const rule: Omit<AccessRule, "createdAt"> = {
      id: ulids.next(),
      effect: "allow",
      subject: bob,
      repositories: parseRepositoryPattern("team/*"),
      actions: ["admin"],
    };
    await access.add(rule, operator);
    const mine = { effect: "allow", who: "maria", actions: ["pull"] };

    const [status, made] = await ask("POST", "/repositories/team/app/rules", mine, "bob");
    expect(status).toBe(201);
    expect(made).toMatchObject({ who: "maria", repositories: "team/app" });
    expect(await ask("GET", "/repositories/team/app/rules", undefined, "bob")).toEqual([200, { rules: [made] }]);
    expect(await ask("POST", "/repositories/other/app/rules", mine, "bob")).toMatchObject([403, {}]);
    expect(await ask("DELETE", `/repositories/team/app/rules/${rule.id}`, undefined, "bob")).toMatchObject([404, {}]);
    expect(await ask("POST", "/rules", newRule, "bob")).toMatchObject([403, {}]);

    const { id } = made as { id: string };
    expect(await ask("DELETE", `/repositories/team/web/rules/${id}`, undefined, "bob")).toMatchObject([404, {}]);
    expect(await ask("DELETE", `/repositories/team/app/rules/${id}`, undefined, "bob")).toEqual([204, undefined]);
  });

  test("API-01: fields that are not asked for are refused, and change nothing", async () => {
    for (const more of [{ role: "admin" }, { id: 1 }, { created_at: 1 }, { constructor: 1 }])
      expect(await ask("POST", "/users", { ...maria, ...more })).toMatchObject([
        400,
        { errors: [{ code: "BODY_INVALID" }] },
      ]);
    expect(await ask("PUT", "/users/alice", { password: "opensesame123", isAdmin: true })).toMatchObject([400, {}]);
    const raw = `{"name":"maria","password":"opensesame123","__proto__":{"isAdmin":true}}`;
    const headers = { "content-type": "application/json" };
    const response = await registry.call("POST", "/api/v1/users", { headers, body: raw });
    expect(response.status).toBe(400);
    expect(await accounts.listUsers()).toEqual([]);
  });

  test("API-03: an object of another kind, a number or a pattern is no name of one", async () => {
    const [first] = await access.list();
    for (const path of [
      `/users/${first?.id ?? ""}`,
      "/users/-1",
      "/users/1.5",
      "/rules/alice",
      "/rules/-1",
      "/rules/*",
    ])
      expect((await ask("DELETE", path))[0]).toBe(404);
    expect(await access.list()).toHaveLength(1);
  });

  test("API-04: what a password is kept as is in no answer", async () => {
    await ask("POST", "/users", maria);
    expect(JSON.stringify(await ask("GET", "/users"))).not.toContain("hash");
  });

  test("DOS-04: a document that is too large, cut short, no JSON or not announced as JSON is refused", async () => {
    const headers = { "content-type": "application/json" };
    const post = async (body: string, type = headers): Promise<number> =>
      (await registry.call("POST", "/api/v1/users", { headers: type, body })).status;

    expect(await post(JSON.stringify({ ...maria, password: "x".repeat(70_000) }))).toBe(413);
    expect(await post("{")).toBe(400);
    expect(await post("null")).toBe(400);
    expect(await post(JSON.stringify(maria), { "content-type": "text/plain" })).toBe(415);
  });
});

test("the OpenAPI document has every row of the table under /api/v1, and no others", () => {
  const { paths } = openApi() as { paths: Record<string, Record<string, unknown>> };
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const served = routes
    .filter(({ pattern }) => pattern.startsWith("/api/"))
    .map(({ method, pattern }) => `${method} ${pattern}`);

  expect(documented.toSorted()).toEqual(served.toSorted());
  expect(documented.length).toBeGreaterThan(10);
});
