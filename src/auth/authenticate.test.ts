import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { accessKeySecretBytes, digestAccessKey, writeAccessKey } from "../core/access-key.ts";
import { anonymousCaller } from "../core/caller.ts";
import type { Principal } from "../core/principal.ts";
import type { Ulid, UlidSource } from "../core/ulid.ts";
import type { Log } from "../log.ts";
import { MemoryAccessKeyStore } from "../storage/memory/access-key-store.ts";
import { MemoryAccountStore } from "../storage/memory/account-store.ts";
import { AccessKeys } from "./access-keys.ts";
import { Authenticator, type AuthenticatorOptions, type AuthResult } from "./authenticate.ts";
import { HtpasswdFile } from "./htpasswd.ts";
import { LoginQueue } from "./login-queue.ts";
import { hashPassword } from "./password.ts";
import { ProcessPrincipals } from "./process-principals.ts";
import { SlowHashes } from "./slow-hashes.ts";
import type { StoredHash } from "./stored-hash.ts";
import { WatchedAccounts } from "./watched-accounts.ts";

// The password of each is "correct horse".
const htpasswdText = `bcrypt:$2y$04$TjWPqO15/HX9uvNIxbWfbu64yR10kKW3cdLabmzmYPoBx7dX9qTHK
apr1:$apr1$RNKL/Yio$rAH4OqsUjAO4N.ZBkJFEl1
sha1:{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=
alice:{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=
`;
const operator = "00000000000000000000000000" as Ulid;
const remote = "192.0.2.1";

let folder: string;
let path: string;
let now: number;
let waits: number[];
let logins: Principal[];
let warnings: string[];
let accounts: WatchedAccounts;
let slowHashes: SlowHashes;
let htpasswd: HtpasswdFile;
let processPrincipals: ProcessPrincipals;
let open: Authenticator[];

const log: Log = {
  debug: () => {},
  info: () => {},
  warn: (message, fields) => warnings.push(`${message} ${String(fields?.["user"])}`),
  error: () => {},
};

class RecordingHashes extends SlowHashes {
  readonly seen: string[] = [];

  override matches(password: string, hash: StoredHash): Promise<boolean> {
    this.seen.push(`${hash.scheme} ${hash.text.slice(0, 6)}`);
    return super.matches(password, hash);
  }
}

/** Knows without a hash, so that many logins take no time; `opensesame` is everybody's. */
class KnowingHashes extends SlowHashes {
  asked = 0;

  override matches(password: string): Promise<boolean> {
    this.asked += 1;
    return Promise.resolve(password === "opensesame");
  }
}

function countingUlids(): UlidSource {
  let count = 0;
  return { next: () => `01ARZ3NDEKTSV4RRFFQ69G${String(++count).padStart(4, "0")}` as Ulid };
}

const ulids = countingUlids();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "dozo-auth-"));
  path = join(folder, "htpasswd");
  await writeFile(path, htpasswdText);
  now = Date.now();
  waits = [];
  logins = [];
  warnings = [];
  open = [];
  accounts = new WatchedAccounts(new MemoryAccountStore());
  await addUser("alice", "opensesame", true);
  slowHashes = new SlowHashes();
  htpasswd = await HtpasswdFile.open({ path, clock: { now: () => now }, log });
  processPrincipals = new ProcessPrincipals(ulids);
});

afterEach(async () => {
  for (const authenticator of open) await authenticator.stop();
  htpasswd.stop();
  await rm(folder, { recursive: true });
});

async function addUser(name: string, password: string, isAdmin: boolean): Promise<void> {
  const user = { id: ulids.next(), name, isAdmin, passwordHash: await hashPassword(password) };
  await accounts.createUser(user, { by: operator, at: now });
}

async function setPassword(name: string, password: string): Promise<void> {
  await accounts.setPassword(name, await hashPassword(password), { by: operator, at: now });
}

