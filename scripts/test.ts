// Runs the suites one after the other, each in a process of its own, and ends with the real counts.
//
//   npm test                     everything this machine has the tools for
//   npm test -- clients unit     these suites; clients means all clients/...
//   npm test -- --strict         a skipped suite is a failure (CI=true does the same)
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { missingFor, suites, type Suite } from "./suites.ts";

interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const root = join(import.meta.dir, "..");
const scratch = mkdtempSync(join(tmpdir(), "dozo-test-"));
const longestSuiteMs = 900_000;

/** The counts of a JUnit file as `bun test` writes it; a suite that left none behind has failed as one. */
function readCounts(file: string, exitCode: number): Outcome {
  const head = existsSync(file) ? /<testsuites\b[^>]*>/.exec(readFileSync(file, "utf8"))?.[0] : undefined;
  const count = (name: string): number => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(head ?? "")?.[1] ?? 0);
  const failures = count("failures") + count("errors");
  const failed = exitCode !== 0 && failures === 0 ? 1 : failures;
  return { passed: count("tests") - failures - count("skipped"), failed, skipped: count("skipped") };
}

async function runSuite(suite: Suite): Promise<Outcome> {
  const report = join(scratch, `${suite.name.replaceAll("/", "-")}.xml`);
  const child = Bun.spawn(
    [process.execPath, "test", "--reporter=junit", `--reporter-outfile=${report}`, ...suite.paths],
    {
      cwd: root,
      stdin: "ignore",
      stdout: suite.showsFigures ? "inherit" : "pipe",
      stderr: suite.showsFigures ? "inherit" : "pipe",
      timeout: longestSuiteMs,
    },
  );
  const output = suite.showsFigures
    ? []
    : await Promise.all([child.stdout, child.stderr].map(async (stream) => new Response(stream).text()));
  const exitCode = await child.exited;
  if (exitCode !== 0) process.stdout.write(output.join(""));
  return readCounts(report, exitCode);
}

/** Test files that no suite would run. */
function forgottenTests(): string[] {
  const files = globSync(["src/**/*.test.ts", "test/**/*.test.ts", "bench/**/*.test.ts", "scripts/**/*.test.ts"], {
    cwd: root,
  });
  const covered = suites.flatMap((suite) => suite.paths).map((path) => relative(".", path));
  return files.filter((file) => !covered.some((path) => file === path || file.startsWith(`${path}/`)));
}

function isNamed(suite: Suite, name: string): boolean {
  return suite.name === name || suite.name.startsWith(`${name}/`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const names = process.argv.slice(2).filter((argument) => !argument.startsWith("-"));
const strict = process.argv.includes("--strict") || process.env["CI"] === "true";
const chosen = suites.filter((suite) => names.length === 0 || names.some((name) => isNamed(suite, name)));
if (chosen.length === 0) {
  say(`There is no suite ${names.join(", ")}. The suites are: ${suites.map((suite) => suite.name).join(", ")}.`);
  process.exit(2);
}

const total = { passed: 0, failed: 0, skipped: 0 };
const skips: string[] = [];
const started = performance.now();
for (const suite of chosen) {
  const missing = missingFor(suite);
  if (missing.length > 0) {
    total.skipped += 1;
    skips.push(...missing.map((line) => `${suite.name}: ${line}`));
    say(`${suite.name.padEnd(22)} skipped: ${missing.join("; ")}`);
    continue;
  }
  if (suite.showsFigures) say(`${suite.name} ...`);
  const begun = performance.now();
  const outcome = await runSuite(suite);
  total.passed += outcome.passed;
  total.failed += outcome.failed;
  total.skipped += outcome.skipped;
  if (outcome.skipped > 0) skips.push(`${suite.name}: ${outcome.skipped} of its tests, see its output`);
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  say(
    `${suite.name.padEnd(22)} ${outcome.passed} passed, ${outcome.failed} failed, ${outcome.skipped} skipped, ${seconds} s`,
  );
}
rmSync(scratch, { recursive: true, force: true });

const forgotten = forgottenTests();
for (const file of forgotten) say(`${file} belongs to no suite: add it to scripts/suites.ts`);
total.failed += forgotten.length;
if (skips.length > 0) {
  say(strict ? "\nSkipped, and --strict or CI=true makes that a failure:" : "\nSkipped:");
  for (const skip of new Set(skips)) say(`  ${skip}`);
}
say(`\nAll of it took ${((performance.now() - started) / 1000).toFixed(0)} s.`);
say(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed > 0 || (strict && total.skipped > 0) ? 1 : 0);
