import { beforeEach, describe, expect, test } from "bun:test";
import { Sessions } from "../../src/auth/sessions.ts";
import { readAccessKey } from "../../src/core/access-key.ts";
import { fieldsOf, TestBrowser } from "./browser.ts";
import { makeRegistry, secrets, type TestRegistry } from "./registry.ts";

const sessionName = "__Host-dozo-session";
const minuteMs = 60_000;

let now: number;
let versions: Map<string, number>;
let registry: TestRegistry;
let browser: TestBrowser;

beforeEach(() => {
  now = Date.now();
  versions = new Map();
  const clock = { now: () => now };
  const sessions = new Sessions({ clock, versionOf: (name) => String(versions.get(name) ?? 0) });
  registry = makeRegistry({}, { sessions, clock });
  browser = new TestBrowser(registry);
});

async function placeOf(path: string, from: TestBrowser = browser): Promise<string> {
  const answer = await from.open(path);
  return answer.status === 303 ? (answer.headers.get("location") ?? "") : String(answer.status);
}

/** Another browser with the same cookies, as somebody has who copied them. */
function copyOf(other: TestBrowser): TestBrowser {
  const copy = new TestBrowser(registry);
  for (const [name, value] of other.cookies) copy.cookies.set(name, value);
  return copy;
}

describe("SES-01: the id of a session", () => {
  test("is another one after each login, and the old one is dead", async () => {
    browser.cookies.set(sessionName, "A".repeat(43));
    const first = await browser.logIn("bob", secrets.bob);
    const firstId = browser.cookies.get(sessionName);
    expect([first.status, first.headers.get("location")]).toEqual([303, "/keys"]);
    expect(firstId).not.toBe("A".repeat(43));

    const before = copyOf(browser);
    // A page of the login that was open in another tab.
    const form = new URLSearchParams({ user: "alice", password: secrets.alice });
    form.set("token", registry.parts.sessions.formTokenOf(browser.cookies.get("__Host-dozo-form") ?? ""));
    await browser.ask("POST", "/login", { body: form });

    expect(browser.cookies.get(sessionName)).not.toBe(firstId);
    expect(await (await browser.open("/keys")).text()).toContain("You are alice.");
    expect(await placeOf("/keys", before)).toBe("/login?next=%2Fkeys");
  });

  test("that somebody made up is nobody's", async () => {
    for (const id of ["", "A".repeat(43), "alice", "'; --", "%00"]) {
      browser.cookies.set(sessionName, id);
      expect(await placeOf("/keys")).toBe("/login?next=%2Fkeys");
    }
  });
});

describe("SES-02: a session is over, for who has a copy too,", () => {
  beforeEach(async () => {
    await browser.logIn("bob", secrets.bob);
    expect(await placeOf("/keys")).toBe("200");
  });

  test("after half an hour without a request", async () => {
    now += 30 * minuteMs;
    expect(await placeOf("/keys")).toBe("/login?next=%2Fkeys");
  });

  test("after twelve hours", async () => {
    for (let quarters = 1; quarters < 48; quarters += 1) {
      now += 15 * minuteMs;
      expect(await placeOf("/keys")).toBe("200");
    }
    now += 15 * minuteMs;
    expect(await placeOf("/keys")).toBe("/login?next=%2Fkeys");
  });

  test("after the logout", async () => {
    const copy = copyOf(browser);

    const answer = await browser.submit(await browser.open("/keys"), "/logout");

    expect(answer.headers.get("location")).toBe("/login");
    expect(browser.cookies.has(sessionName)).toBe(false);
    expect(await placeOf("/keys", copy)).toBe("/login?next=%2Fkeys");
  });

  test("when the password changes or the user is removed", async () => {
    versions.set("bob", 1);
    expect(await placeOf("/keys")).toBe("/login?next=%2Fkeys");
  });
});

