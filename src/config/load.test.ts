import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadSettings, SettingsError, type SettingsSources } from "./load.ts";

const folder = mkdtempSync(join(tmpdir(), "dozo-settings-"));
afterAll(() => rmSync(folder, { recursive: true }));

function sources(changes: Partial<SettingsSources>, yaml?: string): SettingsSources {
  const configFile = yaml === undefined ? undefined : join(folder, "dozo.yaml");
  if (configFile !== undefined) writeFileSync(configFile, yaml ?? "");
  return { flags: {}, environment: { HOME: folder }, uid: 1000, configFile, ...changes };
}

function faults(changes: Partial<SettingsSources>, yaml?: string): readonly string[] {
  try {
    loadSettings(sources(changes, yaml));
  } catch (error) {
    if (error instanceof SettingsError) return error.faults;
    throw error;
  }
  return [];
}

test("without any source every setting has its default", () => {
  const { settings, chosen } = loadSettings(sources({}));

  expect(settings.listen).toEqual([{ address: { host: "0.0.0.0", port: 5000 }, tls: "own" }]);
  expect(settings.data).toBe(join(folder, ".local/share/dozo"));
  expect(settings.trustedProxies).toEqual([]);
  expect(settings.limits.manifestBytes).toBe(4 * 1024 * 1024);
  expect([...chosen]).toEqual([]);
});

test("root's data folder is /var/lib/dozo, and an XDG data home is followed when it is absolute", () => {
  expect(loadSettings(sources({ uid: 0 })).settings.data).toBe("/var/lib/dozo");
  const named = { HOME: folder, XDG_DATA_HOME: "/elsewhere" };
  expect(loadSettings(sources({ environment: named })).settings.data).toBe("/elsewhere/dozo");
  const relative = { HOME: folder, XDG_DATA_HOME: "here" };
  expect(loadSettings(sources({ environment: relative })).settings.data).toBe(join(folder, ".local/share/dozo"));
});

test("a flag wins over the environment, and the environment over the file", () => {
  const yaml = "user: file\nlogLevel: debug\nlimits:\n  manifestBytes: 100000\n";
  const environment = { HOME: folder, DOZO_USER: "environment", DOZO_LIMITS_MANIFEST_BYTES: "200000" };

  const { settings, chosen } = loadSettings(sources({ flags: { user: "flag" }, environment }, yaml));

  expect(settings.user).toBe("flag");
  expect(settings.limits.manifestBytes).toBe(200_000);
  expect(settings.logLevel).toBe("debug");
  expect([...chosen].toSorted()).toEqual(["limits.manifestBytes", "logLevel", "user"]);
});

test("listeners are read in each of their forms", () => {
  const flags = { listen: ["[::1]:5000", "http://127.0.0.1:5001", "unix:/run/x.sock", ":443", "https://box.lan:5"] };
  expect(loadSettings(sources({ flags })).settings.listen).toEqual([
    { address: { host: "::1", port: 5000 }, tls: "own" },
    { address: { host: "127.0.0.1", port: 5001 }, tls: "off" },
    { address: { unix: "/run/x.sock" }, tls: "off" },
    { address: { host: "0.0.0.0", port: 443 }, tls: "own" },
    { address: { host: "box.lan", port: 5 }, tls: "own" },
  ]);
  const yaml = "listen:\n  - address: 0.0.0.0:443\n    tls: { certificate: /a.crt, key: /a.key }\n";
  expect(loadSettings(sources({}, yaml)).settings.listen).toEqual([
    { address: { host: "0.0.0.0", port: 443 }, tls: { certificate: "/a.crt", key: "/a.key" } },
  ]);
});

test("a listener without TLS that others can reach needs the flag that names the risk", () => {
  const listen = ["http://0.0.0.0:5000"];
  expect(faults({ flags: { listen } })[0]).toContain("--insecure-plain-http");
  expect(faults({ flags: { listen, insecurePlainHttp: true } })).toEqual([]);
});

const wrong: readonly (readonly [string, string, string])[] = [
  ["a key that is mistyped", "usr: x\n", "dozo.yaml:1:1: usr is no setting: did you mean user?"],
  [
    "a mistyped nested key",
    "limits:\n  manifestByte: 5\n",
    ":2:3: limits.manifestByte is no setting: did you mean limits.manifestBytes?",
  ],
  [
    "a number outside its range",
    "limits:\n  manifestBytes: 12\n",
    ":2:18: limits.manifestBytes is 12: it has to be a whole number from 65536 to 67108864",
  ],
  [
    "a word where a number is needed",
    "minFreeBytes: lots\n",
    ':1:15: minFreeBytes is "lots": it has to be a whole number',
  ],
  ["a value outside a list", "logLevel: loud\n", ':1:11: logLevel is "loud": it has to be debug, info, warn, error'],
  ["YAML that cannot be read", "user: [a\n", "dozo.yaml:2:1: "],
  ["a list where a map is needed", "- a\n", "dozo.yaml:1:1: a settings file is"],
  ["a map that is a number", "limits: 5\n", ":1:1: limits has to hold settings"],
  [
    "an entry of a list",
    "hosts:\n  - good.example\n  - bad_host\n",
    ':3:5: hosts: "bad_host" is neither a host name nor an IP address',
  ],
  ["a listener that is none", "listen: [ 'tcp://x' ]\n", ":1:11: listen: "],
  ["a key that is there twice", "user: a\nuser: b\n", "dozo.yaml:2:1: this name stands here for the second time"],
  ["two settings on one line", "data: user: x\n", "dozo.yaml:1:7: the lines do not fit together here"],
  ["a tab", "\tdata: x\n", "dozo.yaml:1:1: there is a tab in front of it"],
  ["a quotation mark that is missing", 'user: "abc\n', "a closing quotation mark, a bracket"],
  ["a number in place of a name", "hosts: [5]\n", ":1:9: hosts: has to be text; write it in quotes"],
  ["a list without a value", "hosts:\n", ":1:7: hosts: has to be a list"],
  ["a folder without a name", 'data: ""\n', ":1:7: data: needs a value"],
  ["no listener at all", "listen: []\n", ":1:9: listen: needs at least one entry"],
];

