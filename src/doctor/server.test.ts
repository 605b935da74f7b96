import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Settings, settingsSchema } from "../config/settings.ts";
import type { Finding } from "../diagnosis/finding.ts";
import { createServerKey } from "../pki/certificate-authority.ts";
import { openPki } from "../pki/open.ts";
import { PkiFolder } from "../process/pki-folder.ts";
import { checkDataFolder } from "./folder-checks.ts";
import { checkHtpasswd } from "./htpasswd-checks.ts";
import { checkMachine } from "./machine-checks.ts";
import { checkCertificates } from "./pki-checks.ts";
import { seeServer, type ServerFacts } from "./server-facts.ts";

const dayMs = 86_400_000;
const gibibyte = 1024 ** 3;
const scope = { hostNames: ["registry.lan"], suffixes: [], publicAddresses: [] };
const bcrypt = "$2y$05$abcdefghijklmnopqrstuuBQm7rPpOeB6R0Pb1pJzV1uJQ5v6x7yK";

let data: string;
let now: number;

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), "dozo-server-"));
  now = Date.now();
  await makePki(data, "registry.lan");
  mkdirSync(`${data}/blobs/sha256/ab`, { recursive: true });
  writeFileSync(`${data}/dozo.lock`, `${process.pid}\n`);
});

afterEach(() => rmSync(data, { recursive: true, force: true }));

async function makePki(folder: string, name: string): Promise<void> {
  const files = new PkiFolder(`${folder}/pki`);
  await openPki({ files, clock: { now: () => Date.now() }, scope, names: [name], foundNames: ["localhost"] });
}

/** What this machine happens to be like is set to what is in order; what the test planted stays. */
const inOrder: Partial<ServerFacts> = {
  fitness: { warnings: [], failure: undefined },
  space: { freeBytes: 50 * gibibyte, totalBytes: 100 * gibibyte, freeFiles: 1_000_000 },
  ports: [],
  names: { names: [], addresses: [], publicHost: "registry.lan", unreachable: [] },
  kernelVersion: "6.1.0-30-amd64",
  migratesRequests: true,
  descriptorLimit: 65_536,
};

async function look(settings: Partial<Settings> = {}, planted: Partial<ServerFacts> = {}): Promise<readonly Finding[]> {
  const all: Settings = { ...settingsSchema.parse({ data }), ...settings };
  const facts = { ...(await seeServer(all, process.pid)), ...inOrder, ...planted };
  const examinations = [
    ...checkDataFolder(facts, all, now),
    ...checkMachine(facts, all, process.pid),
    ...(await checkCertificates(facts, all, "registry.lan:5000", now)),
    ...(facts.htpasswd === undefined ? [] : [checkHtpasswd(facts.htpasswd)]),
  ];
  return examinations.flatMap(({ findings }) => findings);
}

const ids = async (settings?: Partial<Settings>, planted?: Partial<ServerFacts>): Promise<readonly string[]> =>
  (await look(settings, planted)).map(({ id }) => id);

function given(certificate: string, key: string): Partial<Settings> {
  return { listen: [{ address: { host: "0.0.0.0", port: 5000 }, tls: { certificate, key } }] };
}

async function lookAtUsers(text: string, mode = 0o600): Promise<readonly Finding[]> {
  const htpasswd = `${data}/users`;
  writeFileSync(htpasswd, text);
  chmodSync(htpasswd, mode);
  return look({ htpasswd });
}

describe("a registry that is in order", () => {
  test("is not complained of, nor are an htpasswd file and given certificates that are right", async () => {
    const htpasswd = `${data}/users`;
    writeFileSync(htpasswd, `maria:${bcrypt}\n# a comment\n\npeter:${bcrypt}\n`, { mode: 0o600 });

    expect(await look({ hosts: ["registry.lan"], htpasswd })).toEqual([]);
  });
});

