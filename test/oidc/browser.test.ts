import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { freePort } from "../certificates/pebble.ts";
import { makeSandbox, type Running } from "../cli/run-dozo.ts";
import { writeMultiPlatformLayout } from "../clients/content.ts";
import { logInAtCompany, startChromium } from "./chromium.ts";
import { client, type RunningProvider, startProvider } from "./provider.ts";

// A real provider, the real program, a real browser that verifies certificates, and skopeo with the key that was made on the page.

const sandbox = makeSandbox();
const password = "correct horse battery staple";
let registry: string;
let provider: RunningProvider;
let dozo: Running;
let browser: Browser;

const at = (path: string): string => `https://${registry}${path}`;

async function dozoSays(...words: readonly string[]): Promise<string> {
  const { code, out, err } = await sandbox.run([...words, "--data", sandbox.data]);
  if (code !== 0) throw new Error(`dozo ${words.join(" ")}: ${out}${err}`);
  return out;
}

beforeAll(async () => {
  const port = await freePort();
  registry = `127.0.0.1:${port}`;
  provider = await startProvider(at("/login/oidc/callback"));
  const files = { ca: join(sandbox.home, "provider.crt"), secret: join(sandbox.home, "secret") };
  writeFileSync(files.ca, provider.caPem);
  writeFileSync(files.secret, `${client.secret}\n`, { mode: 0o600 });
  const listen = ["--data", sandbox.data, "--listen", registry, "--password-stdin"];
  const login = ["--oidc-issuer", provider.issuer, "--oidc-client-id", client.id];
  const trust = ["--oidc-client-secret-file", files.secret, "--oidc-ca", files.ca];
  dozo = sandbox.start(["up", ...listen, ...login, ...trust], { input: password });
  await dozo.untilSaid(/docker push /);
  const { id } = (JSON.parse(await dozoSays("access", "list", "--json")) as { id: string }[])[0] ?? { id: "" };
  await dozoSays("access", "remove", id);
  await dozoSays("access", "allow", "oidc:developers", "pull,push", "team/**");
  const own = readFileSync(join(sandbox.data, "pki/root.crt"), "utf8");
  browser = await startChromium(join(sandbox.home, "chromium"), [own, provider.caPem]);
}, 60_000);

afterAll(async () => {
  await browser.close();
  await provider.stop();
  await sandbox.dispose();
});

/** A new browser window, with nothing kept, and what the browser has to say against the registry's pages. */
async function newContext(): Promise<{
  readonly context: BrowserContext;
  readonly page: Page;
  readonly faults: string[];
}> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("console", (message) => {
    if (message.location().url.startsWith(at(""))) faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(error.message));
  return { context, page, faults };
}

async function makeKey(page: Page, repositories: string): Promise<string> {
  await page.getByLabel("Repositories").fill(repositories);
  await page.getByRole("button", { name: "Make an access key" }).click();
  return page.locator("pre", { hasText: /^dozo_/ }).innerText();
}

/** Pushes an image with a name and a key as the password; answers what skopeo said where it was refused. */
function push(repository: string, name: string, key: string): string {
  const layout = join(sandbox.home, "image");
  writeMultiPlatformLayout(layout);
  const trust = ["--dest-cert-dir", join(sandbox.home, "trust")];
  const words = ["copy", "--quiet", "--all", ...trust, "--dest-creds", `${name}:${key}`];
  mkdirSync(join(sandbox.home, "trust"), { recursive: true });
  writeFileSync(join(sandbox.home, "trust/ca.crt"), readFileSync(join(sandbox.data, "pki/root.crt")));
  const target = `docker://${registry}/${repository}:v1`;
  const { status, stderr } = spawnSync("skopeo", [...words, `oci:${layout}:multi`, target], { encoding: "utf8" });
  return status === 0 ? "" : stderr;
}

