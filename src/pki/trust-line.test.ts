import "reflect-metadata";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createAuthority, createServerKey, issueServerCertificate } from "./certificate-authority.ts";
import { trustLine } from "./trust-line.ts";

const canRun = Bun.which("curl") !== null && Bun.which("sha256sum") !== null;
const scope = { hostNames: [], suffixes: [], publicAddresses: [] };

let folder: string;
let certificatesFolder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "dozo-trust-"));
  certificatesFolder = join(folder, "certs.d");
  // A sudo that says yes, for those who run the tests without being root.
  await mkdir(join(folder, "bin"));
  await writeFile(join(folder, "bin", "sudo"), '#!/bin/sh\nexec "$@"\n');
  await chmod(join(folder, "bin", "sudo"), 0o755);
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function startServer(body: string): Promise<{ registry: string; stop: () => Promise<void> }> {
  const now = Date.now();
  const authority = await createAuthority(scope, now);
  const key = await createServerKey();
  const cert = await issueServerCertificate(authority, { names: ["localhost"], serverKeyPem: key, now });
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls: { cert, key },
    fetch: (request) =>
      new URL(request.url).pathname === "/ca.crt" ? new Response(body) : new Response("", { status: 404 }),
  });
  return { registry: `localhost:${server.port}`, stop: () => server.stop(true) };
}

async function run(line: string): Promise<{ exitCode: number; stderr: string }> {
  const shell = Bun.spawn(["sh", "-c", line], {
    env: { ...process.env, PATH: `${join(folder, "bin")}:${process.env["PATH"]}` },
    stdout: "pipe",
    stderr: "pipe",
  });
  return { exitCode: await shell.exited, stderr: await new Response(shell.stderr).text() };
}

async function leftovers(): Promise<readonly string[]> {
  return (await readdir("/tmp")).filter((name) => /^ca\.[A-Za-z0-9]{6}$/.test(name));
}

describe.if(canRun)("the line that makes a client trust the registry", () => {
  test("installs the certificate where Docker looks for it, and leaves nothing else", async () => {
    const before = await leftovers();
    const server = await startServer("the certificate\n");

    const result = await run(trustLine({ registry: server.registry, caPem: "the certificate\n", certificatesFolder }));
    await server.stop();

    expect(result).toEqual({ exitCode: 0, stderr: "" });
    expect(await readFile(join(certificatesFolder, server.registry, "ca.crt"), "utf8")).toBe("the certificate\n");
    expect(await leftovers()).toEqual(before);
  });

  test("installs nothing, and says so, when another certificate is served", async () => {
    const before = await leftovers();
    const server = await startServer("the certificate of somebody in between\n");

    const result = await run(trustLine({ registry: server.registry, caPem: "the certificate\n", certificatesFolder }));
    await server.stop();

    expect(result.exitCode).not.toBe(0);
    expect(result.stderr).toContain("did NOT match");
    expect(await readdir(folder)).toEqual(["bin"]);
    expect(await leftovers()).toEqual(before);
  });

  test("installs nothing when the certificate has something added to it", async () => {
    const server = await startServer("the certificate\nanother\n");

    const result = await run(trustLine({ registry: server.registry, caPem: "the certificate\n", certificatesFolder }));
    await server.stop();

    expect(result.exitCode).not.toBe(0);
    expect(await readdir(folder)).toEqual(["bin"]);
  });

  test("leaves no file and no folder when the server is down", async () => {
    const before = await leftovers();
    const server = await startServer("");
    await server.stop();

    const result = await run(trustLine({ registry: server.registry, caPem: "the certificate\n", certificatesFolder }));

    expect(result.exitCode).not.toBe(0);
    expect(result.stderr).toContain("curl");
    expect(await readdir(folder)).toEqual(["bin"]);
    expect(await leftovers()).toEqual(before);
  });
});

describe("the registry in the line", () => {
  test.each(["reg.example.com", "reg:5000", "10.0.0.1:5000", "[fd00::1]:5000", "my_host-1:443"])(
    "may be %s",
    (registry) => {
      expect(trustLine({ registry, caPem: "" })).toContain(`https://${registry}/ca.crt`);
    },
  );

  test.each(["", "a b", "a;b", "a'b", "$(id)", "a/../b", "..", "-o", "a:b", "a:5000/x", "`id`", "a\nb"])(
    "may not be %p",
    (registry) => {
      expect(() => trustLine({ registry, caPem: "" })).toThrow("HOST");
    },
  );
});
