import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Database } from "bun:sqlite";
import type { MadeAccessKey, NewAccessKey } from "../../src/core/access-key-administration.ts";
import { digestOf } from "../../src/core/digest.ts";
import { type CertificateRegistry, dayMs, startRegistry } from "./client-certificates.ts";

const anything: NewAccessKey = { repositories: [], actions: [], lifetimeMs: dayMs };
const hello = digestOf(new TextEncoder().encode("hello"));

let registry: CertificateRegistry;
/** Every byte that a client was sent. */
const answers: string[] = [];
/** Every key that was made. */
const made: MadeAccessKey[] = [];

beforeAll(async () => {
  registry = await startRegistry({ listen: ["http://127.0.0.1:0"] });
});
afterAll(() => registry.stop());

async function makeKey(of: string, more: Partial<NewAccessKey> = {}): Promise<MadeAccessKey> {
  const key = await registry.app.administration.createKey(of, { ...anything, ...more });
  made.push(key);
  return key;
}

function basic(name: string, key: string): string {
  return `Basic ${Buffer.from(`${name}:${key}`).toString("base64")}`;
}

async function ask(method: string, path: string, authorization: string, body?: string): Promise<Response> {
  const init = { method, headers: { authorization }, ...(body === undefined ? {} : { body }) };
  const response = await fetch(`http://127.0.0.1:${registry.port}${path}`, init);
  const text = await response.clone().text();
  answers.push(text, ...response.headers.values());
  return response;
}

async function statusOf(authorization: string, path = "/v2/", method = "GET"): Promise<number> {
  return (await ask(method, path, authorization)).status;
}

async function push(repository: string, authorization: string): Promise<number> {
  return (await ask("POST", `/v2/${repository}/blobs/uploads/?digest=${hello}`, authorization, "hello")).status;
}

/** An image of one blob, so that the repository is in the catalog. */
async function pushImage(repository: string, authorization: string): Promise<void> {
  expect(await push(repository, authorization)).toBe(201);
  const config = { mediaType: "application/vnd.example.greeting", digest: hello, size: 5 };
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const answer = await fetch(`http://127.0.0.1:${registry.port}/v2/${repository}/manifests/latest`, {
    method: "PUT",
    headers: { authorization, "content-type": mediaType },
    body: JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [] }),
  });
  expect(answer.status).toBe(201);
}

describe("an access key", () => {
  test("logs its user in as a password and as a bearer token, on every surface alike", async () => {
    const { key } = await makeKey("bob");

    for (const header of [basic("bob", key), `Bearer ${key}`]) {
      expect(await statusOf(header)).toBe(200);
      expect(await push("team/app", header)).toBe(201);
      expect(await statusOf(header, `/v2/team/app/blobs/${hello}`)).toBe(200);
      expect(await statusOf(header, "/v2/_catalog")).toBe(200);
      expect(await statusOf(header, "/api/v1/users")).toBe(403);
    }
    expect(await statusOf(basic("alice", key))).toBe(401);
  });

  test("AUTHZ-03: with limits is good for these repositories and actions only, whatever its user may", async () => {
    const all = basic("alice", (await makeKey("alice")).key);
    await pushImage("team/app", all);
    await pushImage("other/app", all);
    const { key } = await makeKey("alice", { repositories: ["team/*"], actions: ["pull"] });

    for (const header of [basic("alice", key), `Bearer ${key}`]) {
      expect(await statusOf(header, `/v2/team/app/blobs/${hello}`)).toBe(200);
      expect(await statusOf(header, `/v2/other/app/blobs/${hello}`)).toBe(403);
      expect(await statusOf(header, `/v2/other/nothing/blobs/${hello}`)).toBe(403);
      expect(await statusOf(header, `/v2/team/app/blobs/${hello}`, "DELETE")).toBe(403);
      expect(await push("team/app", header)).toBe(403);
      expect(await statusOf(header, "/api/v1/users")).toBe(403);
      const mount = await ask("POST", `/v2/team/new/blobs/uploads/?mount=${hello}&from=other/app`, header);
      expect(mount.status).toBe(403);
    }
    expect(await (await ask("GET", "/v2/_catalog", `Bearer ${key}`)).json()).toEqual({ repositories: ["team/app"] });
    expect(await (await ask("GET", "/v1/search?q=app", `Bearer ${key}`)).json()).toMatchObject({ num_results: 1 });
  });

  test("with limits gives nobody what they may not", async () => {
    const { key } = await makeKey("bob", { actions: ["pull", "delete", "admin"] });

    expect(await statusOf(basic("bob", key), `/v2/team/app/blobs/${hello}`, "DELETE")).toBe(403);
    expect(await statusOf(basic("bob", key), "/api/v1/users")).toBe(403);
  });

  test("that is damaged is told so, one that is unknown is not", async () => {
    const { key } = await makeKey("bob");
    const damaged = await (await ask("GET", "/v2/", basic("bob", key.slice(0, -3)))).text();
    const unknown = `${key.slice(0, 32)}0${key.slice(33)}`;

    expect(damaged).toContain("is not whole, or was mistyped");
    expect(await statusOf(`Bearer ${unknown}`)).toBe(401);
  });
});

