import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { freePort } from "../certificates/pebble.ts";
import { makeSandbox, type Sandbox } from "../cli/run-dozo.ts";
import { LocalPage } from "../how-to/local-page.ts";
import { blocksOf } from "../how-to/page.ts";
import { logInAtCompany, startChromium } from "./chromium.ts";
import { client, type RunningProvider, startProvider } from "./provider.ts";

// docs/how-to/oidc.md, followed to the letter: a registry as people start it, a provider, a browser and a client.

setDefaultTimeout(120_000);

let sandbox: Sandbox;
let provider: RunningProvider;
let browser: Browser;
let page: LocalPage;
let registry: string;

beforeAll(async () => {
  sandbox = makeSandbox();
  registry = `127.0.0.1:${await freePort()}`;
  const text = readFileSync(join(import.meta.dir, "../../docs/how-to/oidc.md"), "utf8");
  const [, redirect = ""] = /^ {4}https:\/\/registry\.example\.com(\/\S+)$/m.exec(text) ?? [];
  provider = await startProvider(`https://${registry}${redirect}`);
  const places = [
    ["https://login.example.com", provider.issuer],
    ["registry.example.com", registry],
    ["'the secret'", client.secret],
  ] as const;
  page = new LocalPage("oidc.md", sandbox, new Map(places));
  writeFileSync(join(page.folder, "login-ca.crt"), provider.caPem);
  for (const line of page.commands("registry", /oidc-secret/)) page.run(line);
  await page.start("--listen", registry).untilSaid(/docker push /);
  const own = readFileSync(join(sandbox.data, "pki/root.crt"), "utf8");
  browser = await startChromium(join(sandbox.home, "chromium"), [own, provider.caPem]);
});

afterAll(async () => {
  await browser?.close();
  await provider?.stop();
  await sandbox.dispose();
});

/** What the page says for a person's machine, with a key typed as the password. The authority is trusted by a folder of the test's. */
function logIn(key: string): string {
  const folder = join(sandbox.home, "certs");
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(sandbox.data, "pki/root.crt"), join(folder, "ca.crt"));
  const trusting = `skopeo login --cert-dir ${folder} --password-stdin`;
  const lines = page.commands("laptop", /^skopeo login /);
  return lines.map((line) => page.run(line.replace("skopeo login", trusting), key)).join("");
}

async function makeKey(window: Page): Promise<string> {
  await window.goto(page.here("https://registry.example.com/keys"));
  await window.getByRole("button", { name: "Make an access key" }).click();
  return window.locator("pre", { hasText: /^dozo_/ }).innerText();
}

test("the page's commands do what it says, and a client logs in with the key that was made on the page", async () => {
  provider.users.set("subject-1", { name: "ann", groups: ["developers"] });
  const [rule = "", list = ""] = page.commands("registry", /^dozo access /);
  expect(page.run(rule)).toContain("oidc:developers may pull, push in team/**");
  expect(page.run(list)).toMatch(/allow +oidc:developers +pull,push +team\/\*\*/);

  const window = await browser.newPage();
  await window.goto(page.here("https://registry.example.com/login"));
  await logInAtCompany(window, registry, "subject-1");
  const key = await makeKey(window);
  expect(logIn(key)).toContain("Login Succeeded");

  const [users = "", remove = "", readmit = ""] = page.commands("registry", /^dozo user /);
  expect(page.run(users)).toMatch(/^ann +company login/m);
  page.run(remove);
  expect(() => logIn(key)).toThrow(/unauthorized|invalid username/);
  page.run(readmit);
  await window.goto(page.here("https://registry.example.com/login"));
  await window.getByRole("link", { name: /^Log in with / }).click();
  await window.getByText("You are ann.").waitFor();
  expect(logIn(await makeKey(window))).toContain("Login Succeeded");
});

test("the page has no command that was not run", () => {
  const commands = blocksOf("oidc.md").flatMap((block) => block.commands);
  expect(commands.filter((line) => !/oidc-secret|^dozo (?:access|user) |^skopeo login /.test(line))).toEqual([]);
});
