import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { ulid } from "ulid";
import { Authenticator } from "../../src/auth/authenticate.ts";
import { hashPassword } from "../../src/auth/password.ts";
import { ProcessPrincipals } from "../../src/auth/process-principals.ts";
import { SlowHashes } from "../../src/auth/slow-hashes.ts";
import { WatchedAccounts } from "../../src/auth/watched-accounts.ts";
import type { Ulid } from "../../src/core/ulid.ts";
import { silentLog } from "../../src/log.ts";
import { MemoryAccountStore } from "../../src/storage/memory/account-store.ts";
import { makeRegistry, type TestRegistry } from "./registry.ts";

const proxy = "10.0.0.5";
const password = "opensesame";

/** Knows without a hash, so that many logins take no time. */
class KnowingHashes extends SlowHashes {
  override matches(tried: string): Promise<boolean> {
    return Promise.resolve(tried === password);
  }
}

let authenticator: Authenticator;
let registry: TestRegistry;

beforeEach(async () => {
  const clock = { now: () => Date.now() };
  const ulids = { next: () => ulid() as Ulid };
  const accounts = new WatchedAccounts(new MemoryAccountStore());
  const passwordHash = await hashPassword(password);
  for (const name of ["alice", "bob"])
    await accounts.createUser({ id: ulids.next(), name, isAdmin: false, passwordHash }, { by: ulids.next(), at: 0 });
  authenticator = new Authenticator({
    accounts,
    htpasswd: undefined,
    clock,
    ulids,
    log: silentLog,
    processPrincipals: new ProcessPrincipals(ulids),
    accessKeys: { judge: () => ({ kind: "refused", reason: "there is no access key", isTold: false }) },
    clientCertificates: { judge: () => Promise.reject(new Error("nobody shows a certificate")) },
    bearerTokens: { callerOf: () => Promise.resolve("there are no tokens here") },
    slowHashes: new KnowingHashes(),
    wait: () => Promise.resolve(),
  });
  registry = makeRegistry({}, { authenticate: authenticator.authenticate, trustedProxies: ["10.0.0.0/24"] });
});

afterEach(() => authenticator.stop());

function ask(name: string, tried: string, from: string, forwardedFor?: string): Promise<Response> {
  const headers = new Headers({ host: "registry.test", authorization: `Basic ${btoa(`${name}:${tried}`)}` });
  if (forwardedFor !== undefined) headers.set("x-forwarded-for", forwardedFor);
  return registry.handle(new Request("http://registry.test/v2/", { headers }), { address: from });
}

async function guess(count: number, from: string, forwardedFor?: (index: number) => string): Promise<number[]> {
  const statuses: number[] = [];
  for (let index = 0; index < count; index += 1)
    statuses.push((await ask("alice", `guess ${index}`, from, forwardedFor?.(index))).status);
  return statuses;
}

/** What a client may write into a header, another one each time. */
function written(index: number): string {
  return `198.51.${index}.1`;
}

/** Everything a client sees but the request's id. */
async function seen(answer: Response): Promise<unknown> {
  const headers = [...answer.headers].filter(([name]) => name !== "x-request-id");
  return { status: answer.status, headers, body: await answer.text() };
}

describe("AUTH-09: who guesses", () => {
  test("is answered 429 from the eleventh try on, with a wait, and without the reason that the log has", async () => {
    expect(await guess(10, "192.0.2.1")).toEqual(Array(10).fill(401));

    const answer = await ask("alice", password, "192.0.2.1");
    expect(answer.status).toBe(429);
    expect(answer.headers.get("retry-after")).toBe("10");
    expect(answer.headers.get("www-authenticate")).toBeNull();
    expect(await answer.text()).not.toContain("192.0.2");
    expect(registry.lines.at(-1)).toContain("too many wrong passwords for this name from 192.0.2.0/24");
    expect((await ask("alice", password, "198.51.100.1")).status).toBe(200);
  });

  test("behind a trusted proxy is not everybody behind it", async () => {
    await guess(20, proxy, () => "203.0.113.9");

    expect((await ask("alice", password, proxy, "203.0.113.10")).status).toBe(429);
    expect((await ask("alice", password, proxy, "198.51.100.1")).status).toBe(200);
  });

  test("is no other for the addresses that they write themselves", async () => {
    expect((await guess(20, "192.0.2.1", written)).at(-1)).toBe(429);
    expect((await guess(20, proxy, (index) => `${written(index)}, 203.0.113.9`)).at(-1)).toBe(429);
  });

  test("at many names is stopped by the network's own measure, and tells no other network's users", async () => {
    const statuses: number[] = [];
    for (let index = 0; index < 100; index += 1)
      statuses.push((await ask(`somebody-${index}`, "Summer2026!", `192.0.2.${index}`)).status);

    expect(statuses.indexOf(429)).toBe(60);
    expect(new Set(statuses.slice(60))).toEqual(new Set([429]));
    expect((await ask("bob", password, "192.0.2.200")).status).toBe(429);
    expect((await ask("bob", password, "198.51.100.1")).status).toBe(200);
  });
});

test("AUTH-04: a refusal is the same, to the byte, whoever does not exist and whatever is wrong", async () => {
  const wrong = [
    await ask("alice", "wrong", "192.0.2.1"),
    await ask("nobody", "wrong", "192.0.2.1"),
    await ask("nobody", password, "192.0.2.1"),
    await ask("alice", "x".repeat(1025), "192.0.2.1"),
  ];
  const answers = await Promise.all(wrong.map(seen));
  expect(answers).toEqual(answers.map(() => answers[0]));

  for (const name of ["alice", "nobody"])
    for (let index = 0; index < 10; index += 1) await ask(name, `guess ${index}`, "198.51.100.1");
  const [ofSomebody, ofNobody] = [
    await seen(await ask("alice", "wrong", "198.51.100.1")),
    await seen(await ask("nobody", "wrong", "198.51.100.1")),
  ];
  expect(ofSomebody).toMatchObject({ status: 429 });
  expect(ofNobody).toEqual(ofSomebody);
});