for (const [what, yaml, expected] of wrong) {
  test(`${what} is refused with its place`, () => {
    expect(faults({}, yaml).join("\n")).toContain(expected);
  });
}

test("a fault in the environment and in a flag names the variable and the flag", () => {
  const environment = { HOME: folder, DOZO_STOP_GRACE_SECONDS: "never" };
  expect(faults({ environment })).toEqual([
    'DOZO_STOP_GRACE_SECONDS is "never": it has to be a whole number from 0 to 3600',
  ]);
  expect(faults({ flags: { "limits.tagsPerPut": "0" } })).toEqual([
    "--limits-tags-per-put is 0: it has to be a whole number from 1 to 10000",
  ]);
});

test("in the file a list of one may be written as that one", () => {
  const yaml = "listen: 127.0.0.1:443\nhosts: a.example\nsuffixes: b.example\ntrustedProxies: 10.0.0.0/8\n";
  const { settings } = loadSettings(sources({}, yaml));
  expect(settings).toMatchObject({ hosts: ["a.example"], suffixes: ["b.example"], trustedProxies: ["10.0.0.0/8"] });
  expect(settings.listen).toEqual([{ address: { host: "127.0.0.1", port: 443 }, tls: "own" }]);
  const one = loadSettings(sources({}, "listen: { address: '127.0.0.1:80', tls: off }\n"));
  expect(one.settings.listen).toEqual([{ address: { host: "127.0.0.1", port: 80 }, tls: "off" }]);
});

test("a mistyped variable is a fault, one that Kubernetes sets is not", () => {
  const kubernetes = { DOZO_PORT: "tcp://10.0.0.1:5000", DOZO_SERVICE_HOST: "10.0.0.1", DOZO_PORT_5000_TCP: "x" };
  expect(faults({ environment: { HOME: folder, DOZO_HOTS: "x" } })).toEqual([
    "DOZO_HOTS is no setting: did you mean DOZO_HOSTS?",
  ]);
  expect(faults({ environment: { HOME: folder, DOZO_PORT: "443" } })).toEqual([
    "DOZO_PORT is no setting: did you mean DOZO_LISTEN?",
  ]);
  expect(faults({ environment: { HOME: folder, ...kubernetes } })).toEqual([]);
});

test("a proxy list that trusts everybody is refused", () => {
  for (const all of ["*", "0.0.0.0/0", "::/0"]) {
    expect(faults({ flags: { trustedProxies: [all] } })[0]).toContain("would let every client name any address");
  }
  expect(faults({ flags: { trustedProxies: ["10.0.0.0/8", "::1", "fd00::/8"] } })).toEqual([]);
  expect(faults({ flags: { trustedProxies: ["10.0.0.0/33"] } })[0]).toContain("is no network");
});

test("a settings file that was named has to be there", () => {
  expect(faults({ configFile: "/nowhere/dozo.yaml" })).toEqual([
    "the settings file /nowhere/dozo.yaml cannot be read (ENOENT)",
  ]);
});

test("a listener that demands client certificates is written mtls://, or said in the file", () => {
  const demanded = { address: { host: "0.0.0.0", port: 5443 }, tls: "own", clientCertificates: "required" } as const;
  const inFile = "listen:\n  - address: 0.0.0.0:5443\n    clientCertificates: required\n";

  expect(loadSettings(sources({ flags: { listen: ["mtls://:5443"] } })).settings.listen).toEqual([demanded]);
  expect(loadSettings(sources({}, inFile)).settings.listen).toEqual([demanded]);
  expect(faults({}, inFile.replace("0.0.0.0", "http://127.0.0.1"))[0]).toContain("without TLS there are none");
  expect(faults({}, inFile.replace("required", "wanted"))[0]).toContain("clientCertificates required");
});

test("rules for certificates of the operator's authority are read from flags and from the file", () => {
  const flags = { clientCa: "ca.pem", clientUsers: ["cn:ci=robot"] };
  const inFile = 'clientCa: ca.pem\nclientUsers:\n  - match: "subject:CN=a,O=b"\n    user: root\n    admin: true\n';
  const robot = { kind: "cn", pattern: "ci", user: "robot", mayBeAdmin: false } as const;

  expect(loadSettings(sources({ flags })).settings.clientUsers).toEqual([robot]);
  expect(loadSettings(sources({}, inFile)).settings.clientUsers).toEqual([
    { kind: "subject", pattern: "CN=a,O=b", user: "root", mayBeAdmin: true },
  ]);
  expect(faults({ flags: { clientUsers: ["cn:ci=robot"] } })[0]).toContain("clientCa");
  expect(faults({ flags: { ...flags, clientUsers: ["ci"] } })[0]).toContain('"ci" is no rule');
});
