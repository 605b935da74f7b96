import { describe, expect, test } from "bun:test";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");

// TLS-08. Each file that may go on without the runtime's verdict, and what it does in its place.
const places: Readonly<Record<string, string>> = {
  "src/doctor/seen-chain.ts": "looks at a chain, whoever signed it, and hangs up",
  "src/http/client-certificate-listener.ts": "a server: judges the client's certificate itself, and answers in words",
};

const switches =
  /rejectUnauthorized\s*:\s*(?!true\b|!0)|\bNODE_TLS_REJECT_UNAUTHORIZED\b|checkServerIdentity\s*:|\bInsecureSkipVerify\b|--no-check-certificate|-SkipCertificateCheck/;
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

describe("TLS-08: the product's source", () => {
  test("switches no verification off, except where it verifies in another way", () => {
    const found = productFiles().filter((file) => switches.test(codeOf(file)));
    const inWords = ["src/cli/program.ts", "src/enrolment/clients/languages.ts"];

    expect(found.filter((file) => !inWords.includes(file)).toSorted()).toEqual(Object.keys(places).toSorted());
  });

  test("lets curl go unverified only with the key's pin, or for what is compared with a fingerprint", () => {
    const offences = productFiles().flatMap((file) =>
      [...codeOf(file).matchAll(curlWithoutVerification)]
        .map(([line]) => line)
        .filter((line) => !line.includes("--pinnedpubkey") && !/\/ca\.crt/.test(line))
        .map((line) => `${file}: ${line}`),
    );

    expect(offences).toEqual([]);
  });

  test.each(["up", "serve", "status", "doctor localhost:1"])(
    "refuses to run %s where the environment switches it off",
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
