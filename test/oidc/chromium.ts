import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { findProgram } from "../../scripts/suites.ts";

/** Starts Debian's Chromium with a home of its own, in which these authorities (PEM) are trusted, and verification is on. */
export async function startChromium(folder: string, authorities: readonly string[]): Promise<Browser> {
  const store = join(folder, ".pki/nssdb");
  mkdirSync(store, { recursive: true });
  certutil(store, ["-N", "--empty-password"]);
  for (const [index, pem] of authorities.entries()) {
    const file = join(folder, `authority${index}.pem`);
    writeFileSync(file, pem);
    certutil(store, ["-A", "-t", "C,,", "-n", `authority${index}`, "-i", file]);
  }
  const executablePath = findProgram("chromium");
  if (executablePath === undefined) throw new Error("chromium is missing: apt-get install chromium");
  const environment = { PATH: process.env["PATH"] ?? "", HOME: folder };
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--no-proxy-server"], env: environment });
}

/** From the registry's login page over the provider's pages back, as this subject of the provider. */
export async function logInAtCompany(page: Page, registry: string, subject: string): Promise<void> {
  await page.getByRole("link", { name: /^Log in with localhost/ }).click();
  await page.locator("[name=login]").fill(subject);
  await page.locator("[name=password]").fill("any");
  await page.getByRole("button", { name: "Sign-in" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.waitForURL((url) => url.host === registry && !url.pathname.startsWith("/login/oidc"));
}

function certutil(store: string, words: readonly string[]): void {
  const { status, stderr } = spawnSync("certutil", ["-d", `sql:${store}`, ...words], { encoding: "utf8" });
  if (status !== 0) throw new Error(`certutil ${words.join(" ")}: ${stderr}`);
}
