import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { connect as connectTls, type PeerCertificate } from "node:tls";
import { parseAllDocuments } from "yaml";
import { createProgram, descendants } from "../../src/cli/program.ts";
import { type Ended, makeSandbox, program, type Running, type Sandbox } from "./run-dozo.ts";

setDefaultTimeout(120_000);

const bannerEnd = /docker push (\S+)\/first-image/;

function shownCertificate(address: string): Promise<PeerCertificate> {
  const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(address) ?? [];
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host, port: Number(port), rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate());
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

describe("while the server runs and while it does not", () => {
  let sandbox: Sandbox;
  let running: Running;
  let registry: string;
  beforeAll(async () => {
    sandbox = makeSandbox();
    await start();
  });
  afterAll(() => sandbox.dispose());

  async function start(): Promise<void> {
    const words = ["up", "--data", sandbox.data, "--listen", "127.0.0.1:0", "--password-stdin", "--log-level", "error"];
    running = sandbox.start(words, { input: "first secret" });
    registry = (await running.untilSaid(bannerEnd))[1] ?? "";
  }

  async function stop(): Promise<void> {
    running.child.kill("SIGINT");
    expect((await running.ended).code).toBe(0);
  }

  function dozo(words: string, input?: string): Promise<Ended> {
    const all = [...words.split(" "), "--data", sandbox.data];
    return sandbox.run(all, input === undefined ? {} : { input });
  }

  async function login(name: string, password: string, path = "/v2/"): Promise<number> {
    const headers = { authorization: `Basic ${btoa(`${name}:${password}`)}` };
    return (await fetch(`https://${registry}${path}`, { headers, tls: { rejectUnauthorized: false }, proxy: false }))
      .status;
  }

  function tagsFor(name: string): Promise<number> {
    return login(name, `secret of ${name}`, "/v2/team/app/tags/list");
  }

  async function challengeKind(): Promise<string | undefined> {
    const response = await fetch(`https://${registry}/v2/`, { tls: { rejectUnauthorized: false }, proxy: false });
    return response.headers.get("www-authenticate")?.split(" ")[0];
  }

  async function names(): Promise<readonly string[]> {
    const { out } = await dozo("user list --json");
    return (JSON.parse(out) as { name: string }[]).map(({ name }) => name);
  }

  test("enroll prints the lines for this server, and for a cluster what kubectl takes as it is", async () => {
    const { lines } = JSON.parse((await dozo("enroll --json")).out) as { lines: Readonly<Record<string, string>> };
    expect(lines["sh"]).toContain(`https://${registry}/enroll.sh`);
    expect(lines["powershell"]).toContain(registry.split(":")[0] ?? "");

    const yaml = await dozo("enroll kubernetes");
    expect(yaml.code).toBe(0);
    const kinds = parseAllDocuments(yaml.out).map((document) => (document.toJS() as { kind: string }).kind);
    expect(kinds).toEqual(["Namespace", "ConfigMap", "DaemonSet"]);

    const json = await dozo("enroll kubernetes --json --user ci --password-stdin", "its secret");
    const { items } = JSON.parse(json.out) as { items: readonly { kind: string }[] };
    expect(items.map(({ kind }) => kind)).toEqual([...kinds, "Secret", "ServiceAccount"]);

    expect(await dozo("enroll kubernetes --user ci")).toMatchObject({ code: 2, out: "" });
    expect(await dozo("enroll kubernetes --namespace a;b")).toMatchObject({ code: 2, out: "" });
  });

  test("a user who is added may log in at once, and one who is removed may not", async () => {
    expect((await dozo("user add maria --password-stdin", "secret of maria\n")).code).toBe(0);
    expect(await login("maria", "secret of maria")).toBe(200);
    expect((await dozo("user passwd maria --password-stdin", "another secret")).code).toBe(0);
    expect(await login("maria", "secret of maria")).toBe(401);
    expect(await login("maria", "another secret")).toBe(200);
    expect(await names()).toEqual(["admin", "maria"]);
    expect(JSON.parse((await dozo("user remove maria --json")).out)).toEqual({ name: "maria", robots: [] });
    expect(await login("maria", "another secret")).toBe(401);
    expect(await names()).toEqual(["admin"]);
  });

  test("a rule holds from the moment it is made to the moment it is taken away", async () => {
    const { out } = await dozo("user add rita --password-stdin", "secret of rita");
    expect(out).toContain("everyone may pull, push, overwrite everywhere");
    expect(await tagsFor("rita")).toBe(404);

    const rule = JSON.parse((await dozo("access deny rita pull team/* --json")).out) as { readonly id: string };
    expect(await tagsFor("rita")).toBe(403);
    const no = await dozo("access check rita pull team/app");
    expect([no.code, no.out]).toEqual([1, `no: rita may not pull in team/* (rule ${rule.id})\n`]);
    expect((await dozo("access check rita pull other")).code).toBe(0);
    expect(JSON.parse((await dozo(`access remove ${rule.id} --json`)).out)).toEqual({ id: rule.id });
    expect(await tagsFor("rita")).toBe(404);
    const everyone = await dozo("access deny everyone push unused/*");
    expect(everyone.err).toContain("no rule holds for admins");
    expect((await dozo("access allow nobody pull team/*")).code).toBe(1);
    expect((await dozo("user remove rita")).code).toBe(0);
  });

  test("REV-03: who joins a group may at once what its rules say, and who leaves it may no more", async () => {
    expect((await dozo("user add gina --password-stdin", "secret of gina")).code).toBe(0);
    const [first] = JSON.parse((await dozo("access list gina --json")).out) as { readonly id: string }[];
    expect((await dozo(`access remove ${first?.id ?? ""}`)).code).toBe(0);
    expect(await tagsFor("gina")).toBe(403);

    expect((await dozo("group add dev")).out).toContain("added group dev\n");
    expect((await dozo("access allow group:dev pull team/**")).code).toBe(0);
    const joined = await dozo("group join dev gina");
    expect(joined.out).toMatch(/^gina joined dev\n.*group:dev may pull in team\/\*\*$/m);
    expect(await tagsFor("gina")).toBe(404);
    expect(JSON.parse((await dozo("group list --json")).out)).toMatchObject([{ name: "dev", members: ["gina"] }]);

    expect((await dozo("group leave dev gina")).code).toBe(0);
    expect(await tagsFor("gina")).toBe(403);
    expect((await dozo("access check group:dev pull team/app")).code).toBe(0);
    expect(JSON.parse((await dozo("group remove dev --json")).out)).toEqual({ name: "dev", members: 0, rules: 1 });
    expect(await dozo("access check group:dev pull team/app")).toMatchObject({ code: 1, out: "" });

    expect((await dozo("access allow everyone pull,push,overwrite **")).code).toBe(0);
    expect((await dozo("user remove gina")).code).toBe(0);
  });

  test("REV-05: a robot may what rules say, no more than its owner, and goes with the owner", async () => {
    expect((await dozo("user add rosa --password-stdin", "secret of rosa")).code).toBe(0);
    const added = await dozo("robot add nightly --owner rosa --expires 90d");
    expect(added.out).toMatch(/^added robot nightly of rosa, until \d{4}-\d\d-\d\d$/m);
    expect(added.out).toContain("never more than rosa may");
    expect((await dozo("access check nightly push team/app")).code).toBe(0);
    expect((await dozo("access deny rosa push team/*")).code).toBe(0);
    expect((await dozo("access check nightly push team/app")).out).toContain("its owner may not: rosa may not push");

    expect((await dozo("user add nightly --password-stdin", "x")).err).toContain("there is a robot nightly already");
    expect((await dozo("robot add rosa")).err).toContain("there is a user rosa already");
    expect((await dozo("robot add x --expires soon")).code).toBe(2);
    expect((await dozo("user remove rosa")).out).toBe("removed rosa, the robot nightly\n");
    expect(JSON.parse((await dozo("robot list --json")).out)).toEqual([]);
    expect((await dozo("access check nightly pull team/app")).err).toContain("there is no user or robot nightly");
  });

  test("anonymous is asked about like anybody else, and can only ever pull", async () => {
    expect((await dozo("access check anonymous pull public/app")).code).toBe(1);
    expect(await challengeKind()).toBe("Basic");
    const shut = JSON.parse((await dozo("access deny anonymous pull secret/* --json")).out) as { readonly id: string };
    expect(await challengeKind()).toBe("Basic");
    const opened = await dozo("access allow anonymous pull public/* --json");
    const rule = JSON.parse(opened.out) as { readonly id: string; readonly notes: readonly string[] };
    expect(await challengeKind()).toBe("Bearer");
    expect(opened.err).toMatch(/asked for a token[^]*With Bearer[^]*With Basic[^]*--challenge/);
    expect(opened.err.trim().split("\n")).toHaveLength(rule.notes.length);
    const again = await dozo("access allow anonymous pull more/*");
    expect([again.out.includes("anonymous may pull in more/*"), again.err]).toEqual([true, ""]);
    expect((await dozo("access check anonymous pull public/app")).out).toBe(
      `yes: anonymous may pull in public/* (rule ${rule.id})\n`,
    );
    expect((await dozo("access check anonymous push public/app")).code).toBe(1);
    expect((await dozo("access allow anonymous push public/*")).err).toContain("can only ever pull");
    const more = /rule (\w+)/.exec(again.out)?.[1] ?? "";
    for (const id of [rule.id, shut.id, more]) expect((await dozo(`access remove ${id}`)).code).toBe(0);
    expect(await challengeKind()).toBe("Basic");
  });

  test("what is done while no server runs holds at the next start", async () => {
    await stop();
    expect((await dozo("user add offline --password-stdin", "offline secret")).code).toBe(0);
    expect((await dozo("user passwd admin --password-stdin", "second secret")).code).toBe(0);
    expect(await names()).toEqual(["admin", "offline"]);
    const { out } = await dozo("status --json");
    expect(JSON.parse(out)).not.toHaveProperty("pid");
    const dates = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as unknown;
    expect(JSON.parse(out)).toMatchObject({ users: 2, repositories: 0, openUploads: 0, certificateEndsAt: dates });

    await start();
    expect(await login("offline", "offline secret")).toBe(200);
    expect(await login("admin", "second secret")).toBe(200);
    expect((await dozo("user remove offline")).code).toBe(0);
  });

  test("a name that is added is served at once, and after a restart", async () => {
    const shownNames = async (): Promise<string> => (await shownCertificate(registry)).subjectaltname ?? "";
    const before = await shownCertificate(registry);
    expect((await dozo("cert add-name second.lan")).out).toContain("added second.lan\n");
    expect(await shownNames()).toContain("DNS:second.lan");
    for (const words of ["cert renew --json", "ca show --json"])
      expect(JSON.parse((await dozo(words)).out)).toHaveProperty(
        "fingerprint",
        expect.stringMatching(/^[0-9a-f]{64}$/),
      );
    const { out } = await dozo("cert show");
    expect(out).toMatch(/^added +second\.lan$/m);
    expect((await shownCertificate(registry)).pubkey).toEqual(before.pubkey);
    const refused = await dozo("cert add-name registry.example.org");
    expect(refused.err).toContain("without permission for it");
    expect(refused.code).toBe(1);

    await stop();
    expect((await dozo("cert add-name third.lan")).code).toBe(0);
    expect((await dozo("cert renew")).code).toBe(0);
    await start();

    expect(await shownNames()).toMatch(/DNS:second\.lan.*DNS:third\.lan/);
    expect((await shownCertificate(registry)).pubkey).toEqual(before.pubkey);
  });

  test("another authority is announced, kept back while somebody does not know it, and served when that is forced", async () => {
    const fetchCa = async (): Promise<string> =>
      (await fetch(`https://${registry}/ca.crt`, { tls: { rejectUnauthorized: false }, proxy: false })).text();
    const roots = async (): Promise<number> => (await fetchCa()).match(/BEGIN CERTIFICATE/g)?.length ?? 0;
    const issuerOf = async (): Promise<string> => String((await shownCertificate(registry)).issuer["CN"]);
    const [issuer, { pubkey }] = [await issuerOf(), await shownCertificate(registry)];
    expect(await roots()).toBe(1);

    expect((await dozo("ca rotate")).out).toMatch(/dozo ca rotate --data \S+ --finish/);
    expect((await dozo("ca rotate")).code).toBe(1);
    expect(await login("admin", "second secret")).toBe(200);
    const { out: shown } = await dozo("ca show");
    const refused = await dozo("ca rotate --finish");
    expect(shown).toMatch(/^127\.0\.0\.1 +not yet +\d{4}-\d\d-\d\d +admin$/m);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain("fetched from 127.0.0.1 (admin)");
    expect(await roots()).toBe(2);
    expect((await dozo("ca show --pem")).out).toBe(await fetchCa());
    expect((await dozo("ca rotate --finish")).err).toContain("the announcement lasts until");

    await stop();
    expect((await dozo("ca show")).out).toMatch(/^127\.0\.0\.1 +\d{4}-\d\d-\d\d/m);
    await start();
    expect(await issuerOf()).toBe(issuer);
    expect((await dozo("ca rotate --finish --force")).code).toBe(0);

    expect(await issuerOf()).not.toBe(issuer);
    expect((await shownCertificate(registry)).pubkey).toEqual(pubkey);
    expect(await roots()).toBe(1);
  });

  test("the authority is exported without its key, and with it only under a good passphrase", async () => {
    const [plain, full, secret] = ["ca.crt", "ca.pem", "passphrase"].map((name) => join(sandbox.home, name));
    const { out } = await dozo(`ca export ${plain} --json`);
    writeFileSync(secret ?? "", "too short\n", { mode: 0o600 });
    expect((await dozo(`ca export ${full} --passphrase-file ${secret}`)).err).toContain("openssl rand -base64 30");
    writeFileSync(secret ?? "", "a passphrase of some length\n", { mode: 0o600 });
    expect((await dozo(`ca export ${full} --passphrase-file ${secret}`)).code).toBe(0);

    expect(JSON.parse(out)).toMatchObject({ file: plain, hasKey: false });
    expect(readFileSync(plain ?? "", "utf8")).toBe((await dozo("ca show --pem")).out);
    expect(readFileSync(full ?? "", "utf8")).toContain("BEGIN ENCRYPTED PRIVATE KEY");
    expect(lstatSync(full ?? "").mode & 0o777).toBe(0o600);
    expect((await dozo(`ca export ${plain}`)).err).toContain("EEXIST");
  });

  test("status names address, process, certificate and space", async () => {
    const { out, code } = await dozo("status");
    expect(code).toBe(0);
    expect(out).toContain(`runs (process ${running.pid})`);
    expect(out).toContain(registry);
    for (const word of ["certificate", "until 20", "unused", "open uploads", "free of", "version"]) {
      expect(out).toContain(word);
    }
  });

  test("the CA's certificate is printed alone, and is the one that the server gives out", async () => {
    const { out } = await dozo("ca show --pem");
    const served = await fetch(`https://${registry}/ca.crt`, { tls: { rejectUnauthorized: false }, proxy: false });
    expect(out.trim()).toBe((await served.text()).trim());
    expect((await dozo("ca show")).out).toMatch(/SHA-256 +[0-9a-f]{64}\n/);
  });

  const refusals: readonly (readonly [string, string | undefined, number, string])[] = [
    ["user add admin --password-stdin", "x", 1, "there is a user admin already"],
    ["user add bad:name --password-stdin", "x", 1, "is no user name"],
    ["user add empty --password-stdin", "", 2, "there is no password on standard input"],
    ["user add shown", undefined, 2, "a password is only shown on a terminal"],
    ["user passwd nobody --password-stdin", "x", 1, "there is no user nobody"],
    ["user remove nobody", undefined, 1, "there is no user nobody"],
    ["user remove admin", undefined, 1, "is the last admin"],
    ["user frobnicate", undefined, 2, "unknown"],
    ["user lst", undefined, 2, "Did you mean list?"],
    ["status --jsn", undefined, 2, "Did you mean --json?"],
    ["user rm maria", undefined, 2, "user remove --data"],
  ];
  for (const [words, input, code, message] of refusals) {
    test(`dozo ${words} is refused with ${code} and a sentence`, async () => {
      const ended = await dozo(words, input);
      expect(ended).toMatchObject({ code, out: "" });
      expect(ended.err).toContain(message);
      expect(ended.err).not.toMatch(/\n\s+at /);
    });
  }
});

