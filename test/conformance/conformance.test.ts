import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram } from "../../scripts/suites.ts";
import { dozoProgram } from "../clients/dozo.ts";

// Runs the OCI conformance program against dozo: over TLS, trusting dozo's CA and nothing else, with each kind of login that
// it knows, and with every switch on that it has.

const password = "conformance of all things";

const switches = [
  ...["PING", "PULL", "PUSH", "REFERRER"].map((name) => `OCI_API_${name}`),
  ...["ATOMIC", "DELETE", "DIGEST_HEADER", "MOUNT_ANONYMOUS", "UPLOAD_CANCEL"].map((name) => `OCI_API_BLOBS_${name}`),
  ...["ATOMIC", "DELETE", "DIGEST_HEADER", "TAG_PARAM"].map((name) => `OCI_API_MANIFESTS_${name}`),
  ...["ATOMIC", "DELETE", "LIST"].map((name) => `OCI_API_TAGS_${name}`),
  ...["IMAGE", "INDEX", "INDEX_LIST", "SPARSE", "ARTIFACT", "SUBJECT", "SUBJECT_MISSING", "ARTIFACT_LIST"].map(
    (name) => `OCI_DATA_${name}`,
  ),
  ...["SUBJECT_LIST", "DATA_FIELD", "NONDISTRIBUTABLE", "CUSTOM_FIELDS", "NO_LAYERS", "EMPTY_BLOB", "SHA512"].map(
    (name) => `OCI_DATA_${name}`,
  ),
];

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What a run of the program counted, and its report of what went wrong. */
interface Counts {
  readonly tests: number;
  readonly failures: number;
  readonly errors: number;
  readonly skipped: number;
  readonly faults: readonly string[];
}

function readCounts(folder: string): Counts {
  const xml = readFileSync(join(folder, "junit.xml"), "utf8");
  const suite = /<testsuite\b[^>]*>/.exec(xml)?.[0] ?? "";
  const count = (name: string): number => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
  const faults = [...xml.matchAll(/<testcase name="([^"]*)"[^>]*status="(?!passed)(\w+)"/g)].map(
    ([, name = "", status = ""]) => `${status}: ${name}`,
  );
  return {
    tests: count("tests"),
    failures: count("failures"),
    errors: count("errors"),
    skipped: count("skipped"),
    faults,
  };
}

describe("the OCI conformance program", () => {
  let folder: string;
  let port: number;
  let server: Bun.Subprocess;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "dozo-conformance-"));
    mkdirSync(join(folder, "home"));
    port = await freePort();
    const log = join(folder, "dozo.log");
    writeFileSync(log, "");
    const listen = ["--listen", `127.0.0.1:${port}`, "--host", "localhost"];
    const user = ["--user", "admin", "--password-stdin"];
    server = Bun.spawn([dozoProgram, "up", "--data", join(folder, "data"), ...listen, ...user], {
      stdin: new Blob([`${password}\n`]),
      stdout: Bun.file(log),
      stderr: Bun.file(log),
      env: {
        HOME: join(folder, "home"),
        PATH: process.env["PATH"],
        DOZO_LIMITS_SPARSE_IMAGES: "true",
        DOZO_LIMITS_SPARSE_INDEXES: "true",
        DOZO_LOG_LEVEL: "warn",
      },
    });
    await bannerIn(log, server);
  }, 30_000);

  afterAll(async () => {
    server?.kill("SIGTERM");
    await server?.exited;
    rmSync(folder, { recursive: true, force: true });
  }, 40_000);

  async function expectConformance(run: Run, skipped: readonly string[] = []): Promise<void> {
    const counts = await runConformance(run, folder, port);
    process.stdout.write(
      `  OCI conformance ${run.version} with a ${run.login}: ${counts.tests} tests, ${counts.failures} failures, ${counts.errors} errors, ${counts.skipped} skipped\n`,
    );
    expect(counts.faults).toEqual(skipped.map((name) => `skipped: OCI Conformance Test/${name}`));
    expect(counts).toMatchObject({ failures: 0, errors: 0, skipped: skipped.length });
    expect(counts.tests).toBeGreaterThan(900);
    expect(await credentialsUsed(folder, run)).toEqual([run.login]);
  }

  for (const version of ["dev", "1.1"])
    test(`version ${version}, with every switch on: nothing fails, nothing is skipped`, async () => {
      await expectConformance({ version, login: "password", user: "admin", secret: password });
    }, 180_000);

  test("as before with an access key of a robot that may do this and nothing else", async () => {
    await dozo(folder, "robot", "add", "ci");
    await dozo(folder, "access", "allow", "ci", "pull,push,overwrite,delete", "key-dev/*");
    const secret = (await dozo(folder, "key", "create", "--for", "ci")).trim();
    await expectConformance({ version: "dev", login: "key", user: "ci", secret });
  }, 180_000);

  test("as before with the login through the token service, which clients are sent to once something is open to everybody", async () => {
    await dozo(folder, "access", "allow", "anonymous", "pull", "public/**");
    // The program asks for tokens for the repository that it pushes to alone, so nothing can be mounted with them: such a request
    // begins an upload, and the program skips what would have come after a mount. Docker, podman and skopeo ask for both.
    const mounts = ["sha256", "sha512"].flatMap((algorithm) => [
      `${algorithm} blobs/mount/blob-mount`,
      `${algorithm} blobs/mount anonymous/blob-mount-anonymous`,
    ]);
    await expectConformance({ version: "1.1", login: "token", user: "admin", secret: password }, mounts);
  }, 180_000);
});