function make(changes: Partial<AuthenticatorOptions> = {}): Authenticator {
  const authenticator = new Authenticator({
    accounts,
    htpasswd,
    clock: { now: () => now },
    ulids,
    log,
    processPrincipals,
    accessKeys: { judge: () => ({ kind: "refused", reason: "there is no access key", isTold: false }) },
    clientCertificates: { judge: () => Promise.reject(new Error("nobody shows a certificate")) },
    bearerTokens: { callerOf: () => Promise.resolve("there are no tokens here") },
    slowHashes,
    onLogin: (principal) => logins.push(principal),
    wait: (ms) => {
      waits.push(ms);
      return Promise.resolve();
    },
    ...changes,
  });
  open.push(authenticator);
  return authenticator;
}

function basic(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;
}

async function login(
  authenticator: Authenticator,
  name: string,
  password: string,
  address: string | undefined = remote,
): Promise<string> {
  return show(await authenticator.authenticate(basic(name, password), address));
}

function show(result: AuthResult): string {
  if (result.kind !== "caller") return result.kind;
  if (result.caller.principal === undefined) return "anonymous";
  const { name, source, isAdmin } = result.caller.principal;
  return `${name} of ${source}${isAdmin ? ", admin" : ""}`;
}

function reasonOf(result: AuthResult): string | undefined {
  return result.kind === "refused" ? result.reason : undefined;
}

function waitOf(result: AuthResult): number | undefined {
  return result.kind === "refused" ? result.retryAfterSeconds : undefined;
}

describe("who somebody is", () => {
  test("is nobody without credentials, and with podman's empty ones, without any hash", async () => {
    const authenticator = make();
    const nobody = { kind: "caller" as const, caller: anonymousCaller };

    expect(await authenticator.authenticate(null, remote)).toEqual(nobody);
    expect(await authenticator.authenticate(basic("", ""), remote)).toEqual(nobody);
    expect(slowHashes.started).toBe(0);
  });

  test("is one of dozo's own users by name and password", async () => {
    expect(await login(make(), "alice", "opensesame")).toBe("alice of dozo, admin");
  });

  test.each(["bcrypt", "apr1", "sha1"])(
    "is a user of the htpasswd file with a hash of %s, never an admin",
    async (name) => {
      expect(await login(make(), name, "correct horse")).toBe(`${name} of htpasswd`);
    },
  );

  test("is the same principal each time for a user of the htpasswd file", async () => {
    const first = await make().authenticate(basic("sha1", "correct horse"), remote);
    const second = await make().authenticate(basic("sha1", "correct horse"), remote);

    expect(second).toEqual(first);
    expect(await make().authenticate(basic("apr1", "correct horse"), remote)).not.toEqual(first);
  });

  test("is dozo's own user where the htpasswd file has one of the same name, with a warning", async () => {
    const authenticator = make();

    expect(await login(authenticator, "alice", "correct horse")).toBe("refused");
    expect(await login(authenticator, "alice", "opensesame")).toBe("alice of dozo, admin");
    expect(warnings).toContain("a user of the htpasswd file is hidden by dozo's own user of the same name alice");
  });

  test("is nobody of the htpasswd file under the name of a robot", async () => {
    expect(await login(make(), "sha1", "correct horse")).toBe("sha1 of htpasswd");
    const robot = { id: ulids.next(), name: "sha1", owner: undefined, expiresAt: undefined };
    await accounts.createRobot(robot, { by: operator, at: now });

    expect(await login(make(), "sha1", "correct horse")).toBe("refused");
  });

  test("is nobody of a directory under the name of a robot, and the directory does not get the password", async () => {
    const asked: string[] = [];
    const directory = {
      usualMs: 0,
      logIn: async (name: string) => {
        asked.push(name);
        const principal: Principal = { id: ulids.next(), name, isAdmin: false, kind: "user", source: "ldap" };
        return { kind: "principal", principal } as const;
      },
    };
    await accounts.createRobot(
      { id: ulids.next(), name: "ci", owner: undefined, expiresAt: undefined },
      {
        by: operator,
        at: now,
      },
    );

    expect(await login(make({ directory }), "ci", "opensesame")).toBe("refused");
    expect(await login(make({ directory }), "lena", "opensesame")).toBe("lena of ldap");
    expect(asked).toEqual(["lena"]);
  });

  test("is a principal of this process from loopback only", async () => {
    const { name, secret } = processPrincipals.admit("self-test");
    const authenticator = make();

    expect(show(await authenticator.authenticate(basic(name, secret), "127.0.0.1"))).toBe(
      "~self-test of process, admin",
    );
    expect(show(await authenticator.authenticate(basic(name, secret), remote))).toBe("refused");
  });

  test("AUTH-11: is not read out of a header that is malformed, and costs no hash", async () => {
    const authenticator = make();
    for (const header of ["Bearer token", "Basic !", `${basic("a", "b")}, ${basic("c", "d")}`])
      expect(await authenticator.authenticate(header, remote)).toMatchObject({ kind: "refused" });
    expect(slowHashes.started).toBe(0);
  });
});

