import "reflect-metadata";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createAuthority, createServerKey, issueServerCertificate } from "./certificate-authority.ts";
import { describeCertificate, plainFingerprint } from "./certificate.ts";
import { trustLine } from "./trust-line.ts";

const canRun = ["curl", "sed", "base64", "sha256sum"].every((program) => Bun.which(program) !== null);
const scope = { hostNames: [], suffixes: [], publicAddresses: [] };

let caPem: string;
let otherPem: string;
let folder: string;
let certificatesFolder: string;

beforeAll(async () => {
  caPem = (await createAuthority(scope, Date.now())).rootPem;
  otherPem = (await createAuthority(scope, Date.now())).rootPem;
});

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

async function run(line: string): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const shell = Bun.spawn(["sh", "-c", line], {
    env: { ...process.env, PATH: `${join(folder, "bin")}:${process.env["PATH"]}` },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([new Response(shell.stdout).text(), new Response(shell.stderr).text()]);
  return { exitCode: await shell.exited, stdout, stderr };
}

async function runAgainst(body: string): Promise<Awaited<ReturnType<typeof run>> & { registry: string }> {
  const server = await startServer(body);
  const result = await run(trustLine({ registry: server.registry, caPem, certificatesFolder }));
  await server.stop();
  return { ...result, registry: server.registry };
}

describe.if(canRun)("the line that makes a client trust the registry", () => {
  test("installs the certificate where Docker looks for it, and says so", async () => {
    const { registry, ...result } = await runAgainst(caPem);

    expect(result).toEqual({ exitCode: 0, stdout: `trusted: ${registry}\n`, stderr: "" });
    const file = join(certificatesFolder, registry, "ca.crt");
    const installed = await readFile(file, "utf8");
    expect(new X509Certificate(installed).fingerprint256).toBe(new X509Certificate(caPem).fingerprint256);
    expect((await stat(file)).mode & 0o777).toBe(0o644);
  });

  test("contains the fingerprint that the banner shows", () => {
    const fingerprint = plainFingerprint(describeCertificate(caPem).fingerprint);
    expect(trustLine({ registry: "reg", caPem })).toContain(fingerprint);
  });

  test("installs nothing, and says so, when another certificate is served", async () => {
    const result = await runAgainst(otherPem);

    expect(result).toMatchObject({ exitCode: 1, stdout: "" });
    expect(result.stderr).toBe("this is not the registry the line came from: copy it again from its banner\n");
    expect(await readdir(folder)).toEqual(["bin"]);
  });

  const additions: readonly (readonly [string, () => string])[] = [
    ["behind it", () => `${caPem}${otherPem}`],
    ["in front of it", () => `${otherPem}${caPem}`],
    ["behind something that ends the decoding", () => `${caPem}!\n${otherPem}`],
    ["as plain text", () => `${caPem}\nanother\n`],
  ];
  test.each(additions)("never installs what stands %s", async (_, body) => {
    const { exitCode, registry } = await runAgainst(body());

    if (exitCode !== 0) {
      expect(await readdir(folder)).toEqual(["bin"]);
      return;
    }
    const installed = await readFile(join(certificatesFolder, registry, "ca.crt"), "utf8");
    expect(installed.match(/BEGIN/g)).toHaveLength(1);
    expect(new X509Certificate(installed).fingerprint256).toBe(new X509Certificate(caPem).fingerprint256);
  });

  test("leaves no file and no folder when the server is down", async () => {
    const server = await startServer("");
    await server.stop();

    const result = await run(trustLine({ registry: server.registry, caPem, certificatesFolder }));

    expect(result).toMatchObject({ exitCode: 7, stdout: "" });
    expect(result.stderr).toContain("curl");
    expect(result.stderr).not.toContain("not the registry");
    expect(await readdir(folder)).toEqual(["bin"]);
  });
});

describe("the registry in the line", () => {
  test.each(["reg.example.com", "reg:5000", "10.0.0.1:5000", "[fd00::1]:5000", "my_host-1:443"])(
    "may be %s",
    (registry) => {
      expect(trustLine({ registry, caPem })).toContain(`https://${registry}/ca.crt`);
    },
  );

  test.each(["", "a b", "a;b", "a'b", "$(id)", "a/../b", "..", "-o", "a:b", "a:5000/x", "`id`", "a\nb"])(
    "may not be %p",
    (registry) => {
      expect(() => trustLine({ registry, caPem })).toThrow("HOST");
    },
  );
});
