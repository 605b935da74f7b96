import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { makeSandbox, type Running, type Sandbox } from "./run-dozo.ts";

setDefaultTimeout(120_000);

interface Event {
  readonly kind: string;
  readonly action: string;
  readonly outcome: string;
  readonly name?: string;
  readonly repository?: string;
  readonly tag?: string;
  readonly digest?: string;
  readonly object?: string;
  readonly addresses: readonly string[];
  readonly credentialKind: string;
  readonly count: number;
}

const config = "{}";
const configDigest = digestOf(config);
const image = JSON.stringify({
  schemaVersion: 2,
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: configDigest, size: config.length },
  layers: [],
});

function digestOf(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

describe("the record of what happened", () => {
  let sandbox: Sandbox;
  let running: Running;
  let url: string;
  let jsonLines: string;

  beforeAll(async () => {
    sandbox = makeSandbox();
    jsonLines = join(sandbox.home, "audit.jsonl");
    await start();
    await run("user", "add", "bob", "--password-stdin");
  });
  afterAll(() => sandbox.dispose());

  async function start(...more: readonly string[]): Promise<void> {
    const words = ["up", "--data", sandbox.data, "--listen", "http://127.0.0.1:0", "--password-stdin", ...more];
    running = sandbox.start([...words, "--audit-file", jsonLines], { input: "first secret" });
    const [, address = ""] = await running.untilSaid(/docker push (\S+)\/first-image/);
    url = `http://${address}`;
  }

  async function run(...words: readonly string[]): Promise<string> {
    const { code, out, err } = await sandbox.run([...words, "--data", sandbox.data], { input: "another secret" });
    expect(err).toBe("");
    expect(code).toBe(0);
    return out;
  }

  async function listed(...words: readonly string[]): Promise<readonly Event[]> {
    return JSON.parse(await run("audit", "--json", ...words)) as readonly Event[];
  }

  async function ask(method: string, path: string, who: string | undefined, body?: string): Promise<number> {
    const headers: Record<string, string> = { "content-type": "application/vnd.oci.image.manifest.v1+json" };
    if (who !== undefined) headers["authorization"] = `Basic ${btoa(who)}`;
    const response = await fetch(`${url}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
    await response.arrayBuffer();
    return response.status;
  }

  const admin = "admin:first secret";
  const bob = "bob:another secret";

  /** Waits until the record's database has so many events of a kind, as another process sees it. */
  async function untilWritten(kind: string, count: number): Promise<void> {
    const db = new Database(join(sandbox.data, "audit.db"), { readonly: true });
    const query = db.query<{ count: number }, [string]>("SELECT count(*) AS count FROM events WHERE kind = ?1");
    while ((query.get(kind)?.count ?? 0) < count) await new Promise((resolve) => setTimeout(resolve, 10));
    db.close();
  }

  test("LOG-03: has the login, push, pull, refusal, deletion and change, with who, what, from where and with what, also after kill -9", async () => {
    expect(await ask("POST", `/v2/team/app/blobs/uploads/?digest=${configDigest}`, bob, config)).toBe(201);
    expect(await ask("PUT", "/v2/team/app/manifests/v1", bob, image)).toBe(201);
    for (let count = 0; count < 20; count += 1) expect(await ask("GET", "/v2/team/app/manifests/v1", bob)).toBe(200);
    expect(await ask("GET", "/v2/team/app/manifests/v1", "bob:wrong canary-password")).toBe(401);
    expect(await ask("GET", "/v2/team/app/manifests/v1", "canary-typed-as-name:x")).toBe(401);
    expect(await ask("DELETE", "/v2/team/app/manifests/v1", bob)).toBe(403);
    expect(await ask("DELETE", "/v2/team/app/manifests/v1", admin)).toBe(202);
    await untilWritten("refusal", 3);
    await untilWritten("change", 3);

    process.kill(running.pid, "SIGKILL");
    await running.ended;

    const events = await listed();
    const shown = events.map(({ kind, action, outcome, name, repository, tag, object, credentialKind }) =>
      [kind, action, outcome, name, repository, tag, object, credentialKind].filter(Boolean).join(" "),
    );
    expect(shown).toEqual([
      "change add user done operator user admin command",
      "change add user done operator user bob command",
      "login log in done bob password",
      "push push done bob team/app v1 password",
      "pull pull done bob team/app v1 password",
      "refusal log in refused bob none",
      "refusal log in refused none",
      "refusal delete refused bob team/app v1 password",
      "login log in done admin password",
      "change delete done admin team/app v1 password",
    ]);
    for (const { addresses, credentialKind } of events)
      expect(addresses).toEqual(credentialKind === "command" ? [] : ["127.0.0.1"]);
    expect(events.find(({ kind }) => kind === "pull")?.digest).toBe(digestOf(image));
  });

  test("can be asked for a user, a kind, a repository, an outcome and a time", async () => {
    expect(await listed("--who", "bob", "--what", "refusal")).toHaveLength(2);
    expect(await listed("--repository", "team/*", "--outcome", "done")).toHaveLength(3);
    expect(await listed("--digest", configDigest)).toMatchObject([{ action: "begin upload" }]);
    expect((await listed("--since", "1h", "--limit", "100")).at(-1)).toMatchObject({ action: "delete" });
    const newest = await sandbox.run(["audit", "--data", sandbox.data, "--limit", "1", "--json"]);
    expect(JSON.parse(newest.out)).toMatchObject([{ action: "delete" }]);
    expect(newest.err).toContain("there may be more: --limit 10");
    expect(await listed("--until", "1h")).toEqual([]);
    expect((await sandbox.run(["audit", "--data", sandbox.data, "--since", "yesterday"])).code).toBe(2);
    expect(await run("audit", "--what", "pull")).toContain("team/app:v1@sha256:");
  });

  test("goes on after a start, counts to the end, and has the settings that changed", async () => {
    await start("--log-level", "error", "--audit-days", "30");
    await ask("PUT", "/v2/team/app/manifests/v1", bob, image);
    for (let count = 0; count < 50; count += 1) await ask("HEAD", "/v2/team/app/manifests/v1", bob);

    const pulls = await listed("--what", "pull");

    expect(pulls.at(-1)?.count).toBe(50);
    const changes = (await run("audit", "--what", "change settings")).split("\n");
    expect(changes[1]).toContain("auditDays: 90 to 30");
    expect(await run("status")).toMatch(/^record +[0-9.]+ KiB, kept for 30 days$/m);
  });

  test("knows which images nobody pulls, and says from when on it does", async () => {
    const { out, err } = await sandbox.run(["audit", "unused", "--json", "--data", sandbox.data]);

    expect(JSON.parse(out)).toMatchObject({ images: [], hasMore: false });
    expect(err).toContain("the record has every pull since ");
    expect((await sandbox.run(["audit", "unused", "--days", "none", "--data", sandbox.data])).code).toBe(2);
  });

  test("LOG-02: has no password in it, neither a wrong one nor one that was written as a name", async () => {
    running.child.kill("SIGTERM");
    await running.ended;
    for (const file of [join(sandbox.data, "audit.db"), jsonLines]) {
      const text = readFileSync(file, "latin1");
      for (const secret of ["first secret", "another secret", "canary"]) expect(text).not.toContain(secret);
    }
  });

  test("is written to a file as JSON lines too, each event once, when the server stops in good order", async () => {
    const lines = readFileSync(jsonLines, "utf8").trimEnd().split("\n");
    const events = lines.map((line) => JSON.parse(line) as Event & { readonly id: number });

    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    expect(events.filter(({ kind }) => kind === "pull").map(({ count }) => count)).toEqual([50]);
    expect(events.map(({ action }) => action)).toContain("add user");
    expect(statSync(jsonLines).mode & 0o777).toBe(0o600);
  });
});
