import { mkdirSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";

/** A name and the port of this machine where the server for it listens. */
interface Visit {
  readonly host: string;
  readonly port: number;
}

/** A program that trusts the authorities in `rootsFile`, and answers for each visit `accepted`, or `refused: ` and its reason. */
type ForeignClient = (visits: readonly Visit[], rootsFile: string, folder: string) => Promise<readonly string[]>;

const programs = join(import.meta.dir, "clients");

async function run(command: readonly string[], input = "", environment: Record<string, string> = {}): Promise<string> {
  const child = Bun.spawn([...command], {
    stdin: new Blob([input]),
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, ...environment },
  });
  const [out, errors] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  if ((await child.exited) !== 0)
    throw new Error(`${command.join(" ")} ended with ${child.exitCode}:\n${out}${errors}`);
  return out;
}

async function linesOf(command: readonly string[], visits: readonly Visit[]): Promise<readonly string[]> {
  const input = visits.map(({ host, port }) => `${host} ${port}\n`).join("");
  return (await run(command, input)).trim().split("\n");
}

/** The Go program, built once into the folder. Without cgo, so that what `go install` compiled before is used again. */
export async function buildGoProgram(folder: string): Promise<string> {
  const program = join(folder, "connect");
  const environment = { CGO_ENABLED: "0", GOFLAGS: "-mod=mod", GO111MODULE: "off" };
  await run(["go", "build", "-o", program, join(programs, "connect.go")], "", environment);
  return program;
}

async function openssl(visits: readonly Visit[], rootsFile: string): Promise<readonly string[]> {
  const answers: string[] = [];
  for (const { host, port } of visits) {
    const name =
      isIP(host) === 0 ? ["-servername", host, "-verify_hostname", host] : ["-noservername", "-verify_ip", host];
    const trust = ["-CAfile", rootsFile, "-verify_return_error", "-purpose", "sslserver"];
    const child = Bun.spawn(["openssl", "s_client", "-connect", `127.0.0.1:${port}`, ...name, ...trust], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, errors] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    const isAccepted = (await child.exited) === 0 && out.includes("Verify return code: 0 (ok)");
    answers.push(isAccepted ? "accepted" : `refused: ${/verify error:(.*)/.exec(`${out}${errors}`)?.[1] ?? errors}`);
  }
  return answers;
}

/** All visits from one page: a script of every server, which counts as accepted when it ran. */
async function chromium(visits: readonly Visit[], rootsFile: string, folder: string): Promise<readonly string[]> {
  const home = join(folder, "chromium");
  const store = join(home, ".pki/nssdb");
  mkdirSync(store, { recursive: true });
  await run(["certutil", "-d", `sql:${store}`, "-N", "--empty-password"]);
  const roots = (await Bun.file(rootsFile).text()).match(/-----BEGIN[^]*?-----END[^\n]*\n/g) ?? [];
  for (const [index, root] of roots.entries()) {
    const file = join(home, `root${index}.pem`);
    writeFileSync(file, root);
    await run(["certutil", "-d", `sql:${store}`, "-A", "-t", "C,,", "-n", `root${index}`, "-i", file]);
  }
  const scripts = visits.map(({ host, port }, index) => {
    const done = (word: string): string => `document.getElementById('v${index}').textContent='${word}'`;
    return `<p id="v${index}">none</p><script src="https://${host}:${port}/" onload="${done("accepted")}" onerror="${done("refused: the browser")}"></script>`;
  });
  const page = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => new Response(`<body>${scripts.join("\n")}</body>`, { headers: { "content-type": "text/html" } }),
  });
  try {
    const flags = [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--no-proxy-server",
      "--disable-background-networking",
    ];
    const dom = await run(
      [
        "chromium",
        ...flags,
        `--user-data-dir=${home}/profile`,
        "--host-resolver-rules=MAP * 127.0.0.1",
        "--dump-dom",
        page.url.href,
      ],
      "",
      { HOME: home },
    );
    return visits.map((_, index) => new RegExp(`<p id="v${index}">([^<]*)</p>`).exec(dom)?.[1] ?? "no answer");
  } finally {
    await page.stop(true);
  }
}

/** The clients that are asked, by name. */
export const foreignClients: Readonly<Record<string, ForeignClient>> = {
  OpenSSL: openssl,
  Python: (visits, rootsFile) => linesOf(["/usr/bin/python3", join(programs, "connect.py"), rootsFile], visits),
  "Node.js": (visits, rootsFile) => linesOf(["node", join(programs, "connect.js"), rootsFile], visits),
  Go: async (visits, rootsFile, folder) => linesOf([await buildGoProgram(folder), rootsFile], visits),
  Java: (visits, rootsFile) => linesOf(["java", join(programs, "Connect.java"), rootsFile], visits),
  Chromium: chromium,
};
