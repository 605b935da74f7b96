import { describe, expect, test } from "bun:test";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");

// Without verification curl may fetch only what it was given the key of, or what is compared afterwards with a fingerprint.
const curlWithoutVerification = /\bcurl\b[^\n|;]*?\s(?:--insecure\b|-[a-zA-Z]*k[a-zA-Z]*\s)[^\n]*/g;

function productFiles(): readonly string[] {
  return globSync("src/**/*.{ts,sh,ps1}", { cwd: root }).filter((file) => !file.endsWith(".test.ts"));
}

/** Without comments, so that a warning is no offence. */
function codeOf(file: string): string {
  const text = readFileSync(join(root, file), "utf8");
  return file.endsWith(".ts")
    ? new Bun.Transpiler({ loader: "ts" }).transformSync(text)
    : text.replaceAll(/^\s*#.*$/gm, "");
}

// What the product's own connections do stands in test/architecture.test.ts.
describe("TLS-08: verification", () => {
  test("is left out of a line for curl with the key's pin, or for what is compared with a fingerprint", () => {
    const offences = productFiles().flatMap((file) =>
      [...codeOf(file).matchAll(curlWithoutVerification)]
        .map(([line]) => line)
        .filter((line) => !line.includes("--pinnedpubkey") && !/\/ca\.crt/.test(line))
        .map((line) => `${file}: ${line}`),
    );

    expect(offences).toEqual([]);
  });

  test.each(["up", "serve", "status", "doctor localhost:1"])(
    "switched off in the environment stops dozo %s before it does anything",
    async (command) => {
      const child = Bun.spawn([join(root, "dozo"), ...command.split(" ")], {
        env: { PATH: process.env["PATH"] ?? "", HOME: "/nowhere/at/all", NODE_TLS_REJECT_UNAUTHORIZED: "0" },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
      });

      expect(await new Response(child.stderr).text()).toContain("unset NODE_TLS_REJECT_UNAUTHORIZED");
      expect(await child.exited).toBe(1);
    },
  );
});