describe("on an empty machine", () => {
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = makeSandbox();
  });
  afterEach(() => sandbox.dispose());

  test("commands that need a registry say how to make one", async () => {
    for (const words of [["status"], ["user", "list"], ["ca", "show"]]) {
      const { code, err } = await sandbox.run([...words, "--data", sandbox.data]);
      expect(code).toBe(1);
      expect(err).toContain("there is no registry in the data folder");
      expect(err).toContain("dozo up");
    }
  });

  test("version prints one line, and JSON when asked", async () => {
    expect((await sandbox.run(["version"])).out).toMatch(/^dozo [0-9]+\.[0-9]+\.[0-9]+ \(Bun [0-9.]+\)\n$/);
    expect(JSON.parse((await sandbox.run(["version", "--json"])).out)).toHaveProperty("version");
  });

  test("dozo alone shows its help and ends with 2", async () => {
    const { code, err } = await sandbox.run([]);
    expect(code).toBe(2);
    expect(err).toStartWith("Examples:\n");
  });

  const misused: readonly (readonly [string, string])[] = [
    ["up --port 80", "did you mean --listen 0.0.0.0:PORT?"],
    ["up --listen", "dozo: --listen needs a value"],
    ["stop", "the server stops with Ctrl-C"],
    ["nope --help", "unknown command 'nope'"],
    ["help nope", "unknown command 'nope'"],
  ];
  test("what was probably meant is said where a command is used wrongly", async () => {
    for (const [words, message] of misused) {
      const { code, err, out } = await sandbox.run(words.split(" "));
      expect([code, out]).toEqual([2, ""]);
      expect(err).toContain(message);
    }
  });

  test("help shows the usual settings, and all of them when asked", async () => {
    const usual = await sandbox.run(["help", "up"]);
    expect(usual.code).toBe(0);
    expect(usual.out).toBe((await sandbox.run(["up", "--help"])).out);
    expect(usual.out.split("\n").length).toBeLessThan(40);
    expect(usual.out).not.toContain("--log-level");
    const all = await sandbox.run(["up", "--help", "--all"]);
    expect(all.out.replaceAll(/\s+/g, " ")).toContain("One of debug, info, warn, error.");
    expect((await sandbox.run(["serve", "--help", "--all"])).out).not.toContain("--user");
  });

  test("commands in messages are called as the program was, and for the same folder", async () => {
    const line = `cd '${dirname(program)}' && ./dozo status --data '${sandbox.data}'`;
    const { err } = await sandbox.run([], { command: ["sh", "-c", line] });
    expect(err).toEndWith(`\n      ./dozo up --data ${sandbox.data} makes one\n`);
    const other = await sandbox.run(["cert", "show", `--data=${sandbox.data}`]);
    expect(other.err).toContain(`dozo up --data ${sandbox.data} `);
    expect((await sandbox.run(["status"])).err).not.toContain("--data");
    expect((await sandbox.run(["status", "--data", sandbox.data, "--help"])).out).toContain("dozo status --json");
  });

  test.if(process.getuid?.() === 0)(
    "root leaves nothing behind that the owner of the folder cannot write",
    async () => {
      const uid = 54_321;
      mkdirSync(sandbox.data, { mode: 0o700 });
      chownSync(sandbox.data, uid, uid);
      chmodSync(sandbox.home, 0o711);
      const words = ["up", "--data", sandbox.data, "--listen", "127.0.0.1:0"];
      const running = sandbox.start(words);
      await running.untilSaid(bannerEnd);
      expect(
        (await sandbox.run(["user", "add", "up", "--data", sandbox.data, "--password-stdin"], { input: "x" })).code,
      ).toBe(0);
      running.child.kill("SIGTERM");
      await running.ended;
      expect(
        (await sandbox.run(["user", "add", "down", "--data", sandbox.data, "--password-stdin"], { input: "x" })).code,
      ).toBe(0);

      const foreign = readdirSync(sandbox.data, { recursive: true, encoding: "utf8" }).filter(
        (name) => lstatSync(join(sandbox.data, name)).uid !== uid,
      );
      expect(foreign).toEqual([]);
    },
  );

  test("the unit of a user's own systemd names this program and no password", async () => {
    const { out, err, code } = await sandbox.run([
      "service",
      "install",
      "--print",
      "--data",
      sandbox.data,
      "--host",
      "box.lan",
    ]);
    expect(code).toBe(0);
    expect(out).toContain("[Service]");
    expect(out).toMatch(/^ExecStart=.* up --data .* --host box\.lan$/m);
    expect(out).toContain("NoNewPrivileges=yes");
    expect(err).toMatch(/^the program of the unit (?:is|will be) \/\S+\n$/);
  });
});

test("every command's help begins with examples", async () => {
  const root = await createProgram({
    output: { isTerminal: false, print: () => {}, note: () => {} },
    environment: {},
    uid: 1000,
    version: "0.0.0",
    showsAllSettings: false,
    readInput: () => Promise.resolve(""),
  });
  for (const command of [root, ...descendants(root)]) {
    let text = "";
    command.configureOutput({ writeOut: (part) => (text += part) });
    command.outputHelp();
    expect(text).toStartWith("Examples:\n  ");
    expect(text).toContain("dozo");
  }
  expect(program).toEndWith("/dozo");
});
