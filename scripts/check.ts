// The checks that need no running server: format, lint, types, unused code, and the direction of imports.
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const bin = (name: string): string => join(root, "node_modules/.bin", name);

const steps: readonly { readonly name: string; readonly command: readonly string[] }[] = [
  { name: "format", command: [bin("oxfmt"), "--check", "src", "test", "scripts", "bench"] },
  { name: "lint", command: [bin("oxlint"), "--type-aware", "--max-warnings=0"] },
  { name: "types", command: [bin("tsc"), "--noEmit"] },
  { name: "unused code", command: [bin("knip")] },
  { name: "architecture", command: [process.execPath, "test", "./test/architecture.test.ts"] },
];

let failed = 0;
for (const step of steps) {
  const begun = performance.now();
  const child = Bun.spawn([...step.command], { cwd: root, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const output = await Promise.all([child.stdout, child.stderr].map(async (stream) => new Response(stream).text()));
  const isGood = (await child.exited) === 0;
  if (!isGood) {
    failed += 1;
    process.stdout.write(output.join(""));
  }
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  process.stdout.write(`${step.name.padEnd(14)} ${isGood ? "passed" : "FAILED"}, ${seconds} s\n`);
}
process.exit(failed > 0 ? 1 : 0);
