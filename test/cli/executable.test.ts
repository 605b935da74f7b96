import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeSandbox, type Sandbox } from "./run-dozo.ts";

setDefaultTimeout(240_000);

const root = join(import.meta.dir, "../..");
const executable = join(root, "dist/dozo");
let sandbox: Sandbox;

beforeAll(() => {
  sandbox = makeSandbox();
  const built = spawnSync(process.execPath, ["scripts/build.ts"], { cwd: root, encoding: "utf8" });
  expect(built.stderr + built.stdout).not.toContain("error:");
  expect(built.status).toBe(0);
});
afterAll(() => sandbox.dispose());

test("the executable finds its threads: it tests itself, and verifies a password of an htpasswd file", async () => {
  const htpasswd = join(sandbox.home, "htpasswd");
  writeFileSync(htpasswd, "sha:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n", { mode: 0o600 });
  const words = ["up", "--data", sandbox.data, "--listen", "127.0.0.1:0", "--htpasswd", htpasswd];
  const running = sandbox.start(words, { command: [executable] });
  const [, registry = ""] = await running.untilSaid(/docker push (\S+)\/first-image/);
  await running.untilSaid(/until the first login/);

  const passwords = { sha: "password", admin: readFileSync(join(sandbox.data, "first-password"), "utf8").trim() };
  for (const [name, password] of Object.entries(passwords)) {
    const headers = { authorization: `Basic ${btoa(`${name}:${password}`)}` };
    const answer = await fetch(`https://${registry}/v2/`, { headers, tls: { rejectUnauthorized: false } });
    expect(answer.status).toBe(200);
  }
  const status = await sandbox.run(["status", "--data", sandbox.data], { command: [executable] });
  expect(status.out).toContain(`runs (process ${running.pid})`);
  running.child.kill("SIGTERM");
  const { code, out } = await running.ended;
  expect(code).toBe(0);
  expect(out).not.toContain("Warning");
});

test("API-05: the executable has no parts of tests, and takes nothing from the folder that it is started in", async () => {
  const folder = join(sandbox.home, "somewhere");
  mkdirSync(folder);
  writeFileSync(join(folder, ".env"), "DOZO_LISTEN=http://192.0.2.1:1\nDOZO_LOG_LEVEL=nonsense\n");
  writeFileSync(join(folder, "bunfig.toml"), 'preload = ["./intruder.ts"]\n');
  writeFileSync(join(folder, "intruder.ts"), 'console.log("an intruder");\n');
  const program = readFileSync(executable, "latin1");

  const words = ["up", "--data", join(sandbox.home, "other"), "--listen", "http://127.0.0.1:0"];
  const running = sandbox.start(words, { command: ["env", "-C", folder, executable] });
  await running.untilSaid(/serves at/);
  // Other runtimes open a debugger when they are told so.
  running.child.kill("SIGUSR1");
  const { out, err } = await running.ended;

  expect(running.child.signalCode).toBe("SIGUSR1");
  expect(`${out}${err}`).not.toMatch(/intruder|inspector|debugger/i);
  expect(program).toContain("LocalAdministration");
  for (const part of ["MemoryMetadataStore", "describeAuditStore", "administrativeRequests"])
    expect(`${part} ${program.includes(part)}`).toBe(`${part} false`);
  expect(readdirSync(join(root, "dist")).filter((name) => name.endsWith(".map"))).toEqual([]);
});
