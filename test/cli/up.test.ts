import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { makeSandbox, program, type Running, type Sandbox } from "./run-dozo.ts";

setDefaultTimeout(120_000);

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = makeSandbox();
});
afterEach(() => sandbox.dispose());

const bannerEnd = /docker push (\S+)\/first-image/;

function up(...words: readonly string[]): Running {
  return sandbox.start(["up", "--data", sandbox.data, "--listen", "127.0.0.1:0", "--log-level", "error", ...words]);
}

async function stop(running: Running): Promise<number | null> {
  running.child.kill("SIGTERM");
  return (await running.ended).code;
}

/** Whether a login works, with nothing of the machine's trust. */
async function login(registry: string, name: string, password: string): Promise<number> {
  const headers = { authorization: `Basic ${btoa(`${name}:${password}`)}` };
  const answer = await fetch(`https://${registry}/v2/`, { headers, tls: { rejectUnauthorized: false }, proxy: false });
  return answer.status;
}

function firstPassword(): string {
  return readFileSync(join(sandbox.data, "first-password"), "utf8").trim();
}

test("the first start makes everything, tests itself and prints at most 12 lines that name what to do", async () => {
  const running = up();
  const [, registry = ""] = await running.untilSaid(bannerEnd);
  await running.untilSaid(/until the first login/);

  const code = await stop(running);
  const { out } = await running.ended;
  const lines = out.trimEnd().split("\n");
  expect(code).toBe(0);
  expect(lines.length).toBeLessThanOrEqual(12);
  expect(out).toMatch(/^CA fingerprint \(SHA-256\): [0-9a-f]{64}$/m);
  expect(out).toStartWith(`dozo ${manifest.version} serves at https://${registry} (data: ${sandbox.data})\n`);
  expect(out).toContain(`docker login -u admin ${registry}`);
  expect(out).toContain(`docker tag first-image ${registry}/first-image\n`);
  expect(out).toContain(`\n\nThe password of admin is in ${sandbox.data}/first-password`);
  expect((await running.ended).err).toBe(
    `made a certificate authority in ${sandbox.data}/pki\nstopping after SIGTERM\nstopped\n`,
  );
  expect(out).not.toContain("Warning");
  expect(out).not.toContain(firstPassword());
});

test("folders are 0700 and files 0600, whatever the umask is", async () => {
  const command = ["sh", "-c", 'umask 000; exec "$0" "$@"', program] as const;
  const running = sandbox.start(["up", "--data", sandbox.data, "--listen", "127.0.0.1:0"], { command: [...command] });
  await running.untilSaid(/until the first login/);

  const entries = readdirSync(sandbox.data, { recursive: true, encoding: "utf8" });
  const wide = ["", ...entries].filter((name) => {
    const status = lstatSync(join(sandbox.data, name));
    return status.isSocket() ? false : (status.mode & 0o077) !== 0;
  });
  await stop(running);
  expect(wide).toEqual([]);
});

test("the self-test leaves no trace in the catalog, the history or the blobs", async () => {
  const running = up();
  const [, registry = ""] = await running.untilSaid(bannerEnd);
  await running.untilSaid(/until the first login/);

  const headers = { authorization: `Basic ${btoa(`admin:${firstPassword()}`)}` };
  const answer = await fetch(`https://${registry}/v2/_catalog`, {
    headers,
    tls: { rejectUnauthorized: false },
    proxy: false,
  });
  const catalog: unknown = await answer.json();
  const status = await sandbox.run(["status", "--data", sandbox.data, "--json"]);
  await stop(running);
  const files = readdirSync(join(sandbox.data, "blobs"), { recursive: true, withFileTypes: true });
  expect(catalog).toEqual({ repositories: [] });
  expect(JSON.parse(status.out)).toMatchObject({ repositories: 0, tags: 0, storedBytes: 0, users: 1, openUploads: 0 });
  expect(files.filter((each) => each.isFile())).toEqual([]);
});