describe("a planted fault of the data folder is found:", () => {
  test("a private key that others may read", async () => {
    chmodSync(`${data}/pki/server.key`, 0o644);

    const [finding, ...rest] = await look();

    expect(rest).toEqual([]);
    expect(finding).toMatchObject({ id: "mode-too-wide", fix: `chmod 600 ${data}/pki/server.key` });
    expect(finding?.what).toContain("(mode 0644)");
  });

  test("a folder that others may enter", async () => {
    chmodSync(data, 0o755);

    expect((await look())[0]).toMatchObject({ id: "mode-too-wide", fix: `chmod 700 ${data}` });
  });

  test("a file of another owner", async () => {
    const paths = [
      { path: data, isFolder: true, uid: 990, mode: 0o700, changedAt: now },
      { path: `${data}/dozo.db-wal`, isFolder: false, uid: 0, mode: 0o600, changedAt: now },
    ];

    const [finding, ...rest] = await look({}, { paths });

    expect(rest).toEqual([]);
    expect(finding).toMatchObject({ id: "wrong-owner", fix: `sudo chown -R 990 ${data}` });
  });

  test("a folder in which files cannot be replaced", async () => {
    mkdirSync(`${data}/.check-a`);

    const { fitness } = await seeServer(settingsSchema.parse({ data }), undefined);

    expect((await look({}, { fitness }))[0]?.id).toBe("data-folder-unfit");
  });

  test.each([
    ["less free than the reserve", { freeBytes: 1 * gibibyte }, "disk-full"],
    ["little more than the reserve", { freeBytes: 6 * gibibyte }, "disk-nearly-full"],
    ["no room for files", { freeFiles: 12 }, "inodes-short"],
  ])("a disk with %s", async (_, space, id) => {
    const whole = { freeBytes: 50 * gibibyte, totalBytes: 100 * gibibyte, freeFiles: 1_000_000, ...space };

    expect(await ids({}, { space: whole })).toEqual([id]);
  });

  test("a clock that was moved a year back", async () => {
    now -= 365 * dayMs;

    const findings = await look();

    expect(findings.map(({ id }) => id)).toEqual(["clock-behind", "certificate-not-yet-valid"]);
    expect(findings[0]?.fix).toContain("timedatectl set-ntp true");
  });

  test("a first password that nobody has used for a week", async () => {
    writeFileSync(`${data}/first-password`, "secret\n", { mode: 0o600 });
    utimesSync(`${data}/first-password`, (now - 7 * dayMs) / 1000, (now - 7 * dayMs) / 1000);

    const [finding, ...rest] = await look();

    expect(rest).toEqual([]);
    expect(finding?.id).toBe("first-password-left");
    expect(finding?.what).toContain("for 7 days");
  });

  test("no registry at all", async () => {
    rmSync(`${data}/dozo.lock`);

    expect((await seeServer(settingsSchema.parse({ data }), undefined)).state).toBe("missing");
  });
});

describe("a planted fault of the certificates is found:", () => {
  test("a name that clients use and the certificate does not have", async () => {
    const [finding, ...rest] = await look({ hosts: ["registry.lan", "images.lan"] });

    expect(rest).toEqual([]);
    expect(finding).toMatchObject({ id: "name-not-in-certificate", fix: "dozo cert add-name images.lan" });
  });

  test("a certificate that ended, since nothing renewed it", async () => {
    now += 100 * dayMs;

    expect(await ids()).toEqual(["certificate-expired"]);
  });

  test("an authority that comes to its end", async () => {
    now += 3620 * dayMs;

    expect(await ids()).toEqual(["authority-ends-soon", "certificate-expired"]);
  });

  test("the root of another registry beside this one's key", async () => {
    const other = mkdtempSync(join(tmpdir(), "dozo-other-"));
    await makePki(other, "registry.lan");
    const text = await new PkiFolder(`${other}/pki`).read("root.crt");
    rmSync(other, { recursive: true });
    writeFileSync(`${data}/pki/root.crt`, text ?? "");

    const [finding] = await look();

    expect(finding?.id).toBe("authority-broken");
    expect(finding?.what).toContain("do not belong together");
  });

  test("a lost key of the authority", async () => {
    rmSync(`${data}/pki/ca.key`);

    expect(await ids()).toEqual(["authority-broken"]);
  });

  test("the key of another server", async () => {
    const other = mkdtempSync(join(tmpdir(), "dozo-other-"));
    await makePki(other, "registry.lan");
    writeFileSync(`${data}/pki/server.key`, (await new PkiFolder(`${other}/pki`).read("server.key")) ?? "");
    rmSync(other, { recursive: true });

    expect(await ids()).toEqual(["certificate-foreign"]);
  });

  test("no server certificate", async () => {
    rmSync(`${data}/pki/server.crt`);

    expect(await ids()).toEqual(["certificate-unreadable"]);
  });

  test("a name that leads elsewhere", async () => {
    const names = { names: [], addresses: [], publicHost: "registry.lan", unreachable: ["registry.lan"] };

    expect(await ids({ hosts: ["registry.lan"] }, { names })).toEqual(["name-leads-elsewhere"]);
  });

  describe("the operator's files,", () => {
    test("which are not there", async () => {
      const certificate = `${data}/nothing.crt`;

      expect(await ids(given(certificate, `${data}/pki/server.key`))).toEqual(["certificate-unreadable"]);
    });

    test("whose key is another certificate's", async () => {
      writeFileSync(`${data}/other.key`, await createServerKey(), { mode: 0o600 });

      const [finding] = await look(given(`${data}/pki/server.crt`, `${data}/other.key`));

      expect(finding?.id).toBe("given-certificate-foreign-key");
      expect(finding?.what).toContain(`${data}/other.key`);
      expect(finding?.fix).not.toBe("");
    });

    test("whose key everybody may read", async () => {
      chmodSync(`${data}/pki/server.key`, 0o604);

      expect(await ids(given(`${data}/pki/server.crt`, `${data}/pki/server.key`))).toContain("mode-too-wide");
    });
  });
});

