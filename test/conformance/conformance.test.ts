import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram } from "../../scripts/suites.ts";
import { dozoProgram } from "../clients/dozo.ts";

// Runs the OCI conformance program against dozo: over TLS, trusting dozo's CA and nothing else, with the login, and with
// every switch on that the program has.

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

  for (const version of ["dev", "1.1"])
    test(`version ${version}, with every switch on: nothing fails, nothing is skipped`, async () => {
      const counts = await runConformance(version, folder, port);
      process.stdout.write(
        `  OCI conformance ${version}: ${counts.tests} tests, ${counts.failures} failures, ${counts.errors} errors, ${counts.skipped} skipped\n`,
      );
      expect(counts.faults).toEqual([]);
      expect(counts).toMatchObject({ failures: 0, errors: 0, skipped: 0 });
      expect(counts.tests).toBeGreaterThan(900);
    }, 180_000);
});

/** Waits until the server has printed its banner into the log; throws with the log when it ends before. */
async function bannerIn(log: string, running: Bun.Subprocess): Promise<void> {
  while (!readFileSync(log, "utf8").includes("docker push")) {
    if (running.exitCode !== null) throw new Error(`dozo did not come up:\n${readFileSync(log, "utf8")}`);
    await Promise.race([Bun.sleep(20), running.exited]);
  }
}

async function runConformance(version: string, folder: string, port: number): Promise<Counts> {
  const authority = Bun.spawnSync([dozoProgram, "ca", "show", "--pem", "--data", join(folder, "data")]);
  const caFile = join(folder, "ca.crt");
  writeFileSync(caFile, authority.stdout);
  const results = join(folder, `results-${version}`);
  const program = Bun.spawn([findProgram("conformance") ?? "conformance"], {
    cwd: folder,
    stdout: "ignore",
    stderr: "ignore",
    env: {
      SSL_CERT_FILE: caFile,
      SSL_CERT_DIR: join(folder, "no-other-authorities"),
      OCI_REGISTRY: `localhost:${port}`,
      OCI_TLS: "enabled",
      OCI_USERNAME: "admin",
      OCI_PASSWORD: password,
      OCI_VERSION: version,
      OCI_RESULTS_DIR: results,
      OCI_REPO1: `conformance-${version}/repo1`,
      OCI_REPO2: `conformance-${version}/repo2`,
      ...Object.fromEntries(switches.map((name) => [name, "true"])),
    },
  });
  await program.exited;
  return readCounts(results);
}
