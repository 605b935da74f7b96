import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import type { CredentialLimits } from "../../src/core/caller.ts";
import { hashPassword } from "../../src/auth/password.ts";
import type { ClientCertificate } from "../../src/core/client-certificate.ts";
import { parseRepositoryPattern } from "../../src/core/repository-pattern.ts";
import type { Ulid } from "../../src/core/ulid.ts";
import { pushImage } from "./content.ts";
import type { TestRegistry } from "./registry.ts";
import { accessIn, makeTokenRegistry, type TokenRegistry } from "./token-registry.ts";

const basicChallenge = 'Basic realm="dozo", charset="UTF-8"';
const realm = 'Bearer realm="https://registry.test/token",service="dozo"';
/** What podman sends where it means nobody: an empty name and an empty password. */
const emptyBasic = "Basic Og==";

const operator = "00000000000000000000000000" as Ulid;

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

async function login(authorization = "bob:bob"): Promise<string> {
  return (
    (await made.fetchToken("?service=dozo&offline_token=true&client_id=docker", authorization)).refresh_token ?? ""
  );
}

function redeem(refreshToken: string, more: Readonly<Record<string, string>> = {}): Promise<Response> {
  const form = { grant_type: "refresh_token", service: "dozo", refresh_token: refreshToken, ...more };
  return made.send("POST", "/token", undefined, { form });
}

describe("JWT-13: a refresh token", () => {
  const change = { by: "00000000000000000000000000" as never, at: 1 };

  test("comes only where it is asked for, by GET and by POST", async () => {
    const form = { grant_type: "password", username: "bob", password: "bob" };

    expect(await login()).toMatch(/^dozo-refresh_[A-Za-z0-9_-]{65}$/);
    expect((await made.fetchToken("?service=dozo", "bob:bob")).refresh_token).toBeUndefined();
    expect((await made.fetchToken("", undefined, { form })).refresh_token).toBeUndefined();
    const offline = { ...form, access_type: "offline" };
    expect((await made.fetchToken("", undefined, { form: offline })).refresh_token).toMatch(/^dozo-refresh_/);
  });

  test("stands for its user, as often as it is used and by whom, since clients cannot keep another", async () => {
    const refreshToken = await login();

    for (const clientId of ["docker", "containerd", "docker"]) {
      const answer = await redeem(refreshToken, { scope: "repository:b/app:pull,push,delete", client_id: clientId });
      const body = (await answer.json()) as { readonly token: string; readonly refresh_token?: string };
      expect(accessIn(body.token)).toEqual([repository("b/app", "pull", "push")]);
      expect(body.refresh_token).toBeUndefined();
      expect(await statusOf("GET", "/v2/b/app/tags/list", `Bearer ${body.token}`)).toBe(404);
    }
  });

  test("is nothing but that: no password and no bearer token", async () => {
    const refreshToken = await login();

    expect(await statusOf("GET", "/v2/", `Bearer ${refreshToken}`)).toBe(401);
    expect(await statusOf("GET", "/token", `Bearer ${refreshToken}`)).toBe(401);
    expect(await statusOf("GET", "/v2/", `bob:${refreshToken}`)).toBe(401);
  });

  test("is refused after a change of the password, and stays refused if that is taken back", async () => {
    const refreshToken = await login();
    const { passwordHash = "" } = (await made.accounts.findUser("bob")) ?? {};
    await made.accounts.setPassword("bob", await hashPassword("another"), change);

    const answer = await redeem(refreshToken);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toBe(basicChallenge);
    await made.accounts.setPassword("bob", passwordHash, change);

    expect((await redeem(refreshToken)).status).toBe(401);
  });

  test("is refused once its user is removed", async () => {
    const refreshToken = await login();
    await made.accounts.removeUser("bob", change);

    expect((await redeem(refreshToken)).status).toBe(401);
  });

  test("is refused once nobody has used it for half a year", async () => {
    const [used, idle] = [await login(), await login()];
    made.clock.now += 100 * 86_400_000;
    expect((await redeem(used)).status).toBe(200);
    made.clock.now += 100 * 86_400_000;
    expect(await made.refreshTokens.removeIdle()).toBe(1);

    expect([(await redeem(used)).status, (await redeem(idle)).status]).toEqual([200, 401]);
  });

  test.each(["", "x", "dozo-refresh_", `dozo-refresh_${"A".repeat(65)}`, "eyJ.eyJ.A"])("%p is none", async (text) => {
    expect((await redeem(text)).status).toBe(401);
  });

  test("that differs in any digit is none, and most are refused without a look into the store", async () => {
    const refreshToken = await login();
    const looks = spyOn(made.refreshTokenStore, "findRefreshToken");

    for (let at = 0; at < refreshToken.length; at++) {
      const other = refreshToken[at] === "A" ? "B" : "A";
      expect((await redeem(`${refreshToken.slice(0, at)}${other}${refreshToken.slice(at + 1)}`)).status).toBe(401);
    }

    expect(looks).not.toHaveBeenCalled();
    expect((await redeem(refreshToken)).status).toBe(200);
  });

  test("is not had by who is not logged in", async () => {
    made.allow("anonymous", ["pull"], "open/*");

    expect((await made.fetchToken("?offline_token=true")).refresh_token).toBeUndefined();
  });
});