describe("an access key", () => {
  const id = "01BX5ZZKBKACTAV9WEVGEMMVRZ" as Ulid;
  const text = writeAccessKey(id, Buffer.alloc(accessKeySecretBytes, 7));

  async function withKey(): Promise<Authenticator> {
    const alice = await accounts.findUser("alice");
    if (alice === undefined) throw new Error("alice is gone");
    const principal = { id: alice.id, name: "alice", isAdmin: true, kind: "user", source: "dozo" } as const;
    const store = new MemoryAccessKeyStore(() => ({ principal, principalExpiresAt: undefined }));
    const accessKeys = await AccessKeys.open(store, { now: () => now });
    const digest = Buffer.from(digestAccessKey(text)).toString("hex");
    const key = { id, digest, principalId: alice.id, limits: undefined, expiresAt: undefined };
    await accessKeys.addKey(key, { by: operator, at: now });
    return make({ accessKeys });
  }

  test("is a password of its user's, and a bearer token, without any hash or waiting", async () => {
    const authenticator = await withKey();

    const results = [basic("alice", text), `Bearer ${text}`].map((header) =>
      authenticator.authenticate(header, remote),
    );

    for (const result of results)
      expect(result).toMatchObject({
        kind: "caller",
        caller: { principal: { name: "alice" }, credential: { kind: "key", id } },
      });
    expect(slowHashes.started).toBe(0);
    expect(waits).toEqual([]);
  });

  test("that is wrong, damaged or another user's costs no hash either", async () => {
    const authenticator = await withKey();
    const headers = [
      basic("alice", writeAccessKey(id, Buffer.alloc(accessKeySecretBytes, 8))),
      basic("alice", text.slice(0, -1)),
      basic("bcrypt", text),
      basic("", text),
      `Bearer ${text.slice(0, -1)}`,
      "Bearer abc.def.ghi",
    ];

    for (const header of headers)
      expect(await authenticator.authenticate(header, remote)).toMatchObject({ kind: "refused" });
    expect(slowHashes.started).toBe(0);
  });

  test("is not read out of a password that only looks a little like one", async () => {
    await addUser("carla", "dozo_secret-of-mine", false);

    expect(await login(await withKey(), "carla", "dozo_secret-of-mine")).toBe("carla of dozo");
  });
});

