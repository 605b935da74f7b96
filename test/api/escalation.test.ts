import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { accessActions } from "../../src/core/access-rule.ts";
import type { NewAccessKey } from "../../src/core/access-key-administration.ts";
import { openApi } from "../../scripts/openapi.ts";
import { administrativeRequests } from "./administrative-requests.ts";
import { type CertificateRegistry, dayMs, startRegistry } from "./client-certificates.ts";

// Alice is an admin of the registry and bob is not; `maria` stands in the requests, and is nobody's own.

const unlimited: NewAccessKey = { repositories: [], actions: [], lifetimeMs: dayMs };
let registry: CertificateRegistry;

beforeAll(async () => {
  registry = await startRegistry({ listen: ["http://127.0.0.1:0"] });
  const { administration } = registry.app;
  await administration.addUser({ name: "maria", password: "secret of maria", isAdmin: false });
  await administration.robots.add({ name: "ci", owner: "alice", expiresAt: undefined });
  await administration.addRule({ effect: "allow", who: "ci", actions: ["admin"], repositories: "other/**" });
});
afterAll(() => registry.stop());

function basic(name: string, password = `secret of ${name}`): string {
  return `Basic ${btoa(`${name}:${password}`)}`;
}

async function keyOf(name: string, more: Partial<NewAccessKey> = {}): Promise<string> {
  return `Bearer ${(await registry.app.administration.createKey(name, { ...unlimited, ...more })).key}`;
}

async function tokenOf(authorization: string): Promise<string> {
  const query = "scope=repository:team/app:*&scope=registry:catalog:*";
  const answer = await fetch(`http://127.0.0.1:${registry.port}/token?${query}`, { headers: { authorization } });
  return `Bearer ${((await answer.json()) as { token: string }).token}`;
}

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

