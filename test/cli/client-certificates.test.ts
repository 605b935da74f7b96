import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Ended, makeSandbox, type Running, type Sandbox } from "./run-dozo.ts";

setDefaultTimeout(120_000);

describe("client certificates on the command line", () => {
  let sandbox: Sandbox;
  let running: Running;

  beforeAll(async () => {
    sandbox = makeSandbox();
    const words = ["up", "--data", sandbox.data, "--listen", "127.0.0.1:0", "--password-stdin", "--log-level", "error"];
    running = sandbox.start(words, { input: "first secret" });
    await running.untilSaid(/docker push/);
  });
  afterAll(() => sandbox.dispose());

  function dozo(words: string): Promise<Ended> {
    return sandbox.run([...words.split(" "), "--data", sandbox.data]);
  }

  async function states(): Promise<readonly string[]> {
    const { out } = await dozo("cert list --all --json");
    return (JSON.parse(out) as { userName: string; state: string }[]).map((each) => `${each.userName} ${each.state}`);
  }

  test("are issued, listed and revoked while the server runs and while it does not", async () => {
    const first = join(sandbox.home, "one");
    const issued = await dozo(`cert issue --client admin --out ${first} --json`);
    expect(issued.code).toBe(0);
    const { serial } = JSON.parse(issued.out) as { serial: string };
    expect(readdirSync(first).toSorted()).toEqual(["ca.crt", "client.cert", "client.key"]);
    expect(statSync(join(first, "client.key")).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(first, "ca.crt"), "utf8")).toBe(readFileSync(join(sandbox.data, "pki/root.crt"), "utf8"));

    running.child.kill("SIGINT");
    await running.ended;
    expect((await dozo(`cert issue --client admin --days 1 --out ${join(sandbox.home, "two")}`)).code).toBe(0);
    expect((await dozo(`cert revoke ${serial.toUpperCase()}`)).out).toBe(`revoked ${serial}\n`);
    expect(await states()).toEqual(["admin revoked", "admin valid"]);
    expect((await dozo("cert list")).out.split("\n")).toHaveLength(3);
    expect((await dozo("cert revoke --client admin")).code).toBe(0);
    expect(await states()).toEqual(["admin revoked", "admin revoked"]);
    expect((await dozo("cert revoke --client admin")).err).toContain("revoked already");
  });

  test("have one listener, which the banner, the state and the new certificate name", async () => {
    const other = makeSandbox();
    try {
      const out = join(other.home, "certs");
      const listeners = ["--listen", "127.0.0.1:0", "--listen", "mtls://127.0.0.1:0"];
      const words = ["up", "--data", other.data, ...listeners, "--password-stdin", "--log-level", "error"];
      const server = other.start(words, { input: "first secret" });
      const [, address] = await server.untilSaid(/come to (127\.0\.0\.1:[0-9]+): /);
      const state = JSON.parse((await other.run(["status", "--json", "--data", other.data])).out) as object;
      expect(state).toHaveProperty("clientCertificateAddress", address);
      expect((await other.run(["status", "--data", other.data])).out).toContain(`by certificate  ${address}\n`);
      const issued = await other.run(["cert", "issue", "--client", "admin", "--out", out, "--data", other.data]);
      expect(issued.out).toContain(`/etc/docker/certs.d/${address}\n`);
    } finally {
      await other.dispose();
    }
  });

  test("are made for users that exist, and never over a folder that is there", async () => {
    const unknown = await dozo(`cert issue --client nobody --out ${join(sandbox.home, "three")}`);
    expect(unknown.code).toBe(1);
    expect(unknown.err).toContain("there is no user nobody");
    const taken = await dozo(`cert issue --client admin --out ${sandbox.data}`);
    expect(taken.code).toBe(1);
    expect(taken.err).toContain("is there already");
    expect((await dozo("cert issue --client admin --dockerd host")).code).toBe(2);
    expect((await dozo("cert issue --client admin --days 0")).code).toBe(2);
    expect(readdirSync(sandbox.home)).not.toContain("three");
  });

  test("those for a Docker daemon need no registry", async () => {
    const folder = join(sandbox.home, "dockerd");
    const made = await sandbox.run(["cert", "issue", "--dockerd", "build.example.com,10.0.0.7", "--out", folder]);
    expect(made.code).toBe(0);
    expect(made.out.trim().split("\n").length).toBeLessThanOrEqual(5);
    expect(readdirSync(folder).toSorted()).toEqual([
      "ca.pem",
      "cert.pem",
      "key.pem",
      "server-cert.pem",
      "server-key.pem",
    ]);
    expect((await sandbox.run(["cert", "issue", "--dockerd", "not/a/name"])).code).toBe(2);
  });
});