describe("AUTH-03, AUTH-04: a login that fails", () => {
  const failures: readonly (readonly [string, string, string])[] = [
    ["an unknown user", "nobody", "opensesame"],
    ["a wrong password", "alice", "opensesam"],
    ["a wrong password of a user with a legacy hash", "sha1", "wrong"],
    ["a wrong password of a bcrypt user", "bcrypt", "wrong"],
    ["an empty password", "alice", ""],
    ["an empty password of an unknown user", "nobody", ""],
    ["an empty name", "", "opensesame"],
    ["a NUL in the password", "alice", "open\0sesame"],
    ["a password of 1025 bytes", "alice", "a".repeat(1025)],
  ];

  test.each(failures)("with %s runs exactly one slow hash and waits for the floor", async (_, name, password) => {
    const authenticator = make({ failureFloorMs: 600_000 });

    expect(await login(authenticator, name, password)).toBe("refused");

    expect(slowHashes.started).toBe(1);
    expect(waits).toHaveLength(1);
    expect(waits[0]).toBeWithin(500_000, 600_001);
    expect(logins).toEqual([]);
  });

  test("of an unknown user runs a hash of the costliest kind that is in use, and of another the user's own", async () => {
    await writeFile(path, `${htpasswdText}costly:$2y$10$TjWPqO15/HX9uvNIxbWfbu64yR10kKW3cdLabmzmYPoBx7dX9qTHK\n`);
    await htpasswd.refresh();
    const recording = new RecordingHashes();
    const authenticator = make({ slowHashes: recording });

    for (const name of ["nobody", "alice", "sha1"]) await login(authenticator, name, "wrong");

    expect(recording.seen).toEqual(["bcrypt $2b$10", "argon2id $argon", "sha1 {SHA}L"]);
  });

  test("fails for what cannot be a password, even if the user's password is what is hashed instead of it", async () => {
    await addUser("bob", "no password", false);
    const authenticator = make();

    expect(await login(authenticator, "bob", "")).toBe("refused");
    expect(await login(authenticator, "bob", "no password")).toBe("bob of dozo");
  });

  test("runs one for each time, and one alone for those that are the same at the same time", async () => {
    const authenticator = make();

    await Promise.all([login(authenticator, "alice", "wrong"), login(authenticator, "alice", "wrong")]);
    expect(slowHashes.started).toBe(1);
    await login(authenticator, "alice", "wrong");

    expect(slowHashes.started).toBe(2);
  });

  test("is not answered before the costliest hash would be, however low the floor", async () => {
    const authenticator = make({ failureFloorMs: 0 });

    await login(authenticator, "sha1", "wrong, and the worker is started");
    await login(authenticator, "sha1", "wrong");

    // The decoy took some milliseconds of which the SHA-1 has taken next to none.
    expect(waits[1]).toBeGreaterThan(0);
  });

  test("is told to come back, without a hash, when too many wait", async () => {
    const authenticator = make({ queue: new LoginQueue({ running: 1, waiting: 1 }) });
    const attempts = ["a", "b", "c", "d"].map(async (name) => authenticator.authenticate(basic(name, "x"), remote));

    const results = await Promise.all(attempts);

    const pushedBack = results.filter((result) => result.kind === "refused" && result.retryAfterSeconds !== undefined);
    expect(pushedBack).toHaveLength(2);
    expect(slowHashes.started).toBe(2);
  });
});

async function guess(authenticator: Authenticator, count: number, name = "alice"): Promise<AuthResult[]> {
  const results: AuthResult[] = [];
  for (let index = 0; index < count; index += 1)
    results.push(await authenticator.authenticate(basic(name, `guess ${index}`), remote));
  return results;
}

describe("AUTH-09: who guesses", () => {
  const sameNetwork = "192.0.2.200";
  const otherNetwork = "198.51.100.1";
  let hashes: KnowingHashes;

  beforeEach(() => {
    hashes = new KnowingHashes();
  });

  function makeKnowing(queue = new LoginQueue()): Authenticator {
    return make({ slowHashes: hashes, queue });
  }

  test("is told to come back from the eleventh try on, without a hash, and with a reason for the log", async () => {
    const results = await guess(makeKnowing(), 20);

    expect(new Set(results.slice(0, 10).map(reasonOf))).toEqual(new Set(["the password is wrong"]));
    expect(results.slice(0, 10).map(waitOf)).toEqual(Array(10).fill(undefined));
    expect(new Set(results.slice(10).map(reasonOf))).toEqual(
      new Set(["too many wrong passwords for this name from 192.0.2.0/24"]),
    );
    expect(results.slice(10).map(waitOf)).toEqual(Array(10).fill(10));
    expect(hashes.asked).toBe(10);
  });

  test("locks nobody out: the right password goes on being right from every other network", async () => {
    const authenticator = makeKnowing();
    await guess(authenticator, 20);

    expect(await login(authenticator, "alice", "opensesame", sameNetwork)).toBe("refused");
    expect(await login(authenticator, "alice", "opensesame", otherNetwork)).toBe("alice of dozo, admin");
    expect(await login(authenticator, "alice", "opensesame", undefined)).toBe("alice of dozo, admin");
  });

  test("does not stop who has logged in from the same network before, nor when it is not remembered any more", async () => {
    const authenticator = makeKnowing();
    await login(authenticator, "alice", "opensesame", sameNetwork);
    await guess(authenticator, 20);

    expect(await login(authenticator, "alice", "opensesame", sameNetwork)).toBe("alice of dozo, admin");
    now += 60_000;
    expect(await login(authenticator, "alice", "opensesame", sameNetwork)).toBe("alice of dozo, admin");
  });

  test("learns nothing of who exists from when it begins", async () => {
    const authenticator = makeKnowing();
    const ofSomebody = (await guess(authenticator, 12, "alice")).map(waitOf);
    const ofNobody = (await guess(authenticator, 12, "nobody")).map(waitOf);

    expect(ofSomebody.filter((seconds) => seconds !== undefined)).toHaveLength(2);
    expect(ofNobody).toEqual(ofSomebody);
  });

  test("costs one hash for one guess, also from many networks at once", async () => {
    const authenticator = makeKnowing();
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => login(authenticator, "alice", "wrong", `10.0.${index % 10}.1`)),
    );

    expect(hashes.asked).toBe(10);
  });

  test("and who does not: one hash is enough for one password that is right, from however many networks", async () => {
    const authenticator = makeKnowing(new LoginQueue({ running: 1 }));
    const results = await Promise.all(
      Array.from({ length: 40 }, (_, index) => login(authenticator, "alice", "opensesame", `10.0.${index}.1`)),
    );

    expect(results).toEqual(Array(40).fill("alice of dozo, admin"));
    expect(hashes.asked).toBe(1);
    expect(logins).toHaveLength(1);
  });

  test("is not counted as wrong where the queue was full", async () => {
    const authenticator = makeKnowing(new LoginQueue({ running: 1, waiting: 0 }));
    const first = login(authenticator, "nobody", "takes the only place");
    expect((await guess(authenticator, 30)).map(waitOf)).toEqual(Array(30).fill(2));
    await first;

    expect(await login(authenticator, "alice", "opensesame")).toBe("alice of dozo, admin");
  });
});

