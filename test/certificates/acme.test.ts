import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { AcmeCertificate, type AcmeCertificateOptions } from "../../src/certificates/acme/acme-certificate.ts";
import { DnsHook } from "../../src/certificates/acme/dns-hook.ts";
import { HttpChallenges } from "../../src/certificates/acme/http-challenges.ts";
import { type Listener, listen } from "../../src/http/listener.ts";
import type { Log } from "../../src/log.ts";
import { makeSandbox } from "../cli/run-dozo.ts";
import { freePort, type Pebble, startPebble } from "./pebble.ts";

const dayMs = 86_400_000;

let folder: string;
let lines: string[];
let now: number;
let acme: AcmeCertificate | undefined;
let pebble: Pebble | undefined;
let listener: Listener | undefined;

const log: Log = {
  debug: () => {},
  info: (message) => lines.push(`info ${message}`),
  warn: (message) => lines.push(`warn ${message}`),
  error: (message, fields) => lines.push(`error ${message} ${JSON.stringify(fields)}`),
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "dozo-acme-"));
  lines = [];
  now = Date.now();
});

afterEach(async () => {
  await acme?.stop();
  await listener?.stop(0);
  await pebble?.stop();
  [acme, listener, pebble] = [undefined, undefined, undefined];
  rmSync(folder, { recursive: true });
});

/** Port 80 of this machine, as it were, and an authority that looks for proofs there. */
async function startHttp(names: readonly string[]): Promise<Pick<AcmeCertificateOptions, "prover" | "names">> {
  const prover = new HttpChallenges({ names, httpsPort: () => 443 });
  const address = { host: "127.0.0.1", port: 0 };
  listener = listen({ address, tls: undefined, handle: (request) => prover.handle(request) });
  pebble = await startPebble({ httpPort: listener.port ?? 0 });
  return { prover, names };
}

type Given = Pick<AcmeCertificateOptions, "prover" | "names"> & Partial<AcmeCertificateOptions>;

async function open(options: Given): Promise<AcmeCertificate> {
  await acme?.stop();
  acme = await AcmeCertificate.open({
    folder: join(folder, "acme"),
    directory: pebble?.directory ?? "https://127.0.0.1:1/dir",
    directoryCa: pebble?.directoryCa,
    email: "admin@example.com",
    clock: { now: () => now },
    chance: () => 0,
    log,
    ...options,
  });
  return acme;
}

function serial(source: AcmeCertificate): string | undefined {
  const [certificate] = source.current();
  return certificate === undefined ? undefined : new X509Certificate(certificate.certificatePem).serialNumber;
}

