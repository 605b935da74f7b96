import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { hashPassword } from "../../src/auth/password.ts";
import type { ClientCertificate } from "../../src/core/client-certificate.ts";
import { accessIn, makeTokenRegistry, type TokenRegistry } from "./token-registry.ts";

const basicChallenge = 'Basic realm="dozo", charset="UTF-8"';
const realm = 'Bearer realm="https://registry.test/token",service="dozo"';
/** What podman sends where it means nobody: an empty name and an empty password. */
const emptyBasic = "Basic Og==";

let made: TokenRegistry;

beforeEach(async () => {
  made = await makeTokenRegistry();
});

afterEach(() => made.close());

async function statusOf(method: string, path: string, authorization?: string): Promise<number> {
  return (await made.send(method, path, authorization)).status;
}

function repository(name: string, ...actions: string[]): object {
  return { type: "repository", name, actions };
}

async function bearer(query: string, authorization: string): Promise<string> {
  return `Bearer ${(await made.fetchToken(query, authorization)).token}`;
}

describe("a token", () => {
  test("comes by GET with a password, and is good for what it was asked for", async () => {
    const answer = await made.fetchToken("?service=dozo&scope=repository:b/app:pull,push&client_id=docker", "bob:bob");

    expect(answer).toMatchObject({ expires_in: 300, scope: "repository:b/app:pull,push" });
    expect(answer.access_token).toBe(answer.token);
    expect(answer.issued_at).toMatch(/^20[0-9T:.-]+Z$/);
    expect(accessIn(answer.token)).toEqual([repository("b/app", "pull", "push")]);
    const authorization = `Bearer ${answer.token}`;
    expect(await statusOf("GET", "/v2/", authorization)).toBe(200);
    expect(await statusOf("POST", "/v2/b/app/blobs/uploads/", authorization)).toBe(202);
    expect(await statusOf("GET", "/v2/b/app/manifests/v1", authorization)).toBe(404);
  });

  test("comes by POST, as OAuth2 has it", async () => {
    const form = {
      grant_type: "password",
      username: "bob",
      password: "bob",
      service: "dozo",
      client_id: "containerd",
      scope: "repository:b/app:pull repository:a/app:pull,push",
    };

    const answer = await made.fetchToken("", undefined, { form });

    expect(accessIn(answer.token)).toEqual([repository("b/app", "pull"), repository("a/app", "pull")]);
    expect(answer.scope).toBe("repository:b/app:pull repository:a/app:pull");
    expect(await statusOf("GET", "/v2/a/app/tags/list", `Bearer ${answer.token}`)).toBe(404);
  });

  test("is kept by nobody, and its answer needs no browser", async () => {
    const answer = await made.send("GET", "/token", "bob:bob");

    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
  });

  test("is not given for a wrong password, which is asked for in the way that the service takes it", async () => {
    const form = { grant_type: "password", username: "bob", password: "alice" };
    for (const answer of [
      await made.send("GET", "/token", "bob:alice"),
      await made.send("POST", "/token", undefined, { form }),
    ]) {
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toBe(basicChallenge);
      expect(await answer.text()).toContain("the user name or the password is wrong");
    }
  });

  test("is not given for a token: it would never end", async () => {
    const token = await bearer("", "bob:bob");

    expect(await statusOf("GET", "/token", token)).toBe(400);
  });

  test("is asked for with one login only", async () => {
    const form = { grant_type: "password", username: "bob", password: "bob" };
    expect((await made.send("POST", "/token", "bob:bob", { form })).status).toBe(400);
    expect(await statusOf("GET", "/token", `Basic ${btoa("bob:bob")}, Basic ${btoa("alice:alice")}`)).toBe(400);
  });

  test.each([
    [{ grant_type: "client_credentials" }, 400],
    [{ username: "bob", password: "bob" }, 400],
    [{ grant_type: "password", username: "bob:x", password: "bob" }, 401],
    [{ grant_type: "password", username: "bob", password: "bob", service: "other" }, 400],
    [{ grant_type: "password", username: "bob", password: "bob", scope: "x".repeat(40_000) }, 413],
  ])("is not given for the form %j", async (form, status) => {
    expect((await made.send("POST", "/token", undefined, { form })).status).toBe(status);
  });

  test("is not given for a form that is another kind of document", async () => {
    const form = { grant_type: "password", username: "bob", password: "bob" };
    const headers = { "content-type": "application/json" };
    expect((await made.send("POST", "/token", undefined, { form, headers })).status).toBe(415);
  });
});

