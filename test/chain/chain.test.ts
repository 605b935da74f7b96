import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type CertificateAuthority,
  createAuthority,
  createServerKey,
  issueServerCertificate,
} from "../../src/pki/certificate-authority.ts";
import { buildGoProgram, foreignClients } from "./foreign-clients.ts";
import { forge, type Forgery, type Served, unconstrainedAuthority } from "./forge.ts";

setDefaultTimeout(120_000);

// The chain as dozo serves it, and certificates that its intermediate should never have signed, shown to verifiers that are not ours,
// over TLS. Every forged name is also signed by an authority without constraints that the clients trust as well: they accept that one,
// so what they refuse is the constraint and nothing else.

const host = "registry.dozo.test";
const dns = (value: string): Forgery["names"][number] => ({ type: "dns", value });

const forgeries: readonly {
  readonly title: string;
  readonly asked: string;
  readonly forgery: Forgery;
  /** Refused by some whoever signed it. */ readonly isPublic?: boolean;
}[] = [
  { title: "example.com", asked: "example.com", forgery: { names: [dns("example.com")] } },
  { title: "1.2.3.4", asked: "1.2.3.4", forgery: { names: [{ type: "ip", value: "1.2.3.4" }] } },
  { title: "*.com", asked: "dozo.com", forgery: { names: [dns("*.com")] }, isPublic: true },
  { title: "*.example.com", asked: "www.example.com", forgery: { names: [dns("*.example.com")] } },
  { title: "our name and google.com", asked: host, forgery: { names: [dns(host), dns("google.com")] } },
];

interface Shown {
  readonly title: string;
  readonly asked: string;
  readonly served: Served;
  readonly isAccepted: boolean;
}

let folder: string;
let rootsFile: string;
let authority: CertificateAuthority;
let shown: readonly (Shown & { readonly server: Bun.Server<undefined> })[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "dozo-chain-"));
  authority = await createAuthority({ hostNames: [host], suffixes: [], publicAddresses: [] }, Date.now());
  const free = await unconstrainedAuthority();
  rootsFile = join(folder, "roots.pem");
  writeFileSync(rootsFile, authority.rootPem + free.rootPem);
  const key = await createServerKey();
  const own = {
    cert: await issueServerCertificate(authority, { names: [host, "127.0.0.1"], serverKeyPem: key, now: Date.now() }),
    key,
  };
  const all: Shown[] = [
    { title: "the name", asked: host, served: own, isAccepted: true },
    { title: "the address", asked: "127.0.0.1", served: own, isAccepted: true },
    { title: "another name", asked: "other.dozo.test", served: own, isAccepted: false },
    {
      title: "a client's certificate, shown by a server",
      asked: host,
      served: await forge(authority, { names: [dns(host)], usage: "client" }),
      isAccepted: false,
    },
  ];
  for (const { title, asked, forgery, isPublic } of forgeries) {
    all.push({ title: `${title}, forged`, asked, served: await forge(authority, forgery), isAccepted: false });
    if (isPublic !== true)
      all.push({
        title: `${title}, of an authority without constraints`,
        asked,
        served: await forge(free, forgery),
        isAccepted: true,
      });
  }
  shown = all.map((each) => ({ ...each, server: serve(each.served) }));
});

afterAll(async () => {
  await Promise.all(shown.map(({ server }) => server.stop(true)));
  rmSync(folder, { recursive: true, force: true });
});

function serve({ cert, key }: Served): Bun.Server<undefined> {
  const headers = { "content-type": "text/javascript" };
  return Bun.serve({ port: 0, hostname: "127.0.0.1", tls: { cert, key }, fetch: () => new Response("0", { headers }) });
}

describe("TLS-05, TLS-06: the chain and what its key must not sign", () => {
  test.each(Object.entries(foreignClients))("is judged as it should be by %s", async (_, client) => {
    const visits = shown.map(({ asked, server }) => ({ host: asked, port: server.port ?? 0 }));

    const answers = await client(visits, rootsFile, folder);

    const verdicts = shown.map(({ title }, index) => `${title}: ${answers[index]?.split(":", 1)[0] ?? "no answer"}`);
    expect(verdicts).toEqual(shown.map(({ title, isAccepted }) => `${title}: ${isAccepted ? "accepted" : "refused"}`));
  });

  test("Go refuses a certificate with its name in the subject alone", async () => {
    const server = serve(await forge(authority, { names: [], subject: `CN=${host}` }));
    try {
      const go = foreignClients["Go"];
      const [answer] = (await go?.([{ host, port: server.port ?? 0 }], rootsFile, folder)) ?? [];
      expect(answer).toMatch(/^refused: .*(?:legacy Common Name|not valid for any names)/);
    } finally {
      await server.stop(true);
    }
  });
});

/** What OpenSSL has against a chain as a client's; nothing where it is good. */
function faultsAsClient(chain: string): string {
  const trust = ["-CAfile", rootsFile, "-untrusted", chain];
  return Bun.spawnSync(["openssl", "verify", "-purpose", "sslclient", ...trust, chain]).stderr.toString();
}

describe("a client's certificate that the intermediate signed", () => {
  let file: string;
  let permitted: string;
  beforeAll(async () => {
    file = join(folder, "client.pem");
    permitted = join(folder, "permitted-client.pem");
    const forgery: Forgery = { names: [dns(host)], usage: "client", subject: "CN=admin" };
    writeFileSync(file, (await forge(authority, forgery)).cert);
    const free = await unconstrainedAuthority();
    writeFileSync(permitted, (await forge(free, forgery)).cert);
    writeFileSync(rootsFile, authority.rootPem + free.rootPem);
  });

  test("is refused by OpenSSL, since its chain is for servers", () => {
    expect(faultsAsClient(file)).toMatch(/unsuitable certificate purpose|unsupported certificate purpose/);
    expect(faultsAsClient(permitted)).toBe("");
  });

  test("is refused by Go, for the same reason", async () => {
    const child = Bun.spawn([await buildGoProgram(folder), rootsFile], {
      stdin: new Blob([`${file} client\n${permitted} client\n`]),
      stdout: "pipe",
    });

    const [answer, other] = (await new Response(child.stdout).text()).split("\n");
    expect(answer).toContain("refused: x509: certificate specifies an incompatible key usage");
    expect(other).toBe("accepted");
  });
});