test("SES-05: the cookie of a session is the host's alone, over TLS, for no script, and comes with nothing from elsewhere", async () => {
  const answer = await browser.logIn("bob", secrets.bob);

  expect(answer.headers.getSetCookie()).toEqual([
    `${sessionName}=${browser.cookies.get(sessionName)}; Path=/; Secure; HttpOnly; SameSite=Strict`,
  ]);
});

describe("a session", () => {
  test("opens pages, and nothing of the registry", async () => {
    await browser.logIn("alice", secrets.alice);

    for (const path of ["/v2/", "/v2/_catalog", "/v2/a/tags/list", "/v1/search", "/api/v1/users"])
      expect([path, (await browser.open(path)).status]).toEqual([path, 401]);
  });

  test("is not had by a password in the header: pages know sessions only", async () => {
    const answer = await registry.call("GET", "/keys", { as: "alice", headers: { accept: "text/html" } });

    expect([answer.status, answer.headers.get("location")]).toEqual([303, "/login?next=%2Fkeys"]);
    expect((await registry.call("POST", "/keys", { as: "alice", body: "days=90" })).status).toBe(403);
  });

  test("shows the enrolment line, to which a browser that is not logged in is led over the login", async () => {
    expect(await placeOf("/enroll/line")).toBe("/login?next=%2Fenroll%2Fline");

    const answer = await browser.logIn("bob", secrets.bob, "?next=/enroll/line");

    expect(answer.headers.get("location")).toBe("/enroll/line");
    // Without TLS there is no line; with somebody else's session there would be one.
    expect(await placeOf("/enroll/line")).toBe("404");
  });

  test("is found by who comes from elsewhere, on a second try that a page of ours makes", async () => {
    await browser.logIn("bob", secrets.bob);
    const strict = browser.cookies.get(sessionName) ?? "";

    browser.cookies.delete(sessionName);
    const first = await browser.open("/keys", { site: "cross-site" });
    expect(first.status).toBe(200);
    expect(await first.text()).toContain('<meta http-equiv="refresh" content="0;url=/keys">');

    browser.cookies.set(sessionName, strict);
    expect((await browser.open("/keys")).status).toBe(200);
  });
});

describe("the login page", () => {
  test("says the same of a wrong password and of somebody who is not there, and logs nobody in", async () => {
    const wrong = await browser.logIn("alice", "guess");
    const nobody = await browser.logIn("zoe", "guess");

    expect([wrong.status, nobody.status]).toEqual([403, 403]);
    expect((await wrong.text()).replaceAll("alice", "zoe")).toBe(await nobody.text());
    expect(browser.cookies.has(sessionName)).toBe(false);
    expect(wrong.headers.get("www-authenticate")).toBeNull();
  });

  test("tells somebody who guesses when to come again", async () => {
    const refused = { kind: "refused", reason: "guessing", retryAfterSeconds: 7 } as const;
    browser = new TestBrowser(makeRegistry({}, { authenticate: () => refused }));

    const answer = await browser.logIn("alice", "guess");

    expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "7"]);
    expect(await answer.text()).toContain("too many failed logins");
  });

  test("takes no access key, which may be good for less than a session", async () => {
    const [principal] = [{ id: "01ARZ3NDEKTSV4RRFFQ69G5FAA", name: "alice" }];
    const caller = { principal, credential: { kind: "key", id: "x" } };
    browser = new TestBrowser(makeRegistry({}, { authenticate: () => ({ kind: "caller", caller }) as never }));

    const answer = await browser.logIn("alice", "dozo_x");

    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain("log in here with your password");
    expect(browser.cookies.has(sessionName)).toBe(false);
  });

  test("asks with the name and the password as they were typed, from the client's address", async () => {
    const asked: unknown[] = [];
    const authenticate = (...what: unknown[]) => {
      asked.push(what);
      return { kind: "refused", reason: "no" } as const;
    };
    browser = new TestBrowser(makeRegistry({}, { authenticate }));

    await browser.logIn("änn", "pass: wörd+ &=");

    const header = `Basic ${Buffer.from("änn:pass: wörd+ &=").toString("base64")}`;
    expect(asked).toEqual([[header, "192.0.2.7", undefined]]);
  });

  test.each(["//evil", "/\\evil", "\\/evil", "https:evil", "%2f%2fevil", "/%09/evil", "javascript:alert(1)"])(
    "UI-06: leads nobody to %p",
    async (next) => {
      const answer = await browser.logIn("bob", secrets.bob, `?next=${next}`);
      expect(answer.headers.get("location")).toBe("/");

      expect((await browser.open(`/login?next=${next}`)).headers.get("location")).toBe("/");
    },
  );

  test("UI-06: believes the form no more than the address", async () => {
    const page = await browser.open("/login");

    const answer = await browser.submit(page, "/login", { user: "bob", password: secrets.bob, next: "//evil" });

    expect(answer.headers.get("location")).toBe("/");
  });

  test("writes what was typed as text", async () => {
    const answer = await browser.logIn('"><script>alert(1)</script>', "x");

    expect(await answer.text()).not.toContain("<script");
  });
});

