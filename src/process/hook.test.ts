import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Hook, runHook } from "./hook.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "dozo-hook-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Runs a shell script; answers why it failed. */
function run(script: string, more: Partial<Hook> = {}): Promise<string | undefined> {
  const program = join(folder, "hook");
  writeFileSync(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const { signal } = new AbortController();
  const hook = { program, arguments: ["set", "a b; exit 9"], environment: {}, timeoutMs: 60_000, signal, ...more };
  return runHook(hook).then(
    () => undefined,
    (error: Error) => error.message,
  );
}

function isRunning(pidFile: string): boolean {
  return existsSync(`/proc/${readFileSync(join(folder, pidFile), "utf8").trim()}`);
}

describe("a program of the operator's", () => {
  test("gets its arguments as they are", async () => {
    expect(await run(`test "$2" = "a b; exit 9"`)).toBeUndefined();
  });

  test("fails in its own words, of a flood the last", async () => {
    const reason = await run("head -c 3000000 /dev/zero | tr '\\0' x; echo no such zone; exit 3");

    expect(reason).toContain("failed with 3");
    expect(reason).toEndWith("no such zone");
    expect(reason?.length).toBeLessThan(1200);
  });

  test("is ended with all that it began when it lasts too long", async () => {
    const reason = await run(`echo $$ > ${folder}/shell; sleep 1000`, {
      timeoutMs: 500,
    });

    expect(reason).toContain("was ended by SIGKILL");
    expect(isRunning("shell")).toBeFalse();
  });

  test("is ended when the registry stops", async () => {
    expect(await run("kill -STOP $$", { signal: AbortSignal.timeout(100) })).toContain("was ended by SIGKILL");
    expect(await run("sleep 1000", { signal: AbortSignal.abort() })).toContain("was not run");
  });

  test("is not waited for by what it leaves running", async () => {
    expect(await run('sleep 1000 & echo $! > "$0.pid"; exit 0')).toBeUndefined();

    process.kill(Number(readFileSync(join(folder, "hook.pid"), "utf8")), "SIGKILL");
  });
});