test("what a killed self-test left is gone after the next start", async () => {
  const first = up();
  const [, registry = ""] = await first.untilSaid(bannerEnd);
  await first.untilSaid(/until the first login/);
  const digest = `sha256:${new Bun.CryptoHasher("sha256").update("x").digest("hex")}`;
  const answer = await fetch(`https://${registry}/v2/self-test/killed/blobs/uploads/?digest=${digest}`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`admin:${firstPassword()}`)}` },
    body: "x",
    tls: { rejectUnauthorized: false },
  });
  expect(answer.status).toBe(201);
  first.child.kill("SIGKILL");
  await first.ended;
  writeFileSync(join(sandbox.data, "run/self-test"), "self-test/killed");

  const second = up();
  await second.untilSaid(bannerEnd);
  const status = await sandbox.run(["status", "--data", sandbox.data, "--json"]);
  expect(JSON.parse(status.out)).toMatchObject({ storedBytes: 0, repositories: 0 });
  expect(existsSync(join(sandbox.data, "run/self-test"))).toBe(false);
  expect(await stop(second)).toBe(0);
});

test("AUTH-08: the password's file goes with the first login, and the password stays", async () => {
  const running = up();
  const [, registry = ""] = await running.untilSaid(bannerEnd);
  await running.untilSaid(/until the first login/);
  const password = firstPassword();

  expect(await login(registry, "admin", "wrong")).toBe(401);
  expect(existsSync(join(sandbox.data, "first-password"))).toBe(true);
  expect(await login(registry, "admin", password)).toBe(200);
  expect(existsSync(join(sandbox.data, "first-password"))).toBe(false);
  expect(await stop(running)).toBe(0);
  const again = up();
  const [, second = ""] = await again.untilSaid(bannerEnd);
  expect(await login(second, "admin", password)).toBe(200);
  await stop(again);
  expect((await again.ended).out).not.toContain("password");
});

test("AUTH-08: on a terminal the password is shown once and stands in no file", async () => {
  const line = `'${program}' up --data '${sandbox.data}' --listen 127.0.0.1:0 --log-level error`;
  const first = sandbox.start([], { command: ["script", "-qec", line, "/dev/null"] });
  const [, password = ""] = await first.untilSaid(/shown this once: (\S+)/);
  const [, registry = ""] = await first.untilSaid(bannerEnd);

  expect(await login(registry, "admin", password)).toBe(200);
  expect(existsSync(join(sandbox.data, "first-password"))).toBe(false);
  process.kill(Number(readFileSync(join(sandbox.data, "dozo.lock"), "utf8")), "SIGTERM");
  await first.ended;
  const second = sandbox.start([], { command: ["script", "-qec", line, "/dev/null"] });
  await second.untilSaid(bannerEnd);
  process.kill(Number(readFileSync(join(sandbox.data, "dozo.lock"), "utf8")), "SIGTERM");
  await second.ended;
  expect(second.text()).not.toContain("shown this once");
});

test("name and password of the first user can be given, and are not printed", async () => {
  const words = ["up", "--data", sandbox.data, "--listen", "127.0.0.1:0", "--user", "maria", "--password-stdin"];
  const running = sandbox.start(words, { input: "open sesame\n" });
  const [, registry = ""] = await running.untilSaid(bannerEnd);

  expect(await login(registry, "maria", "open sesame")).toBe(200);
  expect(existsSync(join(sandbox.data, "first-password"))).toBe(false);
  await stop(running);
  expect(running.text()).not.toContain("sesame");
});

test("a start that is killed at any moment is ended by the next one", async () => {
  // Real kills at different moments of the first start: what counts is that every next start goes on.
  for (let round = 0; round < 20; round++) {
    const running = up();
    const delayMs = 60 * (round + 1);
    const timer = setTimeout(() => running.child.kill("SIGKILL"), delayMs);
    await running.ended;
    clearTimeout(timer);
  }
  const running = up();
  const [, registry = ""] = await running.untilSaid(bannerEnd);
  await running.untilSaid(/until the first login/);

  expect(await login(registry, "admin", firstPassword())).toBe(200);
  expect(running.text()).not.toContain("Warning");
  const status = await sandbox.run(["status", "--data", sandbox.data, "--json"]);
  expect(JSON.parse(status.out)).toMatchObject({ users: 1, repositories: 0, storedBytes: 0 });
  expect(await stop(running)).toBe(0);
});

test("FS-04: a second process is refused with the number of the first, and a killed one blocks nothing", async () => {
  const first = up();
  await first.untilSaid(bannerEnd);

  const second = await up().ended;
  expect(second.code).toBe(1);
  expect(second.err).toContain(`process ${first.pid} works on the data folder`);
  first.child.kill("SIGKILL");
  await first.ended;
  const third = up();
  await third.untilSaid(bannerEnd);
  expect(await stop(third)).toBe(0);
});

test("serve on an empty folder is an error that names dozo up, and makes nothing", async () => {
  mkdirSync(sandbox.data);
  const { code, err } = await sandbox.run(["serve", "--data", sandbox.data]);

  expect(code).toBe(1);
  expect(err).toContain("dozo up");
  expect(readdirSync(sandbox.data)).toEqual([]);
});

test("serve does what up does once that has been there", async () => {
  const first = up();
  await first.untilSaid(/until the first login/);
  await stop(first);

  const running = sandbox.start(["serve", "--data", sandbox.data, "--listen", "127.0.0.1:0"]);
  const [, registry = ""] = await running.untilSaid(bannerEnd);
  expect(await login(registry, "admin", firstPassword())).toBe(200);
  expect(await stop(running)).toBe(0);
});

async function occupy(host: string, port: number): Promise<Server> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<Server>();
  server.once("error", reject);
  server.listen(port, host, () => resolve(server));
  return promise;
}

test("an address that this machine does not have is refused before anything is made, with those that it has", async () => {
  const { code, err } = await sandbox.run(["up", "--data", sandbox.data, "--listen", "203.0.113.9:5801"]);
  expect(code).toBe(1);
  expect(err).toContain("this machine has no address 203.0.113.9\n");
  expect(err).toContain("127.0.0.1");
  expect(existsSync(sandbox.data)).toBeFalse();
  const port = await sandbox.run(["up", "--data", sandbox.data, "--listen", "5801"]);
  expect(port.code).toBe(2);
  expect(port.err).toContain("0.0.0.0:5801");
});

test("where nothing listens on loopback the self-test is left out without alarm, and what tests instead is named", async () => {
  const socket = `unix:${join(sandbox.home, "registry.sock")}`;
  const running = sandbox.start(["up", "--data", sandbox.data, "--listen", socket, "--log-level", "error"]);
  await running.untilSaid(/until the first login/);
  expect(running.text()).toContain("The self-test was left out");
  expect(running.text()).toContain(`dozo doctor --data ${sandbox.data} tests.`);
});

test("an explicit port that is taken stops the start, and the message names who holds it", async () => {
  const holder = await occupy("127.0.0.1", 0);
  const { port } = holder.address() as { port: number };

  const { code, err } = await sandbox.run(["up", "--data", sandbox.data, "--listen", `127.0.0.1:${port}`]);
  holder.close();
  expect(code).toBe(1);
  expect(err).toContain(`port ${port} is taken by`);
  expect(err).toContain(`(process ${process.pid})`);
});

test("a port that was remembered is not left for another", async () => {
  const holder = await occupy("127.0.0.1", 0);
  const { port } = holder.address() as { port: number };
  mkdirSync(sandbox.data, { mode: 0o700 });
  writeFileSync(join(sandbox.data, "port"), `${port}\n`);

  const { code, err } = await sandbox.run(["up", "--data", sandbox.data]);
  holder.close();
  expect(code).toBe(1);
  expect(err).toContain(`port ${port} is taken by`);
});

test("a data folder whose path is too long for a socket still has its side door", async () => {
  const data = join(sandbox.home, "a".repeat(60), "b".repeat(60));
  const running = sandbox.start(["up", "--data", data, "--listen", "127.0.0.1:0"]);
  await running.untilSaid(bannerEnd);

  const status = await sandbox.run(["status", "--data", data, "--json"]);
  expect(JSON.parse(status.out)).toMatchObject({ pid: running.pid });
  expect(await stop(running)).toBe(0);
});

test("settings that are wrong end it with 2 and name the place", async () => {
  const file = join(sandbox.home, "dozo.yaml");
  writeFileSync(file, "user: admin\nlimits:\n  manifestBytes: 3\n");

  const { code, err } = await sandbox.run(["up", "--data", sandbox.data, "--config", file]);
  expect(code).toBe(2);
  expect(err).toContain(`${file}:3:18: limits.manifestBytes is 3: it has to be a whole number from 65536`);
  expect(existsSync(sandbox.data)).toBe(false);
});

test("an htpasswd file that is not there is said before anything is made", async () => {
  const { code, err } = await sandbox.run(["up", "--data", sandbox.data, "--htpasswd", "/nope/htpasswd"]);

  expect(code).toBe(1);
  expect(err).toStartWith("dozo: the htpasswd file /nope/htpasswd is not there\n");
  expect(existsSync(sandbox.data)).toBe(false);
});

test("a name that does not lead here yet is in a note", async () => {
  const running = up("--host", "not-yet.test");
  await running.untilSaid(/until the first login/);
  expect(await stop(running)).toBe(0);
  expect(running.text()).toContain("not-yet.test does not lead to this machine yet; its certificate is ready.\n");
});

test("behind a proxy the banner has the name that clients use, and says what the proxy passes on to", async () => {
  const words = ["up", "--data", sandbox.data, "--listen", "http://127.0.0.1:0", "--host", "registry.test"];
  const running = sandbox.start(words);
  await running.untilSaid(/until the first login/);
  expect(await stop(running)).toBe(0);
  const { out } = await running.ended;
  expect(out).toContain("serves at https://registry.test (data:");
  expect(out).toContain("docker push registry.test/first-image\n");
  expect(out).toMatch(/The proxy in front has to pass https:\/\/registry\.test on to http:\/\/127\.0\.0\.1:[1-9]\d+\./);
});

test("a container without a terminal says how to get a password there", async () => {
  const running = sandbox.start(["up", "--data", sandbox.data, "--listen", "127.0.0.1:0"], {
    environment: { container: "oci" },
  });
  await running.untilSaid(/docker exec -it CONTAINER dozo user passwd admin/);
  expect(await stop(running)).toBe(0);
});