/** What the form for a new key of somebody who is logged in would send. */
async function makeForm(): Promise<URLSearchParams> {
  await browser.logIn("bob", secrets.bob);
  return fieldsOf(await (await browser.open("/keys")).text(), "/keys");
}

describe("UI-03: a form", () => {
  const foreign = [
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { "sec-fetch-site": "cross-site", origin: "https://registry.test" },
    { "sec-fetch-site": "same-site", origin: "null" },
  ];

  test("of another site does nothing, even with the cookies and the token", async () => {
    const body = await makeForm();

    for (const action of ["/keys", "/keys/revoke", "/logout", "/login"])
      for (const headers of foreign) expect((await browser.ask("POST", action, { body, headers })).status).toBe(403);
    expect(await placeOf("/keys")).toBe("200");
    expect(await (await browser.open("/keys")).text()).not.toContain("Your keys");
  });

  test("without the token, or with another's, does nothing", async () => {
    const body = await makeForm();
    const other = new TestBrowser(registry);
    await other.logIn("alice", secrets.alice);
    const others = fieldsOf(await (await other.open("/keys")).text(), "/keys").get("token") ?? "";

    for (const token of ["", "x", others, browser.cookies.get(sessionName) ?? ""]) {
      body.set("token", token);
      for (const action of ["/keys", "/keys/revoke", "/logout", "/login"])
        expect((await browser.ask("POST", action, { body })).status).toBe(403);
    }
    expect(await (await browser.open("/keys")).text()).not.toContain("Your keys");
  });

  test("from who does not say where it comes from does nothing", async () => {
    const body = await makeForm();
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { cookie, "content-type": "application/x-www-form-urlencoded" };

    const answer = await registry.call("POST", "/keys", { as: "nobody", headers, body: body.toString() });

    expect(answer.status).toBe(403);
  });

  test("that is something else, or too long, is refused", async () => {
    const body = await makeForm();

    const asText = await browser.ask("POST", "/keys", { body, headers: { "content-type": "text/plain" } });
    body.set("repositories", "x".repeat(20_000));
    const long = await browser.ask("POST", "/keys", { body });

    expect([asText.status, long.status]).toEqual([400, 413]);
  });

  test("cannot be had by GET", async () => {
    await makeForm();
    for (const path of ["/logout", "/keys/revoke"]) expect((await browser.open(path)).status).toBe(405);
  });
});

