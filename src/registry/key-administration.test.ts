import { beforeEach, describe, expect, test } from "bun:test";
import { monotonicFactory } from "ulid";
import type { MadeAccessKey, NewAccessKey } from "../core/access-key-administration.ts";
import { digestAccessKey, readAccessKey } from "../core/access-key.ts";
import { AdministrationError } from "../core/administration.ts";
import type { Principal, PrincipalId } from "../core/principal.ts";
import type { Ulid } from "../core/ulid.ts";
import { MemoryAccessKeyStore } from "../storage/memory/access-key-store.ts";
import { type KeyActor, KeyAdministration } from "./key-administration.ts";

const dayMs = 86_400_000;
const operator: KeyActor = { id: "00000000000000000000000000" as PrincipalId, name: "operator", reach: "all" };
const maria = principal("01ARZ3NDEKTSV4RRFFQ69G5FAA", "maria");
const otto = principal("01ARZ3NDEKTSV4RRFFQ69G5FAB", "otto");
const robot: Principal = {
  ...principal("01ARZ3NDEKTSV4RRFFQ69G5FAC", "ci"),
  kind: "robot",
  owner: maria,
};
const asMaria: KeyActor = { id: maria.id, name: "maria", reach: "own" };
const anything: NewAccessKey = { repositories: [], actions: [], lifetimeMs: dayMs };

const ulid = monotonicFactory();
let now: number;
let store: MemoryAccessKeyStore;
let keys: KeyAdministration;

function principal(id: string, name: string): Principal {
  return { id: id as PrincipalId, name, isAdmin: false, kind: "user", source: "dozo" };
}

beforeEach(() => {
  now = 1000;
  store = new MemoryAccessKeyStore((id) => {
    const found = [maria, otto, robot].find((each) => each.id === id);
    return found === undefined ? undefined : { principal: found, principalExpiresAt: undefined };
  });
  keys = new KeyAdministration({ keys: store, clock: { now: () => now }, ulids: { next: () => ulid() as Ulid } });
});

function faultOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => "no fault",
    (error: unknown) => (error instanceof AdministrationError ? error.fault : error),
  );
}

describe("an access key is made", () => {
  test("with its end, and is told once: what is kept is its digest", async () => {
    const made = await keys.create(maria, anything, operator);

    expect(made).toEqual({
      id: made.id,
      principal: "maria",
      grants: undefined,
      createdAt: 1000,
      expiresAt: 1000 + dayMs,
      lastUsedAt: undefined,
      hasEnded: false,
      key: made.key,
    });
    expect(readAccessKey(made.key)).toMatchObject({ kind: "key", id: made.id });
    const [record] = await store.listKeys();
    expect(record?.digest).toBe(Buffer.from(digestAccessKey(made.key)).toString("hex"));
    expect(JSON.stringify([record, await keys.list(operator)])).not.toContain(made.key.slice(32));
  });

  test("for some repositories and actions, and a list shows no more with it", async () => {
    const asked = { ...anything, repositories: ["team/*", "infra/**"], actions: ["pull", "push"] };

    const { grants } = await keys.create(maria, asked, operator);

    const actions = ["pull", "push"];
    expect(grants as unknown).toEqual([
      { repositories: "team/*", actions },
      { repositories: "infra/**", actions },
    ]);
    expect((await store.listKeys())[0]?.limits).toMatchObject({ grants, catalog: "granted" });
  });

  test("for some repositories and all actions, or for some actions everywhere", async () => {
    const some = await keys.create(maria, { ...anything, repositories: ["team/*"] }, operator);
    const read = await keys.create(maria, { ...anything, actions: ["pull"] }, operator);

    expect(some.grants?.[0]?.actions).toContain("delete");
    expect(read.grants as unknown).toEqual([{ repositories: "**", actions: ["pull"] }]);
  });

  test("without an end only where that is said", async () => {
    const made = await keys.create(maria, { ...anything, lifetimeMs: "never" }, operator);
    expect(made.expiresAt).toBeUndefined();

    for (const lifetimeMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 11 * 366 * dayMs])
      expect(await faultOf(keys.create(maria, { ...anything, lifetimeMs }, operator))).toBe("key-invalid");
  });

  test.each([
    [{ repositories: ["Team/*"] }, "rule-invalid"],
    [{ repositories: [""] }, "rule-invalid"],
    [{ actions: ["pull", "fly"] }, "rule-invalid"],
    [{ actions: [""] }, "rule-invalid"],
    [{ repositories: Array.from({ length: 51 }, (_, number) => `team/${number}`) }, "key-invalid"],
  ])("but not from %j", async (more, fault) => {
    expect(await faultOf(keys.create(maria, { ...anything, ...more }, operator))).toBe(fault);
    expect(await store.listKeys()).toEqual([]);
  });

  test("a hundred times at most for one principal, however many are asked for at once", async () => {
    const asked = Array.from({ length: 110 }, () => faultOf(keys.create(maria, anything, operator)));

    const faults = await Promise.all(asked);

    expect(faults.filter((fault) => fault === "too-many-keys")).toHaveLength(10);
    expect(await store.listKeys()).toHaveLength(100);
    expect(await faultOf(keys.create(otto, anything, operator))).toBe("no fault");
  });
});

describe("API-03: who looks after their own keys", () => {
  let own: MadeAccessKey;
  let robots: MadeAccessKey;
  let others: MadeAccessKey;

  beforeEach(async () => {
    own = await keys.create(maria, anything, asMaria);
    robots = await keys.create(robot, anything, asMaria);
    others = await keys.create(otto, anything, operator);
  });

  test("makes none for others", async () => {
    expect(await faultOf(keys.create(otto, anything, asMaria))).toBe("key-invalid");
    expect(await store.listKeys()).toHaveLength(3);
  });

  test("sees those and no others", async () => {
    expect((await keys.list(asMaria)).map(({ id }) => id)).toEqual([own.id, robots.id]);
    expect(await keys.list(operator)).toHaveLength(3);
  });

  test("revokes those, and nobody else's: that there is one is not told", async () => {
    const unknown = await keys.revoke({ id: ulid() }, asMaria).catch(String);
    const foreign = await keys.revoke({ id: others.id }, asMaria).catch(String);
    expect(String(foreign).replace(others.id, "X")).toBe(String(unknown).replace(/01[0-9A-Z]{24}/, "X"));
    expect(await faultOf(keys.revoke({ principal: "otto" }, asMaria))).toBe("key-unknown");

    expect(await keys.revoke({ id: robots.id }, asMaria)).toEqual([robots.id]);
    expect(await keys.revoke({ principal: "maria" }, asMaria)).toEqual([own.id]);
    expect((await store.listKeys()).map(({ id }) => id as string)).toEqual([others.id]);
  });
});

test("a key is revoked once, and all keys of a principal together", async () => {
  const first = await keys.create(maria, anything, operator);
  const second = await keys.create(maria, anything, operator);
  await keys.create(otto, anything, operator);

  expect(await keys.revoke({ principal: "maria" }, operator)).toEqual([first.id, second.id]);
  expect(await faultOf(keys.revoke({ id: first.id }, operator))).toBe("key-unknown");
  expect((await keys.list(operator)).map((each) => each.principal)).toEqual(["otto"]);
});

test("a key that has ended says so in the list", async () => {
  await keys.create(maria, anything, operator);
  now += dayMs;

  expect(await keys.list(operator)).toMatchObject([{ hasEnded: true }]);
});