describe("JWT-10: the access of a token", () => {
  test("is what was asked and is allowed, never more, and less is no error", async () => {
    const asked = [
      "repository:b/app:pull,push,delete",
      "repository:a/app:pull,push,delete",
      "repository:c/app:pull,push",
      "repository:*:*",
      "repository:b/app:pull%0Arepository:c:pull",
      "repository(plugin):b/app:pull",
      "registry:catalog:*",
    ];
    const query = asked.map((scope) => `scope=${scope}`).join("&");

    const { token } = await made.fetchToken(`?${query}&scope=&scope=${asked[0] ?? ""}`, "bob:bob");

    expect(accessIn(token)).toEqual([
      repository("b/app", "pull", "push"),
      repository("a/app", "pull"),
      { type: "registry", name: "catalog", actions: ["*"] },
    ]);
  });

  test("has overwrite with push for who may", async () => {
    made.allow("bob", ["overwrite"], "b/own");
    const { token, scope } = await made.fetchToken("?scope=repository:b/own:push,pull", "bob:bob");

    expect(accessIn(token)).toEqual([repository("b/own", "pull", "push", "overwrite")]);
    expect(scope).toBe("repository:b/own:pull,push");
  });

  test("is refused for another service, and for more than 64 scopes", async () => {
    const scopes = Array.from({ length: 200 }, () => "scope=repository:b/app:pull").join("&");

    expect(await statusOf("GET", "/token?service=other", "bob:bob")).toBe(400);
    expect(await statusOf("GET", "/token?service=dozo&service=other", "bob:bob")).toBe(400);
    expect(await statusOf("GET", `/token?${scopes}`, "bob:bob")).toBe(400);
  });
});

describe("JWT-12: a token used for something else", () => {
  const everything: readonly (readonly [method: string, path: string, scope: string])[] = [
    ["GET", "/v2/b/app/manifests/v1", "repository:b/app:pull"],
    ["HEAD", "/v2/b/app/manifests/v1", "repository:b/app:pull"],
    ["GET", "/v2/b/app/tags/list", "repository:b/app:pull"],
    ["PUT", "/v2/b/app/manifests/v1", "repository:b/app:pull,push"],
    ["POST", "/v2/b/app/blobs/uploads/", "repository:b/app:pull,push"],
    ["POST", "/v2/b/app/blobs/uploads/?mount=x&from=a/app", "repository:b/app:pull,push repository:a/app:pull"],
    ["PATCH", "/v2/b/app/blobs/uploads/x", "repository:b/app:pull,push"],
    ["HEAD", "/v2/b/app/blobs/uploads/x", "repository:b/app:pull,push"],
    ["DELETE", "/v2/b/app/manifests/v1", "repository:b/app:delete"],
    ["GET", "/v2/_catalog", "registry:catalog:*"],
  ];

  test("is refused with the scope that would be enough", async () => {
    const empty = await bearer("", "alice:alice");
    for (const [method, path, scope] of everything) {
      const answer = await made.send(method, path, empty);
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toBe(`${realm},scope="${scope}",error="insufficient_scope"`);
    }
  });

  test("of pull is not good for a change, and of push not for reading", async () => {
    const pull = await bearer("?scope=repository:b/app:pull", "alice:alice");
    const push = await bearer("?scope=repository:b/app:push", "alice:alice");
    for (const [method, path, scope] of everything) {
      const isRead = scope.endsWith("app:pull") && !scope.includes("push");
      expect(await statusOf(method, path, pull)).toBe(isRead ? 404 : 401);
      const isPush = scope.includes("push");
      expect((await statusOf(method, path, push)) === 401).toBe(!isPush);
    }
  });

  test("is for the repository that it names, and for none with a name like it", async () => {
    const token = await bearer("?scope=repository:b/app:pull", "alice:alice");

    for (const name of ["b/app2", "b/app/sub", "b/ap", "b", "app"]) {
      const answer = await made.send("GET", `/v2/${name}/tags/list`, token);
      expect(answer.headers.get("www-authenticate")).toContain(`scope="repository:${name}:pull"`);
      expect(answer.status).toBe(401);
    }
    expect(await statusOf("GET", "/v2/B/app/tags/list", token)).toBe(400);
    expect(await statusOf("GET", "/v2/b/%61pp/tags/list", token)).toBe(400);
  });

  test("says no more than a password would to who may not at all", async () => {
    const token = await bearer("?scope=repository:c/app:pull", "bob:bob");

    const answer = await made.send("GET", "/v2/c/app/tags/list", token);

    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain("bob may not pull in c/app: ask an admin");
  });

  test("mounts nothing out of a repository that it is not for", async () => {
    const digest = `sha256:${"a".repeat(64)}`;
    const token = await bearer("?scope=repository:b/app:pull,push", "alice:alice");

    expect(await statusOf("POST", `/v2/b/app/blobs/uploads/?mount=${digest}&from=a/app`, token)).toBe(202);
  });
});

