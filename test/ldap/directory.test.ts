import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { connect, createServer, type Socket } from "node:net";

import { DirectoryConnection } from "../../src/auth/ldap/connection.ts";
import { Directory, type DirectoryOptions } from "../../src/auth/ldap/directory.ts";
import { loadSettings } from "../../src/config/load.ts";
import { company, groups, optionsFor, people } from "./people.ts";
import { serviceAccount, type Slapd, startSlapd } from "./slapd.ts";

// OpenLDAP's own server, asked over TLS; and everything that must not work.

setDefaultTimeout(60_000);

let slapd: Slapd;

beforeAll(async () => {
  slapd = await startSlapd(company);
});

afterAll(() => slapd.stop());

function directory(changed: Partial<DirectoryOptions> = {}): Directory {
  return new Directory({ ...optionsFor(slapd), ...changed });
}

/** Why the directory could not be asked; fails where it could. */
async function outage(changed: Partial<DirectoryOptions>, password = "canary-alice"): Promise<string> {
  const error = await directory(changed)
    .verify("alice", password)
    .then(
      (verdict) => new Error(`it answered: ${JSON.stringify(verdict)}`),
      (reason: unknown) => reason,
    );
  expect(error).toMatchObject({ name: "DirectoryUnavailableError" });
  return error instanceof Error ? error.message : "";
}

async function isLetIn(name: string, password: string, changed: Partial<DirectoryOptions> = {}): Promise<boolean> {
  return (await directory(changed).verify(name, password)).kind === "right";
}

const alice = { kind: "right", user: { name: "alice", groups: ["developers", "all of us"] } } as const;

describe("a login by the directory", () => {
  test("gives the user's name and all groups as the directory has them, in lower case", async () => {
    expect(await directory().verify("alice", "canary-alice")).toEqual(alice);
    expect(await directory().verify("ALICE", "canary-alice")).toEqual(alice);
  });

  test("works by StartTLS, too", async () => {
    expect(await directory({ urls: [slapd.ldapUrl], startTls: true }).verify("alice", "canary-alice")).toEqual(alice);
  });

  test("finds groups that name their members by uid, in the case of the entry", async () => {
    const groupFilter = "(&(objectClass=posixGroup)(memberUid={name}))";

    const verdict = await directory({ groupFilter }).verify("alice", "canary-alice");

    expect(verdict).toEqual({ kind: "right", user: { name: "alice", groups: ["build"] } });
  });

  test("takes letters beyond ASCII in names", async () => {
    expect(await directory().verify("günther", "canary-günther")).toMatchObject({ user: { name: "günther" } });
  });

  test("asks the next server where one does not answer, and that one first from then on", async () => {
    const both = directory({ urls: ["ldaps://localhost:1", slapd.ldapsUrl] });

    expect(await both.verify("alice", "canary-alice")).toEqual(alice);
    expect(await both.verify("alice", "canary-alice")).toEqual(alice);
  });

  test("is for members of the allowed groups only, where there are any", async () => {
    expect(await isLetIn("alice", "canary-alice", { allowedGroups: ["DEVELOPERS"] })).toBe(true);
    expect(await isLetIn("bob", "canary-bob", { allowedGroups: ["developers"] })).toBe(false);
    expect(await isLetIn("bob", "canary-bob", { allowedGroups: ["all of us"] })).toBe(true);
  });
});

describe("nobody is let in", () => {
  test.each([
    ["with a wrong password", "alice", "canary-bob"],
    ["without a password, which a directory takes for a bind as nobody and answers with success", "alice", ""],
    ["where the entry has no password", "nopassword", "canary-nopassword"],
    ["whom the directory does not have", "mallory", "canary-alice"],
    ["whose entry has two names, of which rules would know one", "two", "canary-two"],
    ["with a star for a name", "*", "canary-alice"],
    ["with a part of a name", "alic*", "canary-alice"],
    ["with a filter for a name", "alice)(uid=*", "canary-alice"],
    ["with a filter that ends ours", "x)(|(uid=alice", "canary-alice"],
    ["with an escape of the filter's own for a name", "\\61lice", "canary-alice"],
    ["with a place in the filter for a name", "{dn}", "canary-alice"],
    ["with an entry for a name", `uid=alice,${people}`, "canary-alice"],
    ["with a space around the name, which a directory overlooks", "alice ", "canary-alice"],
    ["with a NUL in the name", "alice\0", "canary-alice"],
    ["with a name without end", "a".repeat(3000), "canary-alice"],
    ["with the name of a mechanism", "PLAIN", "canary-alice"],
  ])("%s", async (_, name, password) => {
    expect(await directory().verify(name, password)).toMatchObject({ kind: "wrong" });
  });

  test("whose name means two entries, whichever password comes with it", async () => {
    const userFilter = "(|(uid={name})(mail={name}@example.org))";

    expect(await isLetIn("bob", "canary-bob", { userFilter })).toBe(true);
    expect(await directory({ userFilter }).verify("shared", "canary-bob")).toMatchObject({ kind: "wrong" });
    expect(await directory({ userFilter }).verify("shared", "canary-eve")).toMatchObject({ kind: "wrong" });
  });
});