describe("a certificate by ACME", () => {
  test("comes by http-01, is kept over a restart, and is renewed at two thirds of its life with the same key", async () => {
    const given = await startHttp(["registry.example.com", "hub.example.com"]);
    const source = await open(given);
    let changes = 0;
    source.watch(() => (changes += 1));
    expect(source.current()).toEqual([]);

    await source.lookIfDue();

    const first = serial(source);
    expect(source.current()[0]?.serverNames.toSorted()).toEqual(["hub.example.com", "registry.example.com"]);
    expect(source.current()[0]?.certificatePem.match(/BEGIN CERTIFICATE/g)?.length).toBeGreaterThan(1);
    expect(changes).toBe(1);
    for (const name of ["account.key", "server.key", "server.crt", "state.json"])
      expect(statSync(join(folder, "acme", name)).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "acme")).mode & 0o777).toBe(0o700);

    const again = await open(given);
    now += 59 * dayMs;
    await again.lookIfDue();
    expect(serial(again)).toBe(first);
    const { keyPem } = again.current()[0] ?? {};

    now += 2 * dayMs;
    await again.lookIfDue();
    expect(serial(again)).not.toBe(first);
    expect(again.current()[0]?.keyPem).toBe(keyPem);
    expect(lines.filter((line) => line.startsWith("error"))).toEqual([]);
  }, 60_000);

  test("comes by dns-01 with a program of the operator's, for a wildcard too, and the record is taken away again", async () => {
    pebble = await startPebble();
    const hook = join(folder, "hook");
    writeFileSync(
      hook,
      `#!/bin/sh
set -e
[ "$2" = "$DOZO_ACME_RECORD" ] && [ "$3" = "$DOZO_ACME_VALUE" ] && [ "$1" = "$DOZO_ACME_ACTION" ]
echo "$1 $2" >>${folder}/seen
[ "$1" = set ] && what=set-txt || what=clear-txt
curl -sSf -d "{\\"host\\":\\"$2.\\",\\"value\\":\\"$3\\"}" "${pebble.nameServerUrl}/$what"
`,
    );
    chmodSync(hook, 0o755);
    const source = await open({ prover: new DnsHook(hook), names: ["example.com", "*.example.com"] });

    await source.lookIfDue();

    expect(lines.filter((line) => line.startsWith("error"))).toEqual([]);
    expect(source.current()[0]?.serverNames.toSorted()).toEqual(["*.example.com", "example.com"]);
    const record = "_acme-challenge.example.com";
    expect(readFileSync(join(folder, "seen"), "utf8")).toBe(`set ${record}\nremove ${record}\n`.repeat(2));
  }, 60_000);

  test("is asked for again when the names change, and the old one is served until then", async () => {
    const source = await open(await startHttp(["registry.example.com"]));
    await source.lookIfDue();
    const first = serial(source);
    const prover = new HttpChallenges({ names: [], httpsPort: () => 443 });

    const wider = await open({ prover, names: ["registry.example.com", "hub.example.com"] });

    expect(serial(wider)).toBe(first);
    await wider.lookIfDue();
    expect(serial(wider)).toBe(first);
    expect(lines.at(-1)).toContain("no certificate by ACME");
  }, 60_000);

  test("that is refused is said with what mends it, and tried again more and more seldom", async () => {
    const { names } = await startHttp(["registry.example.com"]);
    // What is put up here is not what the authority is answered: another server has port 80.
    const elsewhere = new HttpChallenges({ names, httpsPort: () => 443 });
    const source = await open({ prover: elsewhere, names });

    await source.lookIfDue();

    expect(source.current()).toEqual([]);
    expect(lines.at(-1)).toMatch(
      /could not see by http-01 that registry\.example\.com is ours: .*\. It has to reach http:\\?\/\\?\/registry\.example\.com\/\.well-known\/acme-challenge\/ on port 80/,
    );
    const count = lines.length;
    now += 4 * 60_000;
    await source.lookIfDue();
    expect(lines).toHaveLength(count);
    now += 2 * 60_000;
    await source.lookIfDue();
    expect(lines).toHaveLength(count + 2);
    now += 6 * 60_000;
    await source.lookIfDue();
    expect(lines).toHaveLength(count + 2);
  }, 60_000);

  test("stays as it is while the authority cannot be reached, or is not whom it has to be", async () => {
    const given = await startHttp(["registry.example.com"]);
    const source = await open(given);
    await source.lookIfDue();
    const first = serial(source);

    now += 61 * dayMs;
    const other = join(folder, "other-ca.crt");
    writeFileSync(other, source.current()[0]?.certificatePem ?? "");
    const distrustful = await open({ ...given, directoryCa: other });
    await distrustful.lookIfDue();
    expect(serial(distrustful)).toBe(first);
    expect(lines.at(-1)).toMatch(/could not be reached: .*name the file of its CA in acme\.directoryCa/);

    const patient = await open({ ...given, directoryCa: undefined });
    await pebble?.stop();
    pebble = undefined;
    await patient.lookIfDue();
    expect(serial(patient)).toBe(first);
    expect(lines.at(-1)).toMatch(/could not be reached: .*Look at acme\.directory.*servedUntil/);
  }, 60_000);

  test("is told by a failing program's own words why there is none", async () => {
    pebble = await startPebble();
    const hook = join(folder, "hook");
    writeFileSync(hook, "#!/bin/sh\necho the token has ended >&2\nexit 3\n");
    chmodSync(hook, 0o755);
    const source = await open({ prover: new DnsHook(hook), names: ["example.com"] });

    await source.lookIfDue();

    expect(lines.at(-1)).toMatch(/set _acme-challenge\.example\.com .* failed with 3: the token has ended/);
  }, 60_000);

  test("is served by dozo up beside dozo's own, and port 80 leads to https", async () => {
    const sandbox = makeSandbox();
    try {
      const port = await freePort();
      pebble = await startPebble({ httpPort: port });
      const words = ["--listen", "127.0.0.1:0", "--acme-name", "registry.example.com", "--acme-accept-terms"];
      const where = ["--acme-directory", pebble.directory, "--acme-directory-ca", pebble.directoryCa];
      const http = ["--acme-http-listen", `127.0.0.1:${port}`];
      const dozo = sandbox.start(["up", "--data", sandbox.data, ...words, ...where, ...http]);
      const [, text = ""] = await dozo.untilSaid(/serves at https:\/\/[^ ]+:([0-9]+) /);
      await dozo.untilSaid(/the certificate by ACME is there and is served now/);

      expect(await issuerShown(Number(text), "registry.example.com")).toContain("Pebble");
      expect(await issuerShown(Number(text), undefined)).toContain("dozo");
      const redirect = await fetch(`http://127.0.0.1:${port}/v2/?a=b`, { redirect: "manual" });
      expect(redirect.status).toBe(308);
      expect(redirect.headers.get("location")).toBe(`https://registry.example.com:${text}/v2/?a=b`);
      expect((await fetch(`http://127.0.0.1:${port}/v2/`, { method: "POST", body: "x" })).status).toBe(405);
      const unknown = await fetch(`http://127.0.0.1:${port}/.well-known/acme-challenge/none`);
      expect(unknown.status).toBe(404);
    } finally {
      await sandbox.dispose();
    }
  }, 60_000);
});

function issuerShown(port: number, servername: string | undefined): Promise<string> {
  const name = servername === undefined ? {} : { servername };
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...name }, () => {
      resolve(JSON.stringify(socket.getPeerCertificate().issuer));
      socket.destroy();
    });
    socket.once("error", reject);
  });
}