async function ask(authorization: string, method: string, path: string, document?: object): Promise<Reply> {
  const response = await fetch(`http://127.0.0.1:${registry.port}/api/v1${path}`, {
    method,
    headers: { authorization, "content-type": "application/json" },
    ...(document === undefined ? {} : { body: JSON.stringify(document) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : (JSON.parse(text) as unknown) };
}

/** All that could have been changed. */
async function state(): Promise<string> {
  const { administration } = registry.app;
  const { groups, robots } = administration;
  const lists = [administration.listUsers(), administration.listRules(), groups.list(), robots.list()];
  const keys = (await administration.listKeys()).map(({ id, hasEnded }) => ({ id, hasEnded }));
  return JSON.stringify([await Promise.all<unknown>(lists), keys]);
}

describe("JWT-11: of the whole HTTP API, nothing but who asks is open to", () => {
  const contentActions = accessActions.filter((action) => action !== "admin");
  test.each<readonly [string, () => Promise<string>]>([
    ["an admin's access key with limits", () => keyOf("alice", { repositories: ["**"], actions: contentActions })],
    ["an admin's token", () => tokenOf(basic("alice"))],
    ["a token for an admin's access key", async () => tokenOf(await keyOf("alice"))],
    ["the access key of an admin's robot", () => keyOf("ci")],
    ["a user's access key", () => keyOf("bob")],
    ["a user's token", () => tokenOf(basic("bob"))],
  ])("%s", async (_what, credential) => {
    const authorization = await credential();
    const before = await state();
    const requests = administrativeRequests("maria").filter(({ action }) => action !== "login");
    expect(requests.length).toBeGreaterThan(20);

    for (const { id, method, path, document } of requests) {
      const { status } = await ask(authorization, method, path, document);
      expect(`${id} ${[401, 403].includes(status)}`).toBe(`${id} true`);
    }
    expect(await state()).toBe(before);
  });
});

describe("an access key", () => {
  test("of an admin without limits administers, and still makes no keys of its own", async () => {
    const key = await keyOf("alice");

    expect((await ask(key, "POST", "/keys", { for: "ci", lifetimeSeconds: 60 })).status).toBe(201);
    expect(await ask(key, "POST", "/me/keys", {})).toMatchObject({
      status: 403,
      body: { errors: [{ message: "this key of alice is not good to look after access keys here" }] },
    });
  });

  test("that may admin some repositories makes rules about them, and nothing else", async () => {
    const key = await keyOf("alice", { repositories: ["team/*"], actions: ["admin"] });
    const rule = { effect: "allow", who: "bob", actions: ["pull"] };
    const everywhere = { ...rule, repositories: "team/app" };

    expect((await ask(key, "POST", "/repositories/team/app/rules", rule)).status).toBe(201);
    expect((await ask(key, "POST", "/repositories/other/app/rules", rule)).status).toBe(403);
    for (const { id, action, method, path, document } of administrativeRequests("maria"))
      if (action !== "admin" && action !== "login")
        expect(`${id} ${(await ask(key, method, path, document)).status}`).toBe(`${id} 403`);
    expect((await ask(key, "POST", "/rules", everywhere)).status).toBe(403);
  });

  test("of a robot loses what its owner loses, whatever the rules give the robot", async () => {
    const { administration } = registry.app;
    await administration.addUser({ name: "otto", password: "secret of otto", isAdmin: false });
    await administration.robots.add({ name: "otto-ci", owner: "otto", expiresAt: undefined });
    await administration.addRule({ effect: "allow", who: "otto-ci", actions: ["admin"], repositories: "otto/**" });
    const { rule } = await administration.addRule({
      effect: "allow",
      who: "otto",
      actions: ["admin"],
      repositories: "otto/**",
    });
    const key = await keyOf("otto-ci");
    expect((await ask(key, "GET", "/repositories/otto/app/rules")).status).toBe(200);

    await administration.removeRule(rule.id);

    expect((await ask(key, "GET", "/repositories/otto/app/rules")).status).toBe(403);
  });
});

describe("the OpenAPI document", () => {
  test("says of every row whether an access key of somebody who may is enough", async () => {
    const { security, paths } = openApi() as {
      security: readonly object[];
      paths: Record<string, Record<string, { operationId: string; security?: readonly object[] }>>;
    };
    const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
    const key = await keyOf("alice");

    for (const { id, method, path, document } of administrativeRequests("maria")) {
      const told = operations.find(({ operationId }) => operationId === id)?.security ?? security;
      const isToldEnough = told.some((scheme) => Object.hasOwn(scheme, "bearer"));
      // A query that means nothing is refused to who may, and changes nothing.
      const { status } = await ask(key, method, `${path}?nothing`, document);
      expect(`${id} ${status}`).toBe(`${id} ${isToldEnough ? 400 : 403}`);
      expect((await ask(basic("alice"), method, `${path}?nothing`, document)).status).toBe(400);
    }
  });
});

describe("API-04: no answer of the HTTP API", () => {
  test("has a password, a secret of a key, or what either is kept as", async () => {
    const { body } = await ask(basic("maria"), "POST", "/me/keys", {});
    const { id, key } = body as Key;
    const secret = key.slice(`dozo_${id}_`.length);
    const digest = new Bun.CryptoHasher("sha256").update(key).digest("hex");
    await ask(`Bearer ${key}`, "GET", "/me");

    const reading = administrativeRequests("maria").filter(({ method }) => method === "GET");
    const answers = await Promise.all(reading.map(({ method, path }) => ask(basic("alice"), method, path)));
    answers.push(await ask(basic("maria"), "GET", "/me/keys"), await ask(`Bearer ${key}`, "GET", "/me"));
    const told = JSON.stringify(answers);

    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(told).toContain(id);
    for (const canary of [secret.slice(0, 12), secret.slice(-12), digest, "secret of", "argon2", "$2", "passwordHash"])
      expect(`${canary} ${told.includes(canary)}`).toBe(`${canary} false`);
  });
});

interface Key {
  readonly id: string;
  readonly key: string;
}

describe("people over the HTTP API", () => {
  test("make access keys with limits and an end, see them without the secret, and revoke them at once", async () => {
    const wanted = { repositories: ["team/*"], actions: ["pull"], lifetimeSeconds: 3600 };
    const { status, body } = await ask(basic("bob"), "POST", "/me/keys", wanted);
    const { id, key } = body as Key;
    expect(status).toBe(201);
    expect(body).toMatchObject({ for: "bob", grants: [{ repositories: "team/*", actions: ["pull"] }] });
    const pulls = async (repository: string): Promise<number> =>
      (
        await fetch(`http://127.0.0.1:${registry.port}/v2/${repository}/tags/list`, {
          headers: { authorization: `Bearer ${key}` },
        })
      ).status;
    expect([await pulls("team/app"), await pulls("other/app")]).toEqual([404, 403]);

    const list = await ask(basic("bob"), "GET", "/me/keys");
    expect(JSON.stringify(list.body)).toContain(id);
    expect(JSON.stringify(list.body)).not.toContain(key.slice(-20));
    expect((await ask(basic("bob"), "DELETE", `/me/keys/${id}`)).status).toBe(204);
    expect(await pulls("team/app")).toBe(401);
    expect((await ask(basic("bob"), "DELETE", `/me/keys/${id}`)).status).toBe(404);
  });

  test("API-03: see and revoke nobody else's access keys, and are not told whether there are any", async () => {
    const other = (await ask(basic("maria"), "POST", "/me/keys", {})).body as Key;

    const theirs = await ask(basic("bob"), "DELETE", `/me/keys/${other.id}`);
    const nobodys = await ask(basic("bob"), "DELETE", "/me/keys/01ARZ3NDEKTSV4RRFFQ69G5FAV");
    expect(theirs.status).toBe(404);
    expect(JSON.stringify(theirs.body).replace(other.id, "")).toBe(
      JSON.stringify(nobodys.body).replace("01ARZ3NDEKTSV4RRFFQ69G5FAV", ""),
    );
    expect(JSON.stringify((await ask(basic("bob"), "GET", "/me/keys")).body)).not.toContain(other.id);
    expect((await ask(`Bearer ${other.key}`, "GET", "/repositories/team/app/rules")).status).toBe(403);
  });

  test("who are admins make, see and revoke everybody's access keys, and those of robots", async () => {
    const made = await ask(basic("alice"), "POST", "/keys", { for: "ci", actions: ["pull"], lifetimeSeconds: null });
    const { id, key } = made.body as Key;
    expect(made).toMatchObject({ status: 201, body: { for: "ci", expiresAt: null } });

    const { body } = await ask(basic("alice"), "GET", "/keys");
    const { keys } = body as { keys: readonly { id: string; for: string }[] };
    expect(new Set(keys.map((each) => each.for)).size).toBeGreaterThan(2);
    expect(JSON.stringify(body)).not.toContain(key.slice(-20));
    const ofRobot = (await ask(basic("alice"), "GET", "/keys?for=ci")).body as { keys: typeof keys };
    expect(new Set(ofRobot.keys.map((each) => each.for))).toEqual(new Set(["ci"]));
    expect(await ask(basic("alice"), "GET", "/keys?for=nobody")).toMatchObject({ status: 200, body: { keys: [] } });
    expect((await ask(basic("alice"), "DELETE", `/keys/${id}`)).status).toBe(204);
    expect((await ask(`Bearer ${key}`, "GET", "/users")).status).toBe(401);
    expect((await ask(basic("alice"), "DELETE", `/keys/${id}`)).status).toBe(404);
  });

  test("cannot have a key for longer than ten years by asking for it, nor one that means nothing", async () => {
    for (const [document, code] of [
      [{ lifetimeSeconds: 11 * 366 * 86_400 }, "KEY_INVALID"],
      [{ lifetimeSeconds: -1 }, "BODY_INVALID"],
      [{ lifetimeSeconds: "never" }, "BODY_INVALID"],
      [{ repositories: ["../x"] }, "RULE_INVALID"],
      [{ actions: ["administer"] }, "BODY_INVALID"],
      [{ for: "alice" }, "BODY_INVALID"],
    ] as const)
      expect(await ask(basic("bob"), "POST", "/me/keys", document)).toMatchObject({
        status: 400,
        body: { errors: [{ code }] },
      });
  });
});