describe("the page of access keys", () => {
  test("shows a new key once, and lists it without its secret", async () => {
    await browser.logIn("bob", secrets.bob);

    const made = await browser.submit(await browser.open("/keys"), "/keys", {
      repositories: "team/app team/web/**",
      action: "pull",
      days: "30",
    });
    const text = await made.text();
    const [key = ""] = /dozo_\w+/.exec(text) ?? [];

    expect(made.status).toBe(200);
    expect(readAccessKey(key).kind).toBe("key");
    expect(text).toContain("docker login -u bob HOST:PORT");
    const listed = await (await browser.open("/keys")).text();
    expect(listed).not.toContain(key);
    expect(listed).toContain(key.slice(5, 31));
    expect(listed).toContain("pull in team/app; pull in team/web/**");
    const [record] = await registry.parts.ownKeys(bob).list();
    expect((record?.expiresAt ?? 0) - (record?.createdAt ?? 0)).toBe(30 * 86_400_000);
  });

  test("revokes one's own, and nobody else's", async () => {
    await browser.logIn("bob", secrets.bob);
    const other = new TestBrowser(registry);
    await other.logIn("alice", secrets.alice);
    const page = await (await other.submit(await other.open("/keys"), "/keys", { days: "7" })).text();
    const aliceKey = fieldsOf(page, "/keys/revoke").get("id") ?? "";

    await browser.submit(await browser.open("/keys"), "/keys", { days: "7" });
    const body = fieldsOf(await (await browser.open("/keys")).text(), "/keys/revoke");
    body.set("id", aliceKey);
    const foreign = await browser.ask("POST", "/keys/revoke", { body });
    expect(foreign.status).toBe(400);
    expect(await foreign.text()).toContain("there is no access key");

    const own = await browser.submit(await browser.open("/keys"), "/keys/revoke");
    expect(own.headers.get("location")).toBe("/keys");
    expect(await (await browser.open("/keys")).text()).not.toContain("Your keys");
    expect(await (await other.open("/keys")).text()).toContain(aliceKey);
  });

  test.each([
    [{ repositories: "../x", days: "7" }, "x"],
    [{ action: "fly", days: "7" }, "fly"],
    [{ days: "never" }, "lives for a time"],
    [{ days: "" }, "lives for a time"],
    [{ days: "__proto__" }, "lives for a time"],
  ])("says what is wrong with %p, and makes nothing", async (values, words) => {
    await browser.logIn("bob", secrets.bob);

    const answer = await browser.submit(await browser.open("/keys"), "/keys", values);

    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain(words);
    expect(await (await browser.open("/keys")).text()).not.toContain("Your keys");
  });
});

test("UI-04 and UI-07: pages with forms are kept by nobody, framed by nobody, and send forms to the registry alone", async () => {
  await browser.logIn("bob", secrets.bob);
  const other = new TestBrowser(registry);
  const wrong = await other.logIn("bob", "wrong");

  for (const answer of [await other.open("/login"), wrong, await browser.open("/keys")]) {
    const { headers } = answer;
    const policy = headers.get("content-security-policy") ?? "";
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("x-frame-options")).toBe("DENY");
    for (const part of ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"])
      expect(policy).toContain(part);
    expect(policy).not.toContain("unsafe");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
    expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  }
});

test("LOG-02: neither passwords nor ids, tokens and keys of pages are logged", async () => {
  await browser.logIn("bob", secrets.bob);
  const text = await (await browser.submit(await browser.open("/keys"), "/keys", { days: "7" })).text();
  await new TestBrowser(registry).logIn("bob", "canary-wrong");

  const [key = ""] = /dozo_\w{60,}/.exec(text) ?? [];
  const logged = registry.lines.join("\n");
  for (const secret of [secrets.bob, "canary", key, ...browser.cookies.values(), fieldsOf(text, "/keys").get("token")])
    expect(logged).not.toContain(secret ?? "nothing");
  expect(logged).toContain('"principal":"bob"');
});

const bob = {
  id: "01ARZ3NDEKTSV4RRFFQ69G5FAB",
  name: "bob",
  isAdmin: false,
  kind: "user",
  source: "dozo",
} as Parameters<TestRegistry["parts"]["ownKeys"]>[0];
