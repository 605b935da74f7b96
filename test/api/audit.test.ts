import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { z } from "zod";
import { routes } from "../../src/api/routes.ts";
import { digestOf } from "../../src/core/digest.ts";
import { type CertificateRegistry, startRegistry } from "./client-certificates.ts";

const hello = digestOf(new TextEncoder().encode("hello"));
const alice = `Basic ${btoa("alice:secret of alice")}`;
const bob = `Basic ${btoa("bob:secret of bob")}`;
let registry: CertificateRegistry;

beforeAll(async () => {
  registry = await startRegistry({ listen: ["http://127.0.0.1:0"] });
  await send("POST", `/v2/team/app/blobs/uploads/?digest=${hello}`, bob, "hello");
  await send("GET", `/v2/team/app/blobs/${hello}`, bob);
  await send("DELETE", `/v2/team/app/blobs/${hello}`, bob);
  await send("GET", "/v2/_catalog", "");
  for (const name of ["one", "two", "three", "four", "five"])
    await registry.app.administration.groups.add(name).catch(() => undefined);
});
afterAll(() => registry.stop());

async function send(method: string, path: string, authorization: string, body?: string): Promise<Response> {
  const headers = authorization === "" ? {} : { authorization };
  const init = { method, headers, ...(body === undefined ? {} : { body }) };
  return fetch(`http://127.0.0.1:${registry.port}${path}`, init);
}

interface Page {
  readonly events: readonly {
    readonly id: number;
    readonly action: string;
    readonly name?: string;
    readonly outcome: string;
    readonly object?: string;
  }[];
  readonly next: number | null;
}

async function read(query: string): Promise<Page> {
  const answer = await send("GET", `/api/v1/audit${query}`, alice);
  expect(answer.status).toBe(200);
  const { answers = z.never() } = routes.find(({ id }) => id === "audit")?.shape ?? {};
  return answers.parse(await answer.json()) as Page;
}

describe("the record over the HTTP API", () => {
  test("tells what happened, the newest first, as it is documented", async () => {
    const { events, next } = await read("");

    expect(events.map(({ id }) => id)).toEqual(events.map(({ id }) => id).toSorted((one, other) => other - one));
    expect(events).toContainEqual(expect.objectContaining({ action: "delete blob", name: "bob", outcome: "refused" }));
    expect(events).toContainEqual(expect.objectContaining({ action: "add group", object: "group five" }));
    expect(next).toBeNull();
  });

  test("has pages that leave nothing out and show nothing twice", async () => {
    const all = (await read("?all=true")).events.map(({ id }) => id);
    const paged: number[] = [];
    let next: number | null = null;
    do {
      const page: Page = await read(`?all=true&limit=2${next === null ? "" : `&before=${next}`}`);
      paged.push(...page.events.map(({ id }) => id));
      ({ next } = page);
    } while (next !== null);

    // Reading is in the record itself only as a login, and that was before.
    expect(paged).toEqual(all);
    expect(all.length).toBeGreaterThan(7);
  });

  test.each<readonly [string, readonly string[]]>([
    ["who=bob&what=refusal", ["delete blob"]],
    ["what=add+group&limit=2", ["add group", "add group"]],
    ["outcome=refused", ["delete blob"]],
    ["outcome=login-needed", ["list repositories"]],
    [`digest=${hello}&what=push`, ["begin upload"]],
    ["repository=team/**&outcome=refused", ["delete blob"]],
    ["repository=other", []],
    ["from=127.0.0.1&what=refusal", ["delete blob"]],
    ["from=192.0.2.1", []],
    ["until=2020-01-01", []],
    ["since=2020-01-01T00:00:00Z&what=refusal", ["delete blob"]],
    ["since=2999-01-01", []],
  ])("asked for %s tells %p", async (query, actions) => {
    expect((await read(`?${query}`)).events.map(({ action }) => action)).toEqual([...actions]);
  });

  test("API-02: takes no other question, and no value that could mean another", async () => {
    for (const query of [
      "sort=name",
      "fields=reason",
      "limit=0",
      "limit=1001",
      "limit=1.5",
      "limit=x",
      "limit=2&limit=3",
      "before=-1",
      "before=0",
      "before=1e400",
      "outcome=ok",
      "since=yesterday",
      "since=1",
      "all=yes",
      "repository=../x",
      "repository=%25",
      `who=${"x".repeat(301)}`,
      "__proto__=x",
    ])
      expect(`${query.slice(0, 20)} ${(await send("GET", `/api/v1/audit?${query}`, alice)).status}`).toBe(
        `${query.slice(0, 20)} 400`,
      );
    for (const text of ["' OR 1=1 --", "%", "_ob", "*", '"name"', "bob\0"])
      expect((await read(`?who=${encodeURIComponent(text)}`)).events).toEqual([]);
  });

  test("is for admins alone, and not for keys of theirs that have limits", async () => {
    const wanted = { repositories: ["**"], actions: ["admin"], lifetimeMs: 60_000 };
    const { key } = await registry.app.administration.createKey("alice", wanted);

    expect((await send("GET", "/api/v1/audit", bob)).status).toBe(403);
    expect((await send("GET", "/api/v1/audit", "")).status).toBe(401);
    expect((await send("GET", "/api/v1/audit", `Bearer ${key}`)).status).toBe(403);
  });
});

describe("who asks", () => {
  const { answers = z.never() } = routes.find(({ id }) => id === "me")?.shape ?? {};
  const whoIs = async (authorization: string): Promise<unknown> =>
    answers.parse(await (await send("GET", "/api/v1/me", authorization)).json());

  test("is told who that is, in which groups, with what, and what it is good for", async () => {
    const { administration } = registry.app;
    await administration.groups.join("one", ["bob"]);
    const wanted = { repositories: ["team/*"], actions: ["pull", "push"], lifetimeMs: 60_000 };
    const { id, key } = await administration.createKey("bob", wanted);
    const limits = { grants: [{ repositories: "team/*", actions: ["pull", "push"] }], catalog: "granted" };

    expect(await whoIs(bob)).toMatchObject({
      principal: { name: "bob", kind: "user", source: "dozo", isAdmin: false, groups: ["group:one"] },
      credential: { kind: "password", limits: [] },
    });
    expect(await whoIs(`Bearer ${key}`)).toMatchObject({
      principal: { name: "bob" },
      credential: { kind: "key", id, limits: [limits] },
    });
    const asked = await send("GET", "/token?scope=repository:team/app:pull", `Basic ${btoa(`bob:${key}`)}`);
    const { token } = (await asked.json()) as { token: string };
    const own = { grants: [{ repositories: "team/app", actions: ["pull"] }], catalog: "none" };
    expect(await whoIs(`Bearer ${token}`)).toMatchObject({ credential: { kind: "token", limits: [own, limits] } });
    expect((await send("GET", "/api/v1/me", "")).status).toBe(401);
  });

  test("API-04: is told nothing that another could log in with", async () => {
    const { key } = await registry.app.administration.createKey("bob", {
      repositories: [],
      actions: [],
      lifetimeMs: 60_000,
    });

    const text = JSON.stringify(await whoIs(`Bearer ${key}`));
    expect(text).not.toContain(key.slice(-20));
    expect(text).not.toContain("secret");
    expect(text).not.toContain("argon2");
  });
});
