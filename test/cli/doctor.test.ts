import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { makeSandbox, type Sandbox } from "./run-dozo.ts";

let sandbox: Sandbox;
let server: Server | undefined;

beforeEach(() => {
  sandbox = makeSandbox();
});

afterEach(async () => {
  server?.close();
  server = undefined;
  await sandbox.dispose();
});

async function plainServer(): Promise<string> {
  server = createServer((socket) => {
    socket.on("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")).on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const place = server.address();
  return `127.0.0.1:${typeof place === "object" && place !== null ? place.port : 0}`;
}

describe("dozo doctor", () => {
  test("ends with 1 for an error, with what is wrong, why, and what mends it, and no colours in a pipe", async () => {
    const registry = await plainServer();

    const { code, out, err } = await sandbox.run(["doctor", registry]);

    expect(code).toBe(1);
    expect(out).toContain(`error: ${registry} speaks plain HTTP, without TLS.\n  why  Clients refuse it`);
    expect(out).toMatch(/\n {2}fix {2}\S/);
    expect(out).not.toContain("\u001b[");
    expect(err).toBe("");
  });

  test("prints one JSON document with stable ids, and all that it looked at", async () => {
    const { code, out } = await sandbox.run(["doctor", await plainServer(), "--json"]);

    const { isHealthy, findings, examinations } = JSON.parse(out) as {
      readonly isHealthy: boolean;
      readonly findings: readonly { readonly id: string; readonly severity: string }[];
      readonly examinations: readonly { readonly subject: string }[];
    };
    expect(code).toBe(1);
    expect(isHealthy).toBe(false);
    expect(findings[0]).toMatchObject({ id: "plain-http", severity: "error" });
    expect(examinations.map(({ subject }) => subject).slice(0, 3)).toEqual(["name", "port", "TLS"]);
  });

  test.each([
    ["a registry with a scheme", ["doctor", "https://registry.lan"], "leave out https://"],
    ["a password without a user", ["doctor", "registry.lan", "--password-stdin"], "--user and --password-stdin"],
    ["a large upload without a login", ["doctor", "registry.lan", "--large-upload"], "an upload needs a login"],
  ])("ends with 2 for %s", async (_, words, said) => {
    const { code, err } = await sandbox.run(words);

    expect(code).toBe(2);
    expect(err).toContain(said);
  });

  test("says where no registry is what would make one", async () => {
    const { code, out } = await sandbox.run(["doctor", "--data", sandbox.data]);

    expect(code).toBe(1);
    expect(out).toContain(`There is no registry in the data folder ${sandbox.data}.`);
    expect(out).toContain(`up --data ${sandbox.data} makes one`);
  });

  test("takes over the flags of the server that runs, and shows on request what is right", async () => {
    const running = sandbox.start([
      "up",
      "--data",
      sandbox.data,
      "--listen",
      "127.0.0.1:0",
      "--host",
      "registry.dozo.invalid",
    ]);
    await running.untilSaid(/docker push/);

    const { out } = await sandbox.run(["doctor", "--data", sandbox.data, "--verbose"]);

    expect(out).toContain("The name registry.dozo.invalid, which clients are to use, does not lead to this machine.");
    expect(out).toMatch(/fine: server +runs \(process [0-9]+\)/);
    expect(out).toMatch(/fine: by its address: certificate +/);
  });
});
