import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Ended, makeSandbox, type Running, type Sandbox } from "./run-dozo.ts";

setDefaultTimeout(120_000);

interface ListedKey {
  readonly id: string;
  readonly for: string;
  readonly grants: unknown;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
}

describe("access keys on the command line", () => {
  let sandbox: Sandbox;
  let running: Running;
  let port: string;

  beforeAll(async () => {
    sandbox = makeSandbox();
    const listen = ["--listen", "http://127.0.0.1:0", "--host", "registry.example.com"];
    const words = ["up", "--data", sandbox.data, ...listen, "--password-stdin", "--log-level", "error"];
    running = sandbox.start(words, { input: "first secret" });
    await running.untilSaid(/docker push/);
    port = /(?:127\.0\.0\.1|localhost):([0-9]+)/.exec(running.text())?.[1] ?? "";
  });
  afterAll(() => sandbox.dispose());

  function dozo(...words: readonly string[]): Promise<Ended> {
    return sandbox.run([...words, "--data", sandbox.data]);
  }

  async function list(): Promise<readonly ListedKey[]> {
    return JSON.parse((await dozo("key", "list", "--json")).out) as ListedKey[];
  }

  async function statusWith(key: string): Promise<number> {
    const headers = { authorization: `Bearer ${key}` };
    return (await fetch(`http://127.0.0.1:${port}/v2/`, { headers })).status;
  }

  test("are made, alone on standard output, listed and revoked while the server runs", async () => {
    const made = await dozo(
      "key",
      "create",
      "--for",
      "admin",
      "--repositories",
      "team/*,infra/**",
      "--allow",
      "pull,push",
    );
    expect(made.code).toBe(0);
    const key = made.out.trim();
    expect(key).toMatch(/^dozo_[0-9A-Z]{26}_[0-9A-Za-z]{49}$/);
    expect(made.err).toContain("for admin, pull,push in team/*,infra/**, until 20");
    expect(made.err).toContain("docker login -u admin ");
    expect(await statusWith(key)).toBe(200);
    const [listed] = await list();
    expect(listed).toMatchObject({ for: "admin", grants: [{ repositories: "team/*" }, { repositories: "infra/**" }] });
    expect(listed?.lastUsedAt).not.toBeNull();
    const days = (Date.parse(listed?.expiresAt ?? "") - Date.now()) / 86_400_000;
    expect(Math.round(days)).toBe(90);
    const table = (await dozo("key", "list")).out;
    expect(table).toMatch(/admin +pull,push in team\/\*,infra\/\*\* +20/);
    expect(Math.max(...table.split("\n").map((line) => line.length))).toBeLessThanOrEqual(132);

    const revoked = await dozo("key", "revoke", key.slice(0, 40));

    expect(revoked.out).toBe(`revoked ${listed?.id ?? ""}\n`);
    expect(await statusWith(key)).toBe(401);
    expect(await list()).toEqual([]);
  });

  test("are in the record when they are made, used and revoked, by their ids alone", async () => {
    const made = JSON.parse((await dozo("key", "create", "--for", "admin", "--json")).out) as {
      id: string;
      key: string;
    };
    expect(await statusWith(made.key)).toBe(200);
    expect((await dozo("key", "revoke", made.id)).code).toBe(0);

    const { out } = await dozo("audit", "--json");

    const events = JSON.parse(out) as { action: string; object?: string; credentialId?: string }[];
    const about = events.filter((event) =>
      [`key ${made.id}`, made.id].includes(event.object ?? event.credentialId ?? ""),
    );
    expect(about.map(({ action }) => action).toSorted()).toEqual(["create key", "log in", "revoke key"]);
    expect(out).not.toContain(made.key.slice(40));
  });

  test("are refused in words that help", async () => {
    const failures: readonly (readonly [readonly string[], number, string])[] = [
      [["create"], 2, "--for"],
      [["create", "--for", "nobody"], 1, "nobody"],
      [["create", "--for", "admin", "--expires", "soon"], 2, "12h, 90d or 8w, or never"],
      [["create", "--for", "admin", "--allow", "fly"], 1, "pull, push, overwrite, delete"],
      [["create", "--for", "admin", "--repositories", "Team"], 1, "team/*"],
      [["revoke"], 2, "dozo key list"],
      [["revoke", "01KB2NHQZJ8F6R5MKWX0C3V9TD"], 1, "there is no access key"],
      [["revoke", "--for", "admin"], 1, "there is no access key for admin"],
    ];
    for (const [words, code, text] of failures) {
      const ended = await dozo("key", ...words);
      expect(ended.err).toContain(text);
      expect(ended.code).toBe(code);
    }
    expect(await list()).toEqual([]);
  });

  test("are made and revoked while no server runs, and hold when it runs again", async () => {
    running.child.kill("SIGINT");
    await running.ended;
    const made = JSON.parse((await dozo("key", "create", "--for", "admin", "--expires", "never", "--json")).out) as {
      key: string;
      expiresAt: null;
    };
    expect(made.expiresAt).toBeNull();
    const other = JSON.parse((await dozo("key", "create", "--for", "admin", "--json")).out) as {
      id: string;
      key: string;
    };
    expect((await dozo("key", "revoke", other.id)).code).toBe(0);

    const words = [
      "serve",
      "--data",
      sandbox.data,
      "--listen",
      `http://127.0.0.1:${port}`,
      "--host",
      "registry.example.com",
    ];
    running = sandbox.start(words);
    await running.untilSaid(/serves at/);

    expect(await statusWith(made.key)).toBe(200);
    expect(await statusWith(other.key)).toBe(401);
  });
});