describe("JWT-10, JWT-11: a token that was had with an access key", () => {
  const pullsAlone: CredentialLimits = {
    grants: [{ repositories: parseRepositoryPattern("a/*"), actions: ["pull"] }],
    catalog: "granted",
  };

  beforeEach(() => {
    made.allow("everyone", ["pull", "push", "overwrite", "delete"], "**");
  });

  test("is good for what the key is good for, by GET, by POST and as Bearer", async () => {
    const key = await made.makeKey(pullsAlone);
    const asked = ["repository:a/app:pull,push,delete", "repository:*:*", "repository:b/app:*", "registry:catalog:*"];
    const query = `?${asked.map((scope) => `scope=${scope}`).join("&")}`;
    const form = { grant_type: "password", username: "ci", password: key, scope: asked.join(" ") };
    const answers = [
      await made.fetchToken(query, `ci:${key}`),
      await made.fetchToken(query, `Bearer ${key}`),
      await made.fetchToken("", undefined, { form }),
    ];

    for (const { token } of answers) {
      expect(accessIn(token)).toEqual([
        repository("a/app", "pull"),
        { type: "registry", name: "catalog", actions: ["*"] },
      ]);
      const authorization = `Bearer ${token}`;
      expect(await statusOf("GET", "/v2/a/app/tags/list", authorization)).toBe(404);
      expect(await statusOf("GET", "/v2/a/other/tags/list", authorization)).toBe(401);
      expect(await statusOf("POST", "/v2/a/app/blobs/uploads/", authorization)).toBe(401);
    }
  });

  test("shows in lists what the key shows", async () => {
    const { registry } = made;
    const authorization = `Basic ${btoa("alice:alice")}`;
    const asAlice: TestRegistry = {
      ...registry,
      call: (method, path, sent) =>
        registry.call(method, path, { ...sent, headers: { ...sent?.headers, authorization } }),
    };
    for (const name of ["a/app", "a/other", "b/app"]) await pushImage(asAlice, name, "v1");
    const key = await made.makeKey(pullsAlone);
    const token = await bearer("?scope=registry:catalog:*", `ci:${key}`);

    for (const shown of [`ci:${key}`, token]) {
      const answer = await made.send("GET", "/v2/_catalog", shown);
      expect(await answer.json()).toEqual({ repositories: ["a/app", "a/other"] });
    }
  });

  test("REV-01: counts no more once the key is revoked, and neither does its refresh token", async () => {
    const key = await made.makeKey();
    const { token, refresh_token: refreshToken = "" } = await made.fetchToken("?offline_token=true", `ci:${key}`);
    expect((await redeem(refreshToken)).status).toBe(200);
    expect(await statusOf("GET", "/v2/", `Bearer ${token}`)).toBe(200);

    const [{ id } = { id: operator }] = await made.accessKeys.listKeys();
    await made.accessKeys.removeKeys([id], { by: operator, at: 1 });

    expect(await statusOf("GET", "/v2/", `Bearer ${token}`)).toBe(401);
    expect((await redeem(refreshToken)).status).toBe(401);
  });

  test("counts no more once the key has ended, or the robot whose it is", async () => {
    const { token, refresh_token: refreshToken = "" } = await made.fetchToken(
      "?offline_token=true",
      `ci:${await made.makeKey()}`,
    );
    made.clock.now += 1_000_000;
    expect((await redeem(refreshToken)).status).toBe(401);

    made.clock.now += 8_999_000;
    const late = await made.fetchToken("?offline_token=true", `ci:${await made.makeKey()}`);
    made.clock.now += 1000;

    for (const each of [token, late.token]) expect(await statusOf("GET", "/v2/", `Bearer ${each}`)).toBe(401);
    expect((await redeem(late.refresh_token ?? "")).status).toBe(401);
  });
});
