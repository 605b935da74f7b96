import "reflect-metadata";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:tls";
import { createAuthority, createServerKey, issueServerCertificate } from "../pki/certificate-authority.ts";
import { type RegistryIdentity, registryIdentity } from "./identity.ts";
import { enrolmentLine, scriptEnd } from "./line.ts";

const canRun = Bun.which("curl") !== null;
let folder: string;
let body: string;
let tlsOptions: { cert: string; key: string };
let server: Bun.Server<undefined>;
let identity: RegistryIdentity;
/** The same address with the key of another server. */
let other: RegistryIdentity;

async function makeServer(): Promise<{ cert: string; key: string; caPem: string }> {
  const now = Date.now();
  const authority = await createAuthority({ hostNames: [], suffixes: [], publicAddresses: [] }, now);
  const key = await createServerKey();
  const cert = await issueServerCertificate(authority, { names: ["localhost"], serverKeyPem: key, now });
  return { cert, key, caPem: authority.rootPem };
}

beforeAll(async () => {
  const [real, foreign] = [await makeServer(), await makeServer()];
  tlsOptions = { cert: real.cert, key: real.key };
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls: tlsOptions,
    fetch: () => new Response(body),
  });
  const registry = `localhost:${server.port}`;
  identity = registryIdentity({ registry, caPem: real.caPem, certificatePem: real.cert });
  other = registryIdentity({ registry, caPem: foreign.caPem, certificatePem: foreign.cert });
});

afterAll(() => server.stop(true));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "dozo-line-"));
  await mkdir(join(folder, "tmp dir"));
  body = `echo ran "$#" "$*" >>'${folder}/ran'; cat; exit 7\n${scriptEnd}\n`;
});

afterEach(() => rm(folder, { recursive: true }));

/** A server with the right key that announces more than it sends. */
async function serveCut(): Promise<{ registry: string; stop: () => void }> {
  const cut = createServer(tlsOptions, (socket) =>
    socket.end(`HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n${body}`),
  );
  const { promise, resolve } = Promise.withResolvers<void>();
  cut.listen(0, "127.0.0.1", resolve);
  await promise;
  const { port } = cut.address() as AddressInfo;
  return { registry: `localhost:${port}`, stop: () => cut.close() };
}

async function run(line: string, more = ""): Promise<{ exitCode: number; said: string; ran: string; left: string[] }> {
  const shell = Bun.spawn(["sh", "-c", `${line}${more}`], {
    env: { HOME: folder, PATH: `${folder}/bin:${process.env["PATH"]}`, TMPDIR: join(folder, "tmp dir") },
    stdin: new Blob(["typed"]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([new Response(shell.stdout).text(), new Response(shell.stderr).text()]);
  const file = Bun.file(join(folder, "ran"));
  const ran = (await file.exists()) ? await file.text() : "";
  return { exitCode: await shell.exited, said: out + err, ran, left: await readdir(join(folder, "tmp dir")) };
}

describe.if(canRun)("the line", () => {
  test("runs what its server sent, with its words, standard input and exit code, and leaves nothing behind", async () => {
    expect(await run(enrolmentLine(identity), " --dry-run 'two words'")).toEqual({
      exitCode: 7,
      said: "typed",
      ran: "ran 2 --dry-run two words\n",
      left: [],
    });
  });

  test("is one line that a shell can be given, whichever it is", () => {
    expect(enrolmentLine(identity)).toMatch(/^sh -c '[^'\n!]+' enroll$/);
  });

  test("runs nothing from a man in the middle with another key", async () => {
    const { exitCode, said, ran, left } = await run(enrolmentLine(other));
    expect({ exitCode, ran, left }).toEqual({ exitCode: 1, ran: "", left: [] });
    expect(said).toContain("curl: (90)");
    expect(said).toContain("Nothing was run. Where curl says (90)");
    expect(said).toContain("is not the server that this line was made for: it was set up anew");
  });

  test("runs nothing where curl does not check keys and only warns of it", async () => {
    await mkdir(join(folder, "bin"));
    const curl = `#!/bin/sh\necho 'Warning: ignoring --pinnedpubkey, not supported' >&2\nwhile [ "$1" != -o ]; do shift; done; echo "echo owned >'${folder}/ran'" >"$2"; echo '${scriptEnd}' >>"$2"\n`;
    await writeFile(join(folder, "bin/curl"), curl);
    await chmod(join(folder, "bin/curl"), 0o755);
    const { exitCode, said, ran, left } = await run(enrolmentLine(identity));
    expect({ exitCode, ran, left }).toEqual({ exitCode: 1, ran: "", left: [] });
    expect(said).toContain("--pinnedpubkey");
  });

  test.each([
    ["is cut at a line", (whole: string) => whole.replace(`${scriptEnd}\n`, "")],
    ["is cut in its last line", (whole: string) => whole.slice(0, -5)],
    ["is empty", () => ""],
  ] as const)("runs nothing of a download that %s", async (_, spoil) => {
    body = spoil(body);
    const { exitCode, ran, left } = await run(enrolmentLine(identity));
    expect({ exitCode, ran, left }).toEqual({ exitCode: 1, ran: "", left: [] });
  });

  test("runs nothing of a download that ends before its announced length, even with the last line in it", async () => {
    const { registry, stop } = await serveCut();
    const { exitCode, ran, left } = await run(enrolmentLine({ ...identity, registry }));
    stop();
    expect({ exitCode, ran, left }).toEqual({ exitCode: 1, ran: "", left: [] });
  });

  test("says what is the matter when the server does not answer, and when curl is missing", async () => {
    const down = enrolmentLine({ ...identity, registry: "localhost:1" });
    expect(await run(down)).toMatchObject({
      exitCode: 1,
      said: expect.stringContaining("curl: (7)") as string,
      left: [],
    });
    await mkdir(join(folder, "bin"));
    await writeFile(join(folder, "bin/curl"), "#!/bin/sh\necho 'curl: not found' >&2\nexit 127\n");
    await chmod(join(folder, "bin/curl"), 0o755);
    expect(await run(enrolmentLine(identity))).toMatchObject({
      exitCode: 1,
      said: expect.stringContaining("curl: not found\nNothing was run. ") as string,
    });
  });

  test("lets curl check the certificate as always where no CA is brought", async () => {
    const line = enrolmentLine({ ...identity, caPem: undefined });
    expect(line).not.toMatch(/-[a-zA-Z]*k|pinned/);
    const { exitCode, ran } = await run(line);
    expect({ exitCode, ran }).toEqual({ exitCode: 1, ran: "" });
  });
});