describe("a planted fault of an htpasswd file is found:", () => {
  test("every line that cannot be used, by its number, and no password", async () => {
    const findings = await lookAtUsers(
      `maria:${bcrypt}\npeter:secret\nanna\nmaria:${bcrypt}\npaul:$argon2id$v=19$m=1,t=1,p=1$YQ$YQ\n`,
    );

    expect(findings.map(({ id, what }) => `${id} ${/Line [0-9]/.exec(what)?.[0] ?? ""}`)).toEqual([
      "htpasswd-line Line 2",
      "htpasswd-line Line 3",
      "htpasswd-line Line 4",
      "htpasswd-line Line 5",
    ]);
    expect(findings[2]?.what).toContain('"maria" stands in line 1 already');
    expect(JSON.stringify(findings)).not.toContain("secret");
  });

  test("a weak hash, with the number of its line", async () => {
    const [finding] = await lookAtUsers(`maria:${bcrypt}\npeter:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n`);

    expect(finding).toMatchObject({ id: "htpasswd-weak", severity: "warning" });
    expect(finding?.what).toContain("line 2:");
  });

  test("a file that everybody may read", async () => {
    const [finding] = await lookAtUsers(`maria:${bcrypt}\n`, 0o644);

    expect(finding).toMatchObject({ id: "mode-too-wide", fix: `chmod o= ${data}/users` });
  });

  test("a file that is not there, or a link to nowhere", async () => {
    expect(await ids({ htpasswd: `${data}/nobody` })).toEqual(["htpasswd-unreadable"]);

    symlinkSync("/nowhere/users", `${data}/link`);

    expect(await ids({ htpasswd: `${data}/link` })).toEqual(["htpasswd-unreadable"]);
  });
});

describe("a planted fault of the machine is found:", () => {
  test("a port that somebody else listens on, by the program's name", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const place = server.address();
    const port = typeof place === "object" && place !== null ? place.port : 0;
    const settings = {
      ...settingsSchema.parse({ data }),
      listen: [{ address: { host: "127.0.0.1", port }, tls: "own" as const }],
    };

    const { ports } = await seeServer(settings, undefined);
    server.close();
    const facts = { ...(await seeServer(settings, undefined)), ...inOrder, ports };
    const findings = checkMachine(facts, settings, undefined).flatMap((each) => each.findings);

    expect(findings.map(({ id }) => id)).toEqual(["server-stopped", "port-taken"]);
    expect(findings[1]?.what).toContain(`(process ${process.pid})`);
  });

  test("a kernel that hands no connection over from listener to listener is named, and is no fault", async () => {
    const settings = settingsSchema.parse({ data });
    const facts = { ...(await seeServer(settings, undefined)), ...inOrder, migratesRequests: false };
    const kernel = checkMachine(facts, settings, process.pid).find(({ subject }) => subject === "kernel");

    expect(kernel?.seen).toContain("net.ipv4.tcp_migrate_req is off");
    expect(kernel?.findings).toEqual([]);
  });

  test.each([
    ["few files at once", { descriptorLimit: 1024 }, "descriptors-few"],
    ["an old kernel", { kernelVersion: "4.19.0-27-amd64" }, "version-too-old"],
    ["a folder in memory", { fitness: { warnings: ["/data is on tmpfs"], failure: undefined } }, "data-folder-risky"],
  ])("%s", async (_, planted, id) => {
    expect(await ids({}, planted)).toEqual([id]);
  });

  test("a proxy in front whose word does not count", async () => {
    const listen = [{ address: { host: "127.0.0.1", port: 5080 }, tls: "off" as const }];

    expect(await ids({ listen, hosts: ["registry.lan"] })).toEqual(["proxy-not-trusted"]);
    expect(await ids({ listen, hosts: ["registry.lan"], trustedProxies: ["127.0.0.1/32"] })).toEqual([]);
  });
});