describe("company login", () => {
  test("leads from a page over the provider to a key, and the key pushes what the groups allow", async () => {
    provider.users.set("subject-1", { name: "ann", groups: ["developers"] });
    const { context, page, faults } = await newContext();

    await page.goto(at("/keys"));
    expect(page.url()).toBe(at("/login?next=%2Fkeys"));
    await logInAtCompany(page, registry, "subject-1");
    expect(page.url()).toBe(at("/keys"));
    expect(await page.locator("main").innerText()).toContain("You are ann.");
    const key = await makeKey(page, "team/app");

    expect(push("team/app", "ann", key)).toBe("");
    expect(push("team/web", "ann", key)).toContain("403");
    expect(push("other/app", "ann", key)).toContain("403");
    await page.goto(at("/keys"));
    const listed = await page.locator("table").innerText();
    expect(listed).toContain(key.slice(5, 31));
    expect(listed).not.toContain(key);
    expect(listed).toMatch(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/);
    expect(faults).toEqual([]);

    // REV-03: the groups of the next login are the groups, and no others.
    provider.users.set("subject-1", { name: "ann", groups: ["sales"] });
    await page.getByRole("button", { name: "Log out" }).click();
    await page.goto(at("/login"));
    await page.getByRole("link", { name: /^Log in with localhost/ }).click();
    await page.waitForURL(at("/keys"));
    expect(push("team/app", "ann", key)).toContain("403");
    await context.close();
  }, 60_000);

  test("REV-04: is over for somebody who was removed, on every page and with every key, until that is taken back", async () => {
    provider.users.set("subject-4", { name: "dan", groups: ["developers"] });
    const { context, page } = await newContext();
    await page.goto(at("/login"));
    await logInAtCompany(page, registry, "subject-4");
    const key = await makeKey(page, "");
    expect(push("team/dan", "dan", key)).toBe("");
    expect(await dozoSays("user", "list")).toMatch(/^dan +company login +/m);

    await dozoSays("user", "remove", "dan");

    expect(push("team/dan", "dan", key)).toContain("unauthorized");
    await page.goto(at("/keys"));
    expect(page.url()).toBe(at("/login?next=%2Fkeys"));
    await page.getByRole("link", { name: /^Log in with localhost/ }).click();
    await page.getByText("an admin of this registry has removed dan").waitFor();
    expect(await dozoSays("user", "list")).toMatch(/^dan +company login, removed +/m);

    await dozoSays("user", "readmit", "dan");
    await page.goto(at("/login"));
    await page.getByRole("link", { name: /^Log in with localhost/ }).click();
    await page.getByText("You are dan.").waitFor();
    await context.close();
  }, 60_000);

  test("SES-05: keeps a cookie that no script and no other site has", async () => {
    provider.users.set("subject-2", { name: "bea", groups: [] });
    const { context, page } = await newContext();
    await page.goto(at("/login"));
    await logInAtCompany(page, registry, "subject-2");

    const session = (await context.cookies(at("/"))).find(({ name }) => name === "__Host-dozo-session");

    expect(session).toMatchObject({ secure: true, httpOnly: true, sameSite: "Strict", path: "/", expires: -1 });
    expect(await page.evaluate("document.cookie")).toBe("");
    await context.close();
  }, 30_000);
});

describe("with a password", () => {
  test("somebody logs in on the page, and is out when the password changes", async () => {
    const { context, page, faults } = await newContext();
    await page.goto(at("/login?next=/enroll/line"));

    await page.getByLabel("User").fill("admin");
    await page.getByLabel("Password").fill("wrong");
    await page.getByRole("button", { name: "Log in" }).click();
    expect(await page.locator("main").innerText()).toContain("the user name or the password is wrong");
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Log in" }).click();

    await page.waitForURL(at("/enroll/line"));
    expect(await page.locator("main").innerText()).toContain("makes the machine trust");
    expect(faults.filter((fault) => !fault.includes("403"))).toEqual([]);
    const words = ["user", "passwd", "admin", "--password-stdin", "--data", sandbox.data];
    await sandbox.run(words, { input: `${password} changed` });
    await page.goto(at("/keys"));
    expect(page.url()).toBe(at("/login?next=%2Fkeys"));
    await context.close();
  }, 30_000);
});

describe("UI-03: a page of another site", () => {
  let evil: Server;
  let evilAddress: string;

  beforeAll(async () => {
    evil = createServer((_, response) => {
      response.setHeader("content-type", "text/html");
      const form = (action: string): string =>
        `<form id="${action}" method="post" action="${at(action)}"><input name="days" value="90"><button>Win ${action}</button></form>`;
      const forms = ["/keys", "/logout", "/login", "/v2/team/app/blobs/uploads/"].map(form).join("");
      response.end(`${forms}<a href="${at("/keys")}">Look</a><img src="${at("/keys")}">`);
    });
    await new Promise<void>((resolve) => evil.listen(0, "127.0.0.1", resolve));
    evilAddress = `http://localhost:${(evil.address() as AddressInfo).port}/`;
  });

  afterAll(() => {
    evil.closeAllConnections();
    evil.close();
  });

  test("changes nothing in the registry of somebody who is logged in, and links to it all the same", async () => {
    provider.users.set("subject-3", { name: "eva", groups: [] });
    const { context, page } = await newContext();
    await page.goto(at("/login"));
    await logInAtCompany(page, registry, "subject-3");

    for (const action of ["/keys", "/logout", "/login", "/v2/team/app/blobs/uploads/"]) {
      await page.goto(evilAddress);
      const answer = page.waitForResponse((response) => response.url() === at(action));
      await page.getByRole("button", { name: `Win ${action}`, exact: true }).click();
      expect((await answer).status()).toBe(403);
    }

    await page.goto(evilAddress);
    await page.getByRole("link", { name: "Look" }).click();
    await page.getByText("You are eva.").waitFor();
    expect(await page.locator("table").count()).toBe(0);
    await context.close();
  }, 60_000);

  test("finds no window for a password when somebody opens an address of the registry", async () => {
    const { context, page } = await newContext();

    const answer = await page.goto(at("/v2/"));

    expect(answer?.status()).toBe(401);
    expect(answer?.headers()["www-authenticate"]).toBeUndefined();
    await context.close();
  }, 30_000);
});

test("LOG-02: what was secret in all this stands in no log line", () => {
  expect(dozo.text()).not.toMatch(/canary|code=|dozo_[0-9A-Z]{26}_/);
});