describe("AUTH-03: a login that had to wait for its turn", () => {
  test("is not answered by how long its hash takes, although the floor is over", async () => {
    const authenticator = make({ failureFloorMs: 0, queue: new LoginQueue({ running: 1 }) });
    await login(authenticator, "nobody", "so that the decoy and the thread are there");
    waits = [];

    await Promise.all(["bcrypt", "apr1", "sha1"].map((name) => login(authenticator, name, "wrong")));

    expect(Math.min(...waits)).toBeGreaterThan(0);
  });
});

describe("AUTH-06: a bcrypt user of the htpasswd file", () => {
  test("with an empty password there cannot log in with a NUL, which is the same to bcrypt", async () => {
    const text = await Bun.password.hash("\0", { algorithm: "bcrypt", cost: 4 });
    await writeFile(path, `empty:${text}\n`);
    await htpasswd.refresh();

    expect(await login(make(), "empty", "\0")).toBe("refused");
    expect(await login(make(), "empty", "")).toBe("refused");
  });
});

describe("AUTH-10: a login that succeeded", () => {
  test("is answered at once and without a hash for a minute", async () => {
    const authenticator = make();
    await login(authenticator, "alice", "opensesame");

    now += 59_999;
    expect(authenticator.authenticate(basic("alice", "opensesame"), remote)).toMatchObject({ kind: "caller" });
    expect(slowHashes.started).toBe(1);
    now += 1;
    await login(authenticator, "alice", "opensesame");

    expect(slowHashes.started).toBe(2);
    expect(logins).toHaveLength(2);
  });

  test("makes no other password right", async () => {
    const authenticator = make();
    await login(authenticator, "alice", "opensesame");

    expect(await login(authenticator, "alice", "opensesamf")).toBe("refused");
    expect(await login(authenticator, "bcrypt", "opensesame")).toBe("refused");
  });

  test("counts no more once the password is another", async () => {
    const authenticator = make();
    await login(authenticator, "alice", "opensesame");

    await setPassword("alice", "another one");

    expect(await login(authenticator, "alice", "opensesame")).toBe("refused");
    expect(await login(authenticator, "alice", "another one")).toBe("alice of dozo, admin");
  });

  test("counts no more once the user is removed, nor for one who is made again", async () => {
    await addUser("bob", "opensesame", true);
    const authenticator = make();
    await login(authenticator, "bob", "opensesame");

    await accounts.removeUser("bob", { by: operator, at: now });
    expect(await login(authenticator, "bob", "opensesame")).toBe("refused");
    await addUser("bob", "opensesame", false);

    expect(await login(authenticator, "bob", "opensesame")).toBe("bob of dozo");
  });

  test("of the htpasswd file counts no more once dozo has a user of the name", async () => {
    const authenticator = make();
    await login(authenticator, "sha1", "correct horse");

    await addUser("sha1", "opensesame", false);

    expect(await login(authenticator, "sha1", "correct horse")).toBe("refused");
  });

  test("of the htpasswd file counts no more once the line is another or gone", async () => {
    const authenticator = make();
    await login(authenticator, "apr1", "correct horse");
    await login(authenticator, "sha1", "correct horse");

    await writeFile(path, htpasswdText.replace("apr1:$apr1$RNKL", "apr1:$apr1$RNKM").replace(/^sha1:.*\n/m, ""));
    await htpasswd.refresh();

    expect(await login(authenticator, "apr1", "correct horse")).toBe("refused");
    expect(await login(authenticator, "sha1", "correct horse")).toBe("refused");
    expect(await login(authenticator, "bcrypt", "correct horse")).toBe("bcrypt of htpasswd");
  });

  test("of the htpasswd file makes another principal once the line was gone and is there again", async () => {
    const authenticator = make();
    const before = await authenticator.authenticate(basic("sha1", "correct horse"), remote);
    const other = await authenticator.authenticate(basic("apr1", "correct horse"), remote);

    await writeFile(path, htpasswdText.replace(/^sha1:.*\n/m, ""));
    await htpasswd.refresh();
    await writeFile(path, htpasswdText);
    await htpasswd.refresh();

    const after = await authenticator.authenticate(basic("sha1", "correct horse"), remote);
    expect(after).toMatchObject({ kind: "caller", caller: { principal: { name: "sha1" } } });
    expect(after).not.toEqual(before);
    expect(await authenticator.authenticate(basic("apr1", "correct horse"), remote)).toEqual(other);
  });

  test("of the htpasswd file makes another principal once the line was gone at a start", async () => {
    const before = await make().authenticate(basic("sha1", "correct horse"), remote);
    await writeFile(path, htpasswdText.replace(/^sha1:.*\n/m, ""));
    make({ htpasswd: await HtpasswdFile.open({ path, clock: { now: () => now }, log }) });

    expect(await make().authenticate(basic("sha1", "correct horse"), remote)).not.toEqual(before);
  });

  test("is not remembered when the password changes while the hash is computed", async () => {
    const authenticator = make();
    await login(authenticator, "nobody", "so that the decoy is there");
    const passwordHash = await hashPassword("another one");
    const underWay = login(authenticator, "alice", "opensesame");

    await accounts.setPassword("alice", passwordHash, { by: operator, at: now });

    expect(await underWay).toBe("refused");
    expect(await login(authenticator, "alice", "opensesame")).toBe("refused");
  });

  test("is not joined to one that began with the password of before", async () => {
    const authenticator = make();
    await login(authenticator, "nobody", "so that the decoy is there");
    const passwordHash = await hashPassword("another one");
    const before = login(authenticator, "alice", "another one");

    await accounts.setPassword("alice", passwordHash, { by: operator, at: now });

    expect(await login(authenticator, "alice", "another one")).toBe("alice of dozo, admin");
    await before;
  });

  test("of the htpasswd file is not joined to one that began with the line of before", async () => {
    const text = await Bun.password.hash("another one", { algorithm: "bcrypt", cost: 4 });
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    const { promise: gate, resolve: release } = Promise.withResolvers<void>();
    class HeldHashes extends SlowHashes {
      override async matches(password: string, hash: StoredHash): Promise<boolean> {
        ask();
        await gate;
        return super.matches(password, hash);
      }
    }
    const authenticator = make({ slowHashes: new HeldHashes() });
    const before = login(authenticator, "bcrypt", "another one");
    await asked;
    await writeFile(path, htpasswdText.replace(/^bcrypt:.*$/m, `bcrypt:${text}`));
    await htpasswd.refresh();

    const behind = login(authenticator, "bcrypt", "another one");
    release();

    expect(await before).toBe("refused");
    expect(await behind).toBe("bcrypt of htpasswd");
  });

  test("is told to whoever wants to know", async () => {
    await login(make(), "alice", "opensesame");

    expect(logins).toMatchObject([{ name: "alice", source: "dozo" }]);
  });
});