describe("JWT-14: credentials in a place where they do not belong", () => {
  test.each(["password=bob", "refresh_token=x", "access_token=x", "grant_type=password&username=bob&password=bob"])(
    "such as the query %s, are refused",
    async (query) => {
      expect(await statusOf("GET", `/token?${query}`, "bob:bob")).toBe(400);
      const form = { grant_type: "password", username: "bob", password: "bob" };
      expect((await made.send("POST", `/token?${query}`, undefined, { form })).status).toBe(400);
    },
  );

  test("such as an account that is not the one who logs in, are ignored", async () => {
    const { token } = await made.fetchToken("?account=alice&scope=repository:c/app:pull", "bob:bob");

    expect(accessIn(token)).toEqual([]);
  });
});

describe("REV-01: a token whose holder is revoked", () => {
  const change = { by: "00000000000000000000000000" as never, at: 1 };

  test("counts no more once the password is another", async () => {
    const token = await bearer("?scope=repository:b/app:pull", "bob:bob");
    expect(await statusOf("GET", "/v2/b/app/tags/list", token)).toBe(404);

    await made.accounts.setPassword("bob", await hashPassword("another"), change);

    const answer = await made.send("GET", "/v2/b/app/tags/list", token);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toBe(`${realm},scope="repository:b/app:pull",error="invalid_token"`);
  });

  test("counts no more once the user is removed, nor for one who is made again", async () => {
    const token = await bearer("", "bob:bob");

    await made.accounts.removeUser("bob", change);
    expect(await statusOf("GET", "/v2/", token)).toBe(401);
    const passwordHash = await hashPassword("bob");
    await made.accounts.createUser({ id: made.idOf.alice, name: "bob", isAdmin: true, passwordHash }, change);

    expect(await statusOf("GET", "/v2/", token)).toBe(401);
  });

  test("opens no more than the rules do that hold when it is used", async () => {
    made.allow("everyone", ["pull"], "open/*");
    const token = await bearer("?scope=repository:open/a:pull", "bob:bob");
    const other = await makeTokenRegistry();

    expect(await statusOf("GET", "/v2/open/a/tags/list", token)).toBe(404);
    // Another registry's token is nothing here.
    expect((await other.send("GET", "/v2/open/a/tags/list", token)).status).toBe(401);
    await other.close();
  });

  test("counts no more once the certificate is revoked that it was had with", async () => {
    const certificate: ClientCertificate = {
      serial: "a".repeat(32),
      fingerprint: "f".repeat(64),
      names: [{ kind: "cn", value: "bob" }],
      notBefore: 0,
      notAfter: made.clock.now + 3_600_000,
      isOwn: true,
      isForClients: true,
    };
    const { serial, fingerprint } = certificate;
    const issued = { serial, fingerprint, userId: made.idOf.bob, userName: "bob", endsAt: certificate.notAfter };
    await made.certificates.addCertificate(issued, change);
    const client = { address: "192.0.2.7", certificate };
    const { token } = await made.fetchToken("?scope=repository:b/app:pull,push", undefined, { client });

    expect(await statusOf("GET", "/v2/b/app/tags/list", `Bearer ${token}`)).toBe(404);
    await made.certificates.revokeCertificates([serial], change);

    expect(await statusOf("GET", "/v2/b/app/tags/list", `Bearer ${token}`)).toBe(401);
  });

  test("ends after five minutes, and the minute that two clocks may differ", async () => {
    const token = await bearer("", "bob:bob");

    made.clock.now += 359_000;
    expect(await statusOf("GET", "/v2/", token)).toBe(200);
    made.clock.now += 2000;

    expect(await statusOf("GET", "/v2/", token)).toBe(401);
  });
});