describe("TLS-08: the directory cannot be asked", () => {
  test("where nobody vouches for its certificate", async () => {
    for (const tls of [{}, { urls: [slapd.ldapUrl], startTls: true }])
      expect(await outage({ ...tls, caPem: undefined })).toContain("certificate");
  });

  test("under a name that its certificate does not have", async () => {
    for (const [url, startTls] of [
      [slapd.ldapsUrl, false],
      [slapd.ldapUrl, true],
    ] as const)
      expect(await outage({ urls: [url.replace("localhost", "127.0.0.1")], startTls })).toContain("altnames");
  });

  test("where it does not begin TLS", async () => {
    const bare = await startSlapd(company, { tls: false });
    try {
      expect(await outage({ urls: [bare.ldapUrl], startTls: true })).not.toBe("");
      expect(bare.log()).not.toContain(serviceAccount.dn);
    } finally {
      await bare.stop();
    }
  });

  test("where somebody on the way puts an answer in front of TLS", async () => {
    // The first question behind TLS has one of these numbers.
    for (const number of [1, 2, 3, 4]) {
      await using line = await startInjector(slapd.ldapUrl, number);
      const options = { url: line.url, startTls: true, caPem: slapd.caPem, timeoutMs: 5000 };

      const verdict = await DirectoryConnection.open(options).then(
        (connection) => connection.bind(`uid=alice,${people}`, "wrong"),
        () => "no connection",
      );

      expect(line.injected()).toBe(1);
      expect(verdict).not.toBe(true);
    }
  });
});

describe("the directory is away", () => {
  test("where it is not there, not known, or silent, in the time that was given", async () => {
    expect(await outage({ urls: ["ldaps://localhost:1"] })).toContain("ldaps://localhost:1");
    expect(await outage({ urls: ["ldaps://directory.invalid"] })).toContain("directory.invalid");
    slapd.freeze();
    try {
      const silent = [{}, { urls: [slapd.ldapUrl], startTls: true }, { urls: [slapd.ldapUrl] }];
      for (const changed of silent)
        expect(await outage({ ...changed, timeoutMs: 200 })).toContain("did not answer within 0.2 s");
    } finally {
      slapd.thaw();
    }
  });

  test("where it does not take dozo's own password, with the very words that help", async () => {
    const searcher = { dn: serviceAccount.dn, password: () => Promise.resolve("old") };

    expect(await outage({ searcher })).toContain("it refuses ldap.bindDn");
  });

  test("where dozo may not read what it needs", async () => {
    expect(await outage({ searcher: undefined })).toContain("may ldap.bindDn read there?");
    expect(await outage({ base: "dc=example,dc=com" })).toContain("is ldap.base right");
  });

  test("where it cuts a list of groups off, so that a rule could be missed", async () => {
    const short = await startSlapd(company, { sizeLimit: 1 });
    try {
      const options = { urls: [short.ldapsUrl], caPem: short.caPem };
      expect(await outage(options)).toContain("result 4");
    } finally {
      await short.stop();
    }
  });

  test("for a moment after it was found away, and is not asked again meanwhile", async () => {
    let connections = 0;
    await using away = await startServer((client) => {
      connections++;
      client.destroy();
    });
    const asked = directory({ urls: [`ldap://localhost:${away.port}`] });

    for (let count = 0; count < 20; count++)
      expect(await asked.verify("alice", "canary-alice").catch(String)).toContain("DirectoryUnavailableError");

    expect(connections).toBe(1);
  });
});