/** What the token service gives for a key. */
async function tokenFor(
  authorization: string,
  ...scopes: readonly string[]
): Promise<{ token: string; scope: string }> {
  const query = scopes.map((scope) => `scope=${encodeURIComponent(scope)}`).join("&");
  const answer = await ask("GET", `/token?${query}`, authorization);
  expect(answer.status).toBe(200);
  return (await answer.json()) as { token: string; scope: string };
}

describe("JWT-10: a token that was had with an access key", () => {
  test("opens no more than the key, and than was asked for", async () => {
    const { key } = await makeKey("alice", { repositories: ["team/*"], actions: ["pull"] });
    const asked = ["repository:team/app:pull,push,delete", "repository:other/app:pull", "registry:catalog:*"];

    const { token, scope } = await tokenFor(basic("alice", key), ...asked);

    expect(scope).toBe("repository:team/app:pull registry:catalog:*");
    expect(await statusOf(`Bearer ${token}`, `/v2/team/app/blobs/${hello}`)).toBe(200);
    expect(await statusOf(`Bearer ${token}`, `/v2/team/app/blobs/${hello}`, "DELETE")).toBe(401);
    expect(await statusOf(`Bearer ${token}`, `/v2/other/app/blobs/${hello}`)).toBe(401);
    expect(await (await ask("GET", "/v2/_catalog", `Bearer ${token}`)).json()).toEqual({ repositories: ["team/app"] });
  });

  test("REV-01: ends with the key, at once", async () => {
    const { id, key } = await makeKey("bob");
    const { token } = await tokenFor(basic("bob", key), "repository:team/app:pull");
    expect(await statusOf(`Bearer ${token}`, `/v2/team/app/blobs/${hello}`)).toBe(200);

    await registry.app.administration.revokeKeys({ id });

    expect(await statusOf(`Bearer ${token}`, `/v2/team/app/blobs/${hello}`)).toBe(401);
    expect(await statusOf(basic("bob", key), "/token?scope=repository:team/app:pull")).toBe(401);
  });
});

describe("REV-01: an access key that is taken back", () => {
  test("is refused at the next request, and so are all of a user", async () => {
    for (const which of ["id", "principal"] as const) {
      const { id, key } = await makeKey("bob");
      const headers = [basic("bob", key), `Bearer ${key}`];
      for (const header of headers) expect(await statusOf(header)).toBe(200);

      await registry.app.administration.revokeKeys(which === "id" ? { id } : { principal: "bob" });

      for (const header of headers) expect(await statusOf(header)).toBe(401);
    }
  });

  test("in the middle of many requests lets none in that comes after the revocation's answer", async () => {
    const { id, key } = await makeKey("bob");
    let isRevoked = false;
    const late: number[] = [];
    const askOn = async (): Promise<void> => {
      for (;;) {
        const isLate = isRevoked;
        const status = await statusOf(`Bearer ${key}`);
        if (isLate) late.push(status);
        if (status !== 200) return;
      }
    };
    const asking = Array.from({ length: 8 }, askOn);
    await statusOf(`Bearer ${key}`);

    await registry.app.administration.revokeKeys({ id });
    isRevoked = true;

    await Promise.all(asking);
    expect(late.filter((status) => status !== 401)).toEqual([]);
    expect(await statusOf(`Bearer ${key}`)).toBe(401);
  });

  test("REV-04: is refused when its user is removed, and for the next one of that name", async () => {
    const { administration } = registry.app;
    const user = { name: "dora", password: "secret of dora", isAdmin: false };
    await administration.addUser(user);
    const { key } = await makeKey("dora");
    expect(await statusOf(basic("dora", key))).toBe(200);

    await administration.removeUser("dora");
    expect(await statusOf(basic("dora", key))).toBe(401);
    await administration.addUser(user);

    expect(await statusOf(basic("dora", key))).toBe(401);
    expect(await statusOf(basic("dora", "secret of dora"))).toBe(200);
    expect((await administration.listKeys()).filter(({ principal }) => principal === "dora")).toEqual([]);
  });
});