/** A run of the program, in repositories that are named after its login and version. */
interface Run {
  readonly version: string;
  /** What each request has to come with, as the record of what happened calls it. */
  readonly login: "password" | "key" | "token";
  readonly user: string;
  readonly secret: string;
}

/** Runs a command on the registry's data folder while it serves; gives its output. */
async function dozo(folder: string, ...words: readonly string[]): Promise<string> {
  const command = Bun.spawn([dozoProgram, ...words, "--data", join(folder, "data")], { stderr: "pipe" });
  const [output, notes] = await Promise.all([new Response(command.stdout).text(), new Response(command.stderr).text()]);
  if ((await command.exited) !== 0) throw new Error(`dozo ${words.join(" ")} failed:\n${notes}`);
  return output;
}

/** With which kinds of credentials a run's pushes came. */
async function credentialsUsed(folder: string, { login, version }: Run): Promise<readonly string[]> {
  const pushes = ["--what", "push", "--all", "--outcome", "done", "--repository", `${login}-${version}/*`];
  const events = JSON.parse(await dozo(folder, "audit", ...pushes, "--limit", "10000", "--json")) as readonly {
    readonly credentialKind: string;
  }[];
  return [...new Set(events.map(({ credentialKind }) => credentialKind))];
}

/** Waits until the server has printed its banner into the log; throws with the log when it ends before. */
async function bannerIn(log: string, running: Bun.Subprocess): Promise<void> {
  while (!readFileSync(log, "utf8").includes("docker push")) {
    if (running.exitCode !== null) throw new Error(`dozo did not come up:\n${readFileSync(log, "utf8")}`);
    await Promise.race([Bun.sleep(20), running.exited]);
  }
}

async function runConformance({ version, login, user, secret }: Run, folder: string, port: number): Promise<Counts> {
  const caFile = join(folder, "ca.crt");
  writeFileSync(caFile, await dozo(folder, "ca", "show", "--pem"));
  const results = join(folder, `results-${login}-${version}`);
  const program = Bun.spawn([findProgram("conformance") ?? "conformance"], {
    cwd: folder,
    stdout: "ignore",
    stderr: "ignore",
    env: {
      SSL_CERT_FILE: caFile,
      SSL_CERT_DIR: join(folder, "no-other-authorities"),
      OCI_REGISTRY: `localhost:${port}`,
      OCI_TLS: "enabled",
      OCI_USERNAME: user,
      OCI_PASSWORD: secret,
      OCI_VERSION: version,
      OCI_RESULTS_DIR: results,
      OCI_REPO1: `${login}-${version}/repo1`,
      OCI_REPO2: `${login}-${version}/repo2`,
      ...Object.fromEntries(switches.map((name) => [name, "true"])),
    },
  });
  await program.exited;
  return readCounts(results);
}