// The rule for groups in groups is Active Directory's alone: OpenLDAP takes it for one that nobody fits.
const definitions = `
attributetype ( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.656 NAME 'userPrincipalName' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl' EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
objectclass ( 1.2.840.113556.1.5.9 NAME 'user' SUP organizationalPerson MAY ( sAMAccountName $ userPrincipalName $ userAccountControl ) )
objectclass ( 1.2.840.113556.1.3.30 NAME 'computer' SUP user )
objectclass ( 1.2.840.113556.1.5.8 NAME 'group' SUP top MAY ( cn $ member $ sAMAccountName ) )
`;
const account = (sAMAccountName: string, objectClass: string, userAccountControl: number): string => `
dn: cn=${sAMAccountName},dc=example,dc=org
objectClass: ${objectClass}
cn: ${sAMAccountName}
sn: ${sAMAccountName}
sAMAccountName: ${sAMAccountName}
userPrincipalName: ${sAMAccountName}@example.org
userAccountControl: ${userAccountControl}
userPassword: canary
`;
const corporate = account("Maria", "user", 512) + account("peter", "user", 514) + account("pc1", "computer", 4096);

function preset(): DirectoryOptions {
  const flags = { "ldap.preset": "active-directory", "ldap.base": "dc=example,dc=org" };
  const { ldap } = loadSettings({
    flags,
    environment: { HOME: "/nowhere" },
    uid: 1000,
    configFile: undefined,
  }).settings;
  const { base, userFilter, nameAttribute, groupBase, groupFilter, groupAttribute } = ldap;
  return { ...optionsFor(slapd), base, userFilter, nameAttribute, groupBase, groupFilter, groupAttribute };
}

describe("a directory in the form of Active Directory", () => {
  test("knows a user by either name, as the one of them; no account that is switched off, and no machine", async () => {
    const active = await startSlapd(corporate, { definitions });
    try {
      const options = { ...preset(), urls: [active.ldapsUrl], caPem: active.caPem };

      for (const name of ["maria", "MARIA", "maria@example.org", "Maria@Example.org"])
        expect(await directory(options).verify(name, "canary")).toMatchObject({ user: { name: "maria" } });
      for (const name of ["peter", "pc1"]) expect(await isLetIn(name, "canary", options)).toBe(false);
    } finally {
      await active.stop();
    }
  });
});

test("a login that many wait for is refused when 64 wait already, and all others are answered", async () => {
  const busy = directory();

  const answers = await Promise.allSettled(Array.from({ length: 100 }, () => busy.verify("alice", "canary-alice")));

  expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(72);
});

test("no password and no name is in what dozo says of a directory that is away", async () => {
  expect(await outage({ urls: ["ldaps://localhost:1"] }, "canary-secret")).not.toContain("canary");
  expect(await outage({ groupBase: `ou=none,${groups}` })).not.toContain("canary");
});

interface Injector extends AsyncDisposable {
  readonly url: string;
  injected(): number;
}

/**
 * Somebody on the way: passes everything on, and behind the directory's consent to TLS, in the same packet, puts the beginning of
 * an answer "success" to a question of this number, whose length takes the true answer in.
 */
async function startInjector(target: string, number: number): Promise<Injector> {
  const success = Uint8Array.from([0x02, 0x01, number, 0x61, 0x07, 0x0a, 0x01, 0x00, 0x04, 0x00, 0x04, 0x00]);
  const trueAnswerBytes = 14;
  const beginning = Buffer.from([0x30, success.length + trueAnswerBytes, ...success]);
  let injected = 0;
  const server = await startServer((client) => {
    const upstream = connect(Number(new URL(target).port), "127.0.0.1").on("error", () => {});
    client.on("close", () => upstream.destroy()).pipe(upstream);
    upstream.once("data", (consent: Buffer) => {
      injected++;
      client.write(Buffer.concat([consent, beginning]));
      upstream.pipe(client);
    });
  });
  return {
    url: `ldap://localhost:${server.port}`,
    injected: () => injected,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A server on a free port of loopback. */
async function startServer(meet: (client: Socket) => void): Promise<AsyncDisposable & { readonly port: number }> {
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    clients.add(client.on("error", () => {}));
    meet(client);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it listens nowhere");
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) client.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
