import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
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

function certutil(store: string, words: readonly string[]): void {
  const { status, stderr } = spawnSync("certutil", ["-d", `sql:${store}`, ...words], { encoding: "utf8" });
  if (status !== 0) throw new Error(`certutil ${words.join(" ")}: ${stderr}`);
}
