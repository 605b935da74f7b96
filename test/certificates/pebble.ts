import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { goPrograms } from "../../scripts/suites.ts";

/** A real ACME authority for tests, with a name server of its own that leads every name to loopback. */
export interface Pebble {
  readonly directory: string;
  /** The authority of the directory's own certificate, in a file. */
  readonly directoryCa: string;
  /** Where its name server takes records: `set-txt`, `clear-txt`, `add-caa`. */
  readonly nameServerUrl: string;
  stop(): Promise<void>;
}

/** Starts it; `httpPort` is where it looks for proofs by http-01. */
export async function startPebble({ httpPort = 5002 }: { readonly httpPort?: number } = {}): Promise<Pebble> {
  const folder = mkdtempSync(join(tmpdir(), "dozo-pebble-"));
  const [acmePort, dnsPort, nameServerPort] = [await freePort(), await freePort(), await freePort()];
  const directoryCa = writeCertificate(folder);
  const configuration = join(folder, "pebble.json");
  writeFileSync(
    configuration,
    JSON.stringify({
      pebble: {
        listenAddress: `127.0.0.1:${acmePort}`,
        certificate: join(folder, "server.crt"),
        privateKey: join(folder, "server.key"),
        httpPort,
        tlsPort: 5001,
        retryAfter: { authz: 1, order: 1 },
        profiles: { default: { description: "90 days", validityPeriod: 90 * 86_400 } },
      },
    }),
  );
  const nothingElse = ["-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", ""];
  const places = ["-dnsserver", `127.0.0.1:${dnsPort}`, "-management", `127.0.0.1:${nameServerPort}`];
  const names = run("pebble-challtestsrv", [...places, "-defaultIPv4", "127.0.0.1", ...nothingElse]);
  const acme = run("pebble", ["-strict", "-config", configuration, "-dnsserver", `127.0.0.1:${dnsPort}`], {
    PEBBLE_VA_NOSLEEP: "1",
  });
  await Promise.all([acme.said("ACME directory available"), names.said("Starting management server")]);
  return {
    directory: `https://127.0.0.1:${acmePort}/dir`,
    directoryCa,
    nameServerUrl: `http://127.0.0.1:${nameServerPort}`,
    stop: async () => {
      await Promise.all([acme.stop(), names.stop()]);
      rmSync(folder, { recursive: true });
    },
  };
}

/** Signed by itself: the certificate is its own authority. */
function writeCertificate(folder: string): string {
  const file = join(folder, "server.crt");
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", join(folder, "server.key")];
  const names = ["-subj", "/CN=pebble", "-addext", "subjectAltName=IP:127.0.0.1"];
  const made = spawnSync("openssl", ["req", "-x509", "-days", "2", ...key, ...names, "-out", file], {
    encoding: "utf8",
  });
  if (made.status !== 0) throw new Error(`openssl made no certificate: ${made.stderr}`);
  return file;
}

interface Program {
  said(words: string): Promise<void>;
  stop(): Promise<void>;
}

function run(name: string, words: readonly string[], environment: Readonly<Record<string, string>> = {}): Program {
  const child: ChildProcess = spawn(join(goPrograms(), name), words, {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  const waiting = new Set<() => void>();
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (part: string) => {
      text += part;
      for (const look of waiting) look();
    });
  return {
    said: (phrase) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (text.includes(phrase)) resolve();
        };
        waiting.add(look);
        look();
        void ended.then(() => reject(new Error(`${name} ended:\n${text}`)));
      }),
    stop: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** A port of loopback that nobody listens on just now. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