describe("somebody who is not logged in", () => {
  test("gets no token while nothing is open to them", async () => {
    for (const authorization of [undefined, emptyBasic]) {
      const answer = await made.send("GET", "/token?scope=repository:open/a:pull", authorization);
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toBe(basicChallenge);
    }
  });

  test("gets one for what is open, and no more, with podman's empty login too", async () => {
    made.allow("anonymous", ["pull"], "open/*");
    for (const authorization of [undefined, emptyBasic]) {
      const { token } = await made.fetchToken(
        "?scope=repository:open/a:pull,push&scope=repository:b/app:pull",
        authorization,
      );
      expect(accessIn(token)).toEqual([repository("open/a", "pull")]);
      expect(await statusOf("GET", "/v2/", `Bearer ${token}`)).toBe(200);
      expect(await statusOf("GET", "/v2/open/a/tags/list", `Bearer ${token}`)).toBe(404);
      const refused = await made.send("POST", "/v2/open/a/blobs/uploads/", `Bearer ${token}`);
      expect(refused.status).toBe(401);
      expect(refused.headers.get("www-authenticate")).toBe(
        `${realm},scope="repository:open/a:pull,push",error="insufficient_scope"`,
      );
    }
  });

  test("needs no token for what is open, and an empty login does no harm", async () => {
    made.allow("anonymous", ["pull"], "open/*");
    for (const authorization of [undefined, emptyBasic]) {
      expect(await statusOf("GET", "/v2/open/a/tags/list", authorization)).toBe(404);
      expect(await statusOf("GET", "/v2/", authorization)).toBe(401);
    }
  });
});

describe("HDR-03: the challenge", () => {
  const asked = ["/v2/", "/v2/b/app/tags/list", "/v2/_catalog", "/v1/search?q=a"] as const;
  const bearerChallenges = [
    realm,
    `${realm},scope="repository:b/app:pull"`,
    `${realm},scope="registry:catalog:*"`,
    `${realm},scope="registry:catalog:*"`,
  ];

  async function challenges(): Promise<readonly (string | null)[]> {
    return Promise.all(asked.map(async (path) => (await made.send("GET", path)).headers.get("www-authenticate")));
  }

  test("is for Basic while nothing is open without a login, and for a token from then on", async () => {
    expect(await challenges()).toEqual(asked.map(() => basicChallenge));
    made.allow("anonymous", ["pull"], "open/*");
    const [ping, tags, catalog, search] = await challenges();

    // The lists of repositories are open, too, with what may be pulled.
    expect([ping, tags, catalog, search]).toEqual([realm, bearerChallenges[1] ?? "", null, null]);
  });

  test.each([
    ["basic", asked.map(() => basicChallenge)],
    ["bearer", bearerChallenges],
  ] as const)("is always for %s where that is set", async (challenge, expected) => {
    await made.close();
    made = await makeTokenRegistry({ challenge });

    expect(await challenges()).toEqual([...expected]);
    if (challenge === "basic") made.allow("anonymous", ["pull"], "open/*");
    expect((await made.send("GET", "/v2/")).headers.get("www-authenticate")).toBe(expected[0] ?? "");
    for (const authorization of ["bob:bob", await bearer("", "bob:bob")])
      expect(await statusOf("GET", "/v2/", authorization)).toBe(200);
  });

  test("is for another token after a token that does not count, whatever is asked for otherwise", async () => {
    const answer = await made.send("GET", "/v2/b/app/tags/list", "Bearer eyJ.eyJ.A");

    expect(answer.headers.get("www-authenticate")).toBe(`${realm},scope="repository:b/app:pull",error="invalid_token"`);
  });

  test("is for Basic where browsers come, and where it is not known under which name the registry is met", async () => {
    await made.close();
    made = await makeTokenRegistry({ challenge: "bearer", originOf: () => undefined });

    expect(await challenges()).toEqual(asked.map(() => basicChallenge));
    expect((await made.send("GET", "/enroll/line")).headers.get("www-authenticate")).toBe(basicChallenge);
  });
});
