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
import { administrativeRequests } from "./administrative-requests.ts";
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
    challenge: "auto",
    keys: new KeyAdministration({ keys: new MemoryAccessKeyStore(() => undefined), clock, ulids }),
    certificates: new MemoryClientCertificateStore(),
    oidcUsers: new MemoryOidcUserStore(accounts),
    metadata: new MemoryMetadataStore(),
    blobs: { space: async () => ({ freeBytes: 1, totalBytes: 2 }) },
    verification: { facts: async () => ({ damaged: 0, oldestVerifiedAt: undefined }) },
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
    const { id, notes } = answerOf("rule-add").parse(made) as { id: string; notes: string[] };
    expect(notes).toEqual([]);

    const question = { who: "maria", action: "push", repository: "team/app" };
    const [, no] = await ask("POST", "/access", question);
    expect(answerOf("access-check").parse(no)).toMatchObject({ isAllowed: false, rule: { id } });
    const [, all] = await ask("GET", "/rules");
    expect((answerOf("rules").parse(all) as { rules: unknown[] }).rules).toHaveLength(2);

    expect(await ask("DELETE", `/rules/${id}`)).toEqual([204, undefined]);
    expect(await ask("POST", "/access", question)).toMatchObject([200, { isAllowed: true }]);
  });

  test("tells what the first rule that opens something to everybody means for clients", async () => {
    const open = { ...newRule, who: "anonymous", actions: ["pull"] };
    const [, first] = await ask("POST", "/rules", open);
    const [, second] = await ask("POST", "/repositories/team/app/rules", { ...open, repositories: undefined });

    expect(answerOf("rule-add").parse(first)).toMatchObject({
      notes: [expect.stringContaining("asked for a token"), expect.any(String), expect.any(String), expect.any(String)],
    });
    expect(second).toMatchObject({ notes: [] });
  });

  test("is for admins: others are refused whether or not what they name is there, and strangers are asked to log in", async () => {
    await ask("POST", "/users", maria);
    const others = administrativeRequests("nobody");
    for (const [index, { action, method, path, document }] of administrativeRequests("maria").entries()) {
      expect(await ask(method, path, document, "nobody")).toMatchObject([401, {}]);
      if (action === "keys" || action === "login") continue;
      const answer = await ask(method, path, document, "bob");
      expect(answer).toMatchObject([403, { errors: [{ code: "DENIED" }] }]);
      expect(await ask(method, others[index]?.path ?? "", document, "bob")).toEqual(answer);
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
    const { id } = answerOf("rule-add").parse(made) as { id: string };
    const rules = [{ ...mine, id, repositories: "team/app", createdAt: new Date(clock.now()).toISOString() }];
    expect(await ask("GET", "/repositories/team/app/rules", undefined, "bob")).toEqual([200, { rules }]);
    expect(await ask("POST", "/repositories/other/app/rules", mine, "bob")).toMatchObject([403, {}]);
    expect(await ask("DELETE", `/repositories/team/app/rules/${rule.id}`, undefined, "bob")).toMatchObject([404, {}]);
    expect(await ask("POST", "/rules", newRule, "bob")).toMatchObject([403, {}]);
    // Whoever gives rights is told which names there are; that they asked stands in the log.
    expect(await ask("POST", "/repositories/team/app/rules", { ...mine, who: "zelda" }, "bob")).toMatchObject([
      404,
      { errors: [{ code: "USER_UNKNOWN" }] },
    ]);
    expect(registry.lines.at(-1)).toMatch(/"level":"info".*"principal":"bob".*404/);

    expect(await ask("DELETE", `/repositories/team/web/rules/${id}`, undefined, "bob")).toMatchObject([404, {}]);
    expect(await ask("DELETE", `/repositories/team/app/rules/${id}`, undefined, "bob")).toEqual([204, undefined]);
  });

  test("makes groups, puts people and robots into them and takes them out, all or nobody", async () => {
    await ask("POST", "/users", maria);
    await ask("POST", "/robots", { name: "ci" });
    expect(await ask("POST", "/groups", { name: "dev" })).toEqual([201, { name: "dev" }]);
    expect(await ask("POST", "/groups", { name: "dev" })).toMatchObject([409, { errors: [{ code: "GROUP_EXISTS" }] }]);
    expect(await ask("POST", "/groups/dev/join", { members: ["maria", "ci"] })).toEqual([204, undefined]);
    const both = { members: ["maria", "nobody"] };
    expect(await ask("POST", "/groups/dev/join", both)).toMatchObject([404, { errors: [{ code: "USER_UNKNOWN" }] }]);
    expect(await ask("POST", "/groups/dev/leave", both)).toMatchObject([404, { errors: [{ code: "MEMBER_UNKNOWN" }] }]);
    expect(await ask("POST", "/groups/dev/join", { members: [] })).toMatchObject([400, {}]);

    const [, list] = await ask("GET", "/groups");
    expect(answerOf("groups").parse(list)).toMatchObject({ groups: [{ name: "dev", members: ["ci", "maria"] }] });
    await ask("POST", "/rules", { ...newRule, who: "group:dev" });
    expect(await ask("POST", "/groups/dev/leave", { members: ["ci"] })).toEqual([204, undefined]);
    const [status, removed] = await ask("DELETE", "/groups/dev");
    expect([status, answerOf("group-remove").parse(removed)]).toEqual([200, { members: 1, rules: 1 }]);
    expect(await ask("DELETE", "/groups/dev")).toMatchObject([404, { errors: [{ code: "GROUP_UNKNOWN" }] }]);
  });

  test("makes robots with an owner and an end, lists and removes them", async () => {
    await ask("POST", "/users", maria);
    const [status, made] = await ask("POST", "/robots", { name: "ci", owner: "maria", lifetimeSeconds: 3600 });
    expect(status).toBe(201);
    expect(answerOf("robot-add").parse(made)).toMatchObject({ name: "ci", owner: "maria" });
    expect(await ask("POST", "/robots", { name: "plain" })).toEqual([
      201,
      { name: "plain", owner: null, expiresAt: null },
    ]);

    const [, list] = await ask("GET", "/robots");
    expect(answerOf("robots").parse(list)).toMatchObject({
      robots: [
        { name: "ci", owner: "maria", hasExpired: false },
        { name: "plain", owner: null, expiresAt: null },
      ],
    });
    const refusals: readonly [object, number, string][] = [
      [{ name: "ci" }, 409, "ROBOT_EXISTS"],
      [{ name: "maria" }, 409, "USER_EXISTS"],
      [{ name: "other", owner: "nobody" }, 404, "USER_UNKNOWN"],
      [{ name: "other", owner: "ci" }, 400, "ROBOT_INVALID"],
      [{ name: "everyone" }, 400, "NAME_INVALID"],
      [{ name: "other", lifetimeSeconds: 0 }, 400, "BODY_INVALID"],
      [{ name: "other", lifetimeSeconds: 1e300 }, 400, "BODY_INVALID"],
      [{ name: "other", isAdmin: true }, 400, "BODY_INVALID"],
    ];
    for (const [document, refused, code] of refusals)
      expect(await ask("POST", "/robots", document)).toMatchObject([refused, { errors: [{ code }] }]);
    expect(await ask("DELETE", "/robots/maria")).toMatchObject([404, { errors: [{ code: "ROBOT_UNKNOWN" }] }]);
    expect(await ask("DELETE", "/robots/ci")).toEqual([204, undefined]);
    expect((await accounts.listRobots()).map(({ name }) => name)).toEqual(["plain"]);
  });

  test("API-01: fields that are not asked for are refused by every row, and change nothing", async () => {
    await ask("POST", "/users", maria);
    const before = (await access.list()).length;
    const taking = administrativeRequests("maria").filter(({ document }) => document !== undefined);
    expect(taking.length).toBeGreaterThan(8);
    for (const { id, method, path, document } of taking)
      for (const more of [{ role: "admin" }, { admin: true }, { id: 1 }, { created_at: 1 }, { constructor: 1 }]) {
        const answer = await ask(method, path, { ...document, ...more });
        expect([id, ...answer]).toMatchObject([id, 400, { errors: [{ code: "BODY_INVALID" }] }]);
      }
    expect(await access.list()).toHaveLength(before);
    expect((await accounts.listUsers()).map(({ name, isAdmin }) => [name, isAdmin])).toEqual([["maria", false]]);
    expect(await accounts.listRobots()).toEqual([]);
    await ask("DELETE", "/users/maria");
    const raw = `{"name":"maria","password":"opensesame123","__proto__":{"isAdmin":true}}`;
    const headers = { "content-type": "application/json" };
    const response = await registry.call("POST", "/api/v1/users", { headers, body: raw });
    expect(response.status).toBe(400);
    expect(await accounts.listUsers()).toEqual([]);
  });

  test("API-03: an object of another kind, a number or a pattern is no name of one, in any row", async () => {
    await ask("POST", "/users", maria);
    await ask("POST", "/groups", { name: "dev" });
    await ask("POST", "/robots", { name: "ci" });
    const [rule] = await access.list();
    const objects: Readonly<Record<string, string>> = {
      user: "maria",
      group: "dev",
      robot: "ci",
      rule: rule?.id ?? "",
    };
    const noObjects = [
      "-1",
      "0",
      "1.5",
      "1e3",
      "NaN",
      "*",
      "%2a",
      "MARIA",
      "maria%00",
      "maria;x",
      "dev%20",
      "..%2fmaria",
      "null",
    ];
    const before = JSON.stringify([await access.list(), await accounts.listUsers(), await accounts.listRobots()]);
    const rows = routes.filter(({ pattern }) => /^\/api\/.*\{(?!name)/.test(pattern));
    expect(rows.length).toBeGreaterThan(8);

    for (const { id: row, pattern } of rows) {
      const kind = /\{(?!name)([a-z]+)\}/.exec(pattern)?.[1] ?? "";
      // A rule of another repository is none of this one's.
      const others = Object.entries(objects).filter(([other]) => other !== kind || pattern.includes("{name}"));
      for (const object of [...noObjects, ...others.map(([, name]) => name)]) {
        const request = administrativeRequests(object).find(({ id }) => id === row);
        const [status] = await ask(request?.method ?? "", request?.path ?? "", request?.document);
        expect(`${row} ${object} ${status}`).toBe(`${row} ${object} 404`);
      }
    }
    expect(JSON.stringify([await access.list(), await accounts.listUsers(), await accounts.listRobots()])).toBe(before);
  });

  test("UI-03: no row changes anything for a page of another site, though the browser knows an admin's password", async () => {
    await ask("POST", "/users", maria);
    const json = { "content-type": "application/json" };
    const foreign = [
      { ...json, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" },
      { ...json, "sec-fetch-site": "same-site", "sec-fetch-mode": "cors" },
      { "content-type": "text/plain", origin: "https://evil" },
      { "content-type": "application/x-www-form-urlencoded", origin: "null" },
    ];
    const changing = administrativeRequests("maria").filter(({ method }) => method !== "GET");

    expect(changing.length).toBeGreaterThan(15);
    for (const { id, method, path, document } of changing)
      for (const headers of foreign) {
        const body = document === undefined ? {} : { body: JSON.stringify(document) };
        const { status } = await registry.call(method, `/api/v1${path}`, { headers, ...body });
        expect(`${id} ${status}`).toBe(`${id} 403`);
      }
    expect((await accounts.listUsers()).map(({ name }) => name)).toEqual(["maria"]);
  });

  test("UI-03: a document is taken from nobody who does not announce it as JSON", async () => {
    const types = [
      undefined,
      "",
      "text/plain",
      "text/json",
      "application/jsonp",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "text/plain, application/json",
      "application/vnd.api+json",
    ];
    for (const { id, method, path, document } of administrativeRequests("maria"))
      for (const type of document === undefined ? [] : types) {
        const headers: Record<string, string> = type === undefined ? {} : { "content-type": type };
        const body = new TextEncoder().encode(JSON.stringify(document));
        const { status } = await registry.call(method, `/api/v1${path}`, { headers, body });
        expect(`${id} ${type} ${status}`).toBe(`${id} ${type} 415`);
      }
    const headers = { "content-type": "Application/JSON; charset=utf-8" };
    const body = JSON.stringify(maria);
    expect((await registry.call("POST", "/api/v1/users", { headers, body })).status).toBe(201);
  });

  test("says of every path which methods it has, and does nothing for another", async () => {
    const paths = Map.groupBy(
      routes.filter(({ shape }) => shape !== undefined),
      ({ pattern }) => pattern,
    );
    for (const [pattern, rows] of paths) {
      const had = rows.flatMap(({ method }) => (method === "GET" ? ["GET", "HEAD"] : [method])).toSorted();
      const path = pattern.replace("{name}", "team/app").replace(/\{[a-z]+\}/, "maria");
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].filter((each) => !had.includes(each))) {
        const answer = await registry.call(method, path, { headers: { "x-http-method-override": had[0] ?? "" } });
        expect(`${method} ${path} ${answer.status} ${answer.headers.get("allow")}`).toBe(
          `${method} ${path} 405 ${had.join(", ")}`,
        );
      }
    }
    expect(paths.size).toBeGreaterThan(15);
  });

  test("tells who may not admin a repository the same of a user who is there and of one who is not", async () => {
    await ask("POST", "/users", maria);
    const about = (who: string) =>
      ask("POST", "/repositories/team/app/rules", { effect: "allow", who, actions: ["pull"] }, "bob");

    expect(await about("maria")).toEqual(await about("zelda"));
    expect(await about("maria")).toMatchObject([403, { errors: [{ code: "DENIED" }] }]);
  });

  test("API-01: a field that stands there twice, half a character and deep nesting are refused", async () => {
    const headers = { "content-type": "application/json" };
    const post = async (body: string): Promise<unknown> =>
      (await registry.call("POST", "/api/v1/users", { headers, body })).json();

    for (const body of [
      `{"name":"maria","password":"opensesame123","isAdmin":false,"isAdmin":true}`,
      `{"name":"maria","password":"opensesame123","isAdmin":false,"is\\u0041dmin":true}`,
      `{"name":"maria\\ud800","password":"opensesame123"}`,
      `{"name":"maria","password":${"[".repeat(5000)}${"]".repeat(5000)}}`,
      `\ufeff${JSON.stringify(maria)}`,
      `${JSON.stringify(maria)}{}`,
    ])
      expect(await post(body)).toMatchObject({ errors: [{ code: "BODY_INVALID" }] });
    expect(await accounts.listUsers()).toEqual([]);
  });

  test("API-01: a name that looks like another, or that no login could have, is nobody's", async () => {
    const names = [
      "m\u0430ria",
      "mari\u00e1",
      "maria\u0301",
      "maria\u202e",
      "maria\u200b",
      "maria ",
      "ma:ria",
      "ma/ria",
      "..",
      "",
    ];
    for (const name of names) {
      for (const [path, document] of [
        ["/users", { ...maria, name }],
        ["/robots", { name }],
        ["/groups", { name }],
      ] as const)
        expect(await ask("POST", path, document)).toMatchObject([400, { errors: [{ code: "NAME_INVALID" }] }]);
    }
    expect([...(await accounts.listUsers()), ...(await accounts.listRobots())]).toEqual([]);
  });

  test("API-02: nothing can be asked in a query that is not documented, of any row", async () => {
    await ask("POST", "/users", maria);
    const queries = [
      "sort=passwordHash",
      "q=maria",
      "filter=1",
      "fields=password",
      "name=%25",
      "a=1'%20OR%201=1--",
      "x",
    ];
    for (const { id, method, path, document } of administrativeRequests("maria"))
      for (const query of [...queries, `q=${"x".repeat(1_000_000)}`]) {
        const answer = await ask(method, `${path}?${query}`, document);
        expect([id, ...answer]).toMatchObject([id, 400, { errors: [{ code: "QUERY_INVALID" }] }]);
      }
    expect(await ask("POST", "/groups?name=x", { name: "dev" })).toMatchObject([400, {}]);
    expect(await accounts.listUsers()).toHaveLength(1);
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