describe("REV-05: a robot's access key", () => {
  test("is the only way in for it, and ends with the robot, also when its owner is removed", async () => {
    const { administration } = registry.app;
    await administration.addUser({ name: "emil", password: "secret of emil", isAdmin: false });
    await administration.robots.add({ name: "builder", owner: "emil", expiresAt: undefined });
    const { key } = await makeKey("builder", { repositories: ["team/*"], actions: ["pull", "push"] });
    expect(await push("team/robots", basic("builder", key))).toBe(201);
    expect(await push("other/robots", basic("builder", key))).toBe(403);
    expect(await statusOf(basic("emil", key))).toBe(401);

    await administration.removeUser("emil");

    expect(await statusOf(basic("builder", key))).toBe(401);
    expect(await statusOf(`Bearer ${key}`)).toBe(401);
  });
});

describe("REV-02: an access key that is taken back", () => {
  test("during an upload ends it: the next PATCH and the PUT are refused, and nothing is committed", async () => {
    const { id, key } = await makeKey("bob");
    const started = await ask("POST", "/v2/team/half/blobs/uploads/", `Bearer ${key}`);
    const location = started.headers.get("location") ?? "";
    expect((await ask("PATCH", location, `Bearer ${key}`, "hel")).status).toBe(202);

    await registry.app.administration.revokeKeys({ id });

    expect((await ask("PATCH", location, `Bearer ${key}`, "lo")).status).toBe(401);
    expect((await ask("PUT", `${location}?digest=${hello}`, `Bearer ${key}`, "lo")).status).toBe(401);
    const other = basic("bob", (await makeKey("bob")).key);
    expect(await statusOf(other, `/v2/team/half/blobs/${hello}`, "HEAD")).toBe(404);
  });

  test("during a download lets that end: what was allowed when it was asked for is sent", async () => {
    const { id, key } = await makeKey("bob");
    const bytes = "x".repeat(8 * 1024 * 1024);
    const digest = digestOf(new TextEncoder().encode(bytes));
    const path = `/v2/team/large/blobs/uploads/?digest=${digest}`;
    expect((await ask("POST", path, `Bearer ${key}`, bytes)).status).toBe(201);
    const download = await fetch(`http://127.0.0.1:${registry.port}/v2/team/large/blobs/${digest}`, {
      headers: { authorization: `Bearer ${key}` },
    });
    const reader = download.body?.getReader();
    let length = (await reader?.read())?.value?.byteLength ?? 0;

    await registry.app.administration.revokeKeys({ id });

    for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read())
      length += part.value.byteLength;
    expect(length).toBe(bytes.length);
    expect(await statusOf(`Bearer ${key}`, `/v2/team/large/blobs/${digest}`)).toBe(401);
  });
});

describe("LOG-02: an access key", () => {
  test("and anything to guess it from is in no log, no answer, no list and no file of the registry", async () => {
    const { key, id } = await makeKey("bob");
    await statusOf(basic("bob", key));
    await statusOf(basic("alice", key));
    await statusOf(`Bearer ${key}`);
    await statusOf(`Bearer ${key.slice(0, -1)}`);
    await statusOf(`Basic ${key}`);
    await statusOf(`Digest ${key}`);
    await statusOf(basic(key, "password"));
    const listed = JSON.stringify(await registry.app.administration.listKeys());
    expect(listed).toContain(id);
    const files = readdirSync(registry.data, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"));
    const places = { log: registry.lines.join("\n"), answers: answers.join("\n"), listed, files: files.join("\n") };
    expect(files.some((text) => text.includes(id))).toBe(true);

    const found = made.flatMap(({ key: each }) => {
      const secret = each.slice("dozo_".length + id.length + 1);
      const canaries = [
        secret,
        secret.slice(0, 20),
        secret.slice(-20),
        btoa(`bob:${each}`),
        btoa(`bob:${each}`).slice(-40),
      ];
      return Object.entries(places).flatMap(([place, text]) =>
        canaries.filter((canary) => text.includes(canary)).map(() => place),
      );
    });

    expect(made.length).toBeGreaterThan(5);
    expect(found).toEqual([]);
  });
});

test("when an access key was used last is in the database when the registry has stopped", async () => {
  const other = await startRegistry({ listen: ["http://127.0.0.1:0"] });
  const { key } = await other.app.administration.createKey("bob", anything);
  await fetch(`http://127.0.0.1:${other.port}/v2/`, { headers: { authorization: `Bearer ${key}` } });
  const [before] = await other.app.administration.listKeys();

  await other.app.stop();

  const database = new Database(join(other.data, "dozo.db"), { readonly: true });
  const row = database.query("SELECT last_used_at FROM access_keys").get();
  database.close();
  rmSync(other.data, { recursive: true });
  expect(row).toEqual({ last_used_at: before?.lastUsedAt ?? "never" });
});
