import { beforeEach, describe, expect, test } from "bun:test";
import type { AuditEvent } from "../core/audit-event.ts";
import type { AuditState } from "../core/audit-state.ts";
import { anonymousCaller, type Caller } from "../core/caller.ts";
import type { PrincipalId } from "../core/principal.ts";
import { MemoryAuditStore } from "../storage/memory/audit-store.ts";
import { AuditTrail, type AuditTrailOptions, type ExchangeSeen } from "./audit-trail.ts";

const minute = 60_000;
const begin = 1_000_000 * minute;
const operator = { id: "00000000000000000000000000" as PrincipalId, name: "operator" };
const pull = { kind: "pull" } as const;
const pullBlob = { kind: "pull", isDetail: true } as const;
const push = { kind: "push" } as const;

let now: number;
let store: MemoryAuditStore;
let states: AuditState[];
let published: AuditEvent[];
let due: { readonly work: () => void; readonly at: number }[];
let freeBytes: number;
let trail: AuditTrail;

beforeEach(async () => {
  now = begin;
  store = new MemoryAuditStore();
  states = [];
  published = [];
  due = [];
  freeBytes = 1e12;
  trail = await open();
});

function open(changes: Partial<AuditTrailOptions> = {}): Promise<AuditTrail> {
  return AuditTrail.open({
    store,
    sink: { write: async (events) => void published.push(...events) },
    clock: { now: () => now },
    onTrouble: (state) => states.push(state),
    freeBytes: async () => freeBytes,
    keepDays: 90,
    maxBytes: 1e9,
    later: (work, ms) => due.push({ work, at: now + ms }),
    ...changes,
  });
}

function callerOf(name: string, credential: Caller["credential"] = { kind: "key", id: "k1" }): Caller {
  const id = `01ARZ3NDEKTSV4RRFFQ69G${name.toUpperCase().padEnd(4, "0").slice(0, 4)}` as PrincipalId;
  return { principal: { id, name, isAdmin: false, kind: "user", source: "dozo" }, credential };
}

const maria = callerOf("maria");

function digestOf(number: number): string {
  return `sha256:${number.toString(16).padStart(64, "0")}`;
}

interface Sent extends Partial<ExchangeSeen> {
  readonly status?: number;
  readonly headers?: Record<string, string>;
}

function exchange({ status = 200, headers = {}, ...seen }: Sent): void {
  const common = { method: "GET", client: "192.0.2.1", caller: maria, repository: "team/app" };
  trail.exchange({ ...common, ...seen }, { status, headers });
}

function pulled(digest = digestOf(1), more: Sent = {}): void {
  const headers = { "Docker-Content-Digest": digest };
  exchange({ routeName: "pull", record: pull, reference: "latest", headers, ...more });
}

/** Without logins, unless they are asked for. */
async function listed(what?: string): Promise<readonly AuditEvent[]> {
  await trail.settle();
  const all = await store.list({ what, withDetails: true, limit: 100_000 });
  return all.filter(({ kind }) => what !== undefined || kind !== "login").toReversed();
}

async function runDueIn(ms: number): Promise<void> {
  now += ms;
  const isDue = ({ at }: { readonly at: number }): boolean => at <= now;
  const works = due.filter(isDue);
  due = due.filter((each) => !isDue(each));
  for (const { work } of works) work();
  // Not `settle`, which writes more than is due.
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

async function counts(): Promise<readonly number[]> {
  return (await store.list({ what: "pull", withDetails: true, limit: 10 })).map(({ count }) => count);
}

describe("pulls", () => {
  test("of one principal, of one image, are one event a minute with their number", async () => {
    for (let count = 0; count < 30_000; count += 1) pulled();

    expect(await listed()).toEqual([
      expect.objectContaining({
        kind: "pull",
        action: "pull",
        outcome: "done",
        count: 30_000,
        at: begin,
        lastAt: begin,
        principalId: maria.principal?.id,
        name: "maria",
        credentialKind: "key",
        credentialId: "k1",
        addresses: ["192.0.2.1"],
        repository: "team/app",
        tag: "latest",
        digest: digestOf(1),
      }),
    ]);
  });

  test("of another principal, with another credential, of another image or in another minute are events of their own", async () => {
    pulled();
    pulled(digestOf(1), { caller: callerOf("bob") });
    pulled(digestOf(1), { caller: callerOf("maria", { kind: "key", id: "k2" }) });
    pulled(digestOf(2));
    pulled(digestOf(1), { repository: "other" });
    pulled(digestOf(1), { caller: anonymousCaller });
    now += minute;
    pulled();

    expect((await listed()).map(({ count }) => count)).toEqual([1, 1, 1, 1, 1, 1, 1]);
  });

  const differences: readonly (readonly [string, Sent])[] = [
    ["by another principal", { caller: callerOf("bob") }],
    ["with another key", { caller: callerOf("maria", { kind: "key", id: "k2" }) }],
    ["with another kind of credential", { caller: callerOf("maria", { kind: "session", id: "k1" }) }],
    ["from another repository", { repository: "other" }],
    ["of the same bytes as a blob", { routeName: "pull blob", record: pullBlob }],
  ];

  test.each([...differences])("%s, one behind the other, are told apart", async (_, difference) => {
    pulled();
    pulled(digestOf(1), difference);
    pulled();

    expect((await listed()).map(({ count }) => count)).toEqual([2, 1]);
  });

  test("by tag and by digest, by HEAD and by GET, are the same image's", async () => {
    pulled(digestOf(1), { method: "HEAD", reference: "latest" });
    pulled(digestOf(1), { reference: digestOf(1) });

    expect(await listed()).toEqual([expect.objectContaining({ count: 2, tag: "latest" })]);
  });

  test("from several addresses are one event with up to eight of them", async () => {
    for (let host = 0; host < 8; host += 1) pulled(digestOf(1), { client: `192.0.2.${host}` });
    expect(await listed()).toEqual([expect.objectContaining({ hasMoreAddresses: false })]);
    pulled(digestOf(1), { client: "192.0.2.8" });

    const [event] = await listed();

    expect(event?.addresses).toHaveLength(8);
    expect(event?.hasMoreAddresses).toBe(true);
  });

  test("of blobs are details; whether a blob is there is no pull of it", async () => {
    const blob = { routeName: "pull blob", record: pullBlob, reference: digestOf(7) };
    exchange({ ...blob, status: 206 });
    exchange({ ...blob, method: "HEAD", reference: digestOf(8) });

    expect(await listed()).toEqual([expect.objectContaining({ isDetail: true, digest: digestOf(7), tag: undefined })]);
  });

  test("of what is not there are none", async () => {
    pulled(digestOf(1), { status: 404 });

    expect(await listed()).toEqual([]);
  });

  test("of the process itself are none", async () => {
    const principal = { ...maria.principal, source: "process" } as Caller["principal"];
    pulled(digestOf(1), { caller: { principal, credential: { kind: "process" } } });

    expect(await listed("login")).toEqual([]);
    expect(await listed()).toEqual([]);
  });

  test("of more different images than can be told apart in a minute are one event, and the record is complete only from then on", async () => {
    for (let count = 0; count < 6000; count += 1) pulled(digestOf(count));

    const all = await listed();

    expect(all).toHaveLength(5001);
    expect(all.at(-1)).toMatchObject({ count: 1000, digest: undefined, name: undefined });
    expect((await store.facts()).completeSince).toBe(begin);
  });
});

describe("pushes", () => {
  test("of a tag to another image, and of another tag, are events of their own", async () => {
    const sent = { routeName: "push", record: push, method: "PUT", status: 201 };
    exchange({ ...sent, reference: "latest", headers: { "Docker-Content-Digest": digestOf(1) } });
    exchange({ ...sent, reference: "latest", headers: { "Docker-Content-Digest": digestOf(1) } });
    exchange({ ...sent, reference: "v1", headers: { "Docker-Content-Digest": digestOf(1) } });
    exchange({ ...sent, reference: "latest", headers: { "Docker-Content-Digest": digestOf(2) } });

    expect((await listed()).map(({ tag, count }) => `${tag} ${count}`)).toEqual(["latest 2", "v1 1", "latest 1"]);
  });

  test("of a part of a blob are none", async () => {
    exchange({ routeName: "push blob", record: { kind: "push", isDetail: true }, method: "PATCH", status: 202 });

    expect(await listed()).toEqual([]);
  });
});

describe("a login", () => {
  test("is the first use of a credential in five minutes", async () => {
    pulled();
    now += 5 * minute - 1;
    pulled();
    now += 1;
    pulled();

    expect((await listed("login")).map(({ at }) => at)).toEqual([begin, begin + 5 * minute]);
  });

  test("is counted when the clock was set back, too", async () => {
    pulled();
    now -= 60 * minute;
    pulled();

    expect(await listed("login")).toHaveLength(2);
  });

  test("is counted for each credential", async () => {
    pulled();
    pulled(digestOf(1), { caller: callerOf("maria", { kind: "password" }) });
    pulled(digestOf(1), { caller: callerOf("bob", { kind: "password" }) });

    expect((await listed("login")).map(({ name, credentialKind }) => `${name} ${credentialKind}`)).toEqual([
      "maria key",
      "maria password",
      "bob password",
    ]);
  });

  test("is none with a token, which a login gave, and none of nobody", async () => {
    pulled(digestOf(1), { caller: callerOf("maria", { kind: "token" }) });
    pulled(digestOf(1), { caller: anonymousCaller });

    expect(await listed("login")).toEqual([]);
  });
});

describe("a refusal", () => {
  test("is recorded with who, what, where from and why", async () => {
    const reason = "maria may not push in team/app";
    exchange({ routeName: "begin upload", record: push, status: 403, reason });

    expect(await listed()).toEqual([
      expect.objectContaining({
        kind: "refusal",
        action: "begin upload",
        outcome: "refused",
        isDetail: false,
        name: "maria",
        credentialId: "k1",
        addresses: ["192.0.2.1"],
        repository: "team/app",
        reason,
      }),
    ]);
  });

  test("of a wrong password is one of a login, with the user whose it was", async () => {
    const wrong = { caller: undefined, status: 401, routeName: "pull", record: pull };
    exchange({ ...wrong, claimedName: "maria", reason: "the password is wrong" });
    exchange({ ...wrong, reason: "there is no such user" });

    expect(await listed()).toEqual([
      expect.objectContaining({ action: "log in", outcome: "refused", name: "maria", principalId: undefined }),
      expect.objectContaining({ action: "log in", outcome: "refused", name: undefined }),
    ]);
  });

  test("of who sent no credentials is a detail: they are asked to log in", async () => {
    exchange({ caller: anonymousCaller, status: 401, routeName: "pull", record: pull, reason: "no credentials" });

    expect(await listed()).toEqual([expect.objectContaining({ outcome: "login-needed", isDetail: true })]);
  });

  test("that comes again and again is one event a minute and address", async () => {
    for (let count = 0; count < 1000; count += 1)
      exchange({ status: 403, routeName: "pull", reason: "no", client: `192.0.2.${count % 2}` });

    expect((await listed()).map(({ count }) => count)).toEqual([500, 500]);
  });

  test("of more kinds than can be told apart in a minute leaves one event for the others", async () => {
    for (let count = 0; count < 1000; count += 1) exchange({ status: 403, routeName: "pull", repository: `r${count}` });

    const all = await listed();

    expect(all).toHaveLength(201);
    expect(all.at(-1)).toMatchObject({ count: 800, repository: undefined });
  });
});

describe("a change", () => {
  test("is written when it answers, alone", async () => {
    await trail.change(operator, { action: "add user", object: "user bob" });

    expect(await store.list({ withDetails: true, limit: 10 })).toEqual([
      expect.objectContaining({
        kind: "change",
        action: "add user",
        object: "user bob",
        name: "operator",
        credentialKind: "command",
      }),
    ]);
  });

  test("of content is never folded, and recorded when the registry fails too", async () => {
    const sent = { routeName: "delete", record: { kind: "change" }, method: "DELETE", reference: "v1" } as const;
    exchange({ ...sent, status: 202 });
    exchange({ ...sent, status: 202 });
    exchange({ ...sent, status: 503, reason: "the disk failed" });

    expect((await listed()).map(({ outcome, tag, reason }) => [outcome, tag, reason])).toEqual([
      ["done", "v1", undefined],
      ["done", "v1", undefined],
      ["failed", "v1", "the disk failed"],
    ]);
  });
});

describe("what is written", () => {
  test("is written soon, and the number of requests at the end of the minute, also when no more come", async () => {
    pulled();
    pulled();
    await runDueIn(250);
    expect(await counts()).toEqual([2]);
    pulled();
    await runDueIn(250);
    expect(await counts()).toEqual([2]);

    await runDueIn(minute);
    await runDueIn(250);

    expect(await counts()).toEqual([3]);
  });

  test("is counted to the end by a timer that comes before the clock says so, too", async () => {
    pulled();
    await runDueIn(250);
    pulled();
    const works = due.splice(0);
    for (const { work } of works) work();

    await runDueIn(minute);
    await runDueIn(250);

    expect(await counts()).toEqual([2]);
  });

  test("goes on behind what an earlier process wrote", async () => {
    pulled();
    await trail.close();
    trail = await open();
    pulled();

    expect((await listed()).map(({ id }) => id)).toEqual([2, 4]);
  });

  test("is published once, when it grows no more", async () => {
    pulled();
    pulled();
    await trail.settle();
    expect(published.map(({ kind }) => kind)).toEqual(["login"]);

    now += minute;
    await trail.settle();

    expect(published.map(({ kind, count }) => `${kind} ${count}`)).toEqual(["login 1", "pull 2"]);
  });
});

describe("a disk that is nearly full", () => {
  test("ends the record of pulls, says so, and keeps that of refusals and changes", async () => {
    freeBytes = 1024;
    pulled();
    exchange({ status: 403, routeName: "push" });

    expect((await listed()).map(({ kind }) => kind)).toEqual(["refusal"]);
    expect(states.at(-1)).toMatchObject({ trouble: { missing: "pulls", since: begin }, lost: 1 });
  });

  test("that has room again is well, and the record of pulls complete from then on only", async () => {
    freeBytes = 1024;
    pulled();
    await trail.settle();
    now += 10 * minute;
    freeBytes = 1e12;
    pulled(digestOf(2));
    await trail.settle();

    expect(states.at(-1)?.trouble).toBeUndefined();
    expect((await store.facts()).completeSince).toBe(begin + 10 * minute);
  });
});

describe("a store that cannot write", () => {
  class FullStore extends MemoryAuditStore {
    isFull = true;

    override async write(...args: Parameters<MemoryAuditStore["write"]>): Promise<void> {
      if (this.isFull) throw new Error("database or disk is full");
      return super.write(...args);
    }
  }

  test("loses pulls and no change or refusal, and says so once each", async () => {
    const full = new FullStore();
    store = full;
    trail = await open({ store: full });
    pulled();
    await trail.change(operator, { action: "add user", object: "user bob" });
    exchange({ status: 403, routeName: "push" });
    await trail.settle();
    expect(states).toMatchObject([{ trouble: { missing: "everything", reason: "database or disk is full" } }]);

    full.isFull = false;

    expect((await listed()).map(({ kind }) => kind)).toEqual(["change", "refusal"]);
    expect(states.slice(1)).toEqual([{ trouble: undefined, lost: 1 }]);
  });

  test("is asked for no more than a bounded number of events later on", async () => {
    const full = new FullStore();
    store = full;
    trail = await open({ store: full });
    for (let count = 0; count < 25_000; count += 1)
      exchange({ routeName: "delete", record: { kind: "change" }, reference: `t${count}`, status: 202 });
    full.isFull = false;

    expect(await listed()).toHaveLength(20_000);
  });

  test("gives up logins and pushes before refusals, and those before changes, where not all can wait", async () => {
    const full = new FullStore();
    store = full;
    trail = await open({ store: full });
    for (let count = 0; count < 20_000; count += 1)
      exchange({ caller: callerOf("maria", { kind: "key", id: `k${count}` }), status: 404 });
    await trail.settle();
    exchange({ status: 403, routeName: "push" });
    for (let count = 0; count < 19_999; count += 1)
      exchange({ routeName: "delete", record: { kind: "change" }, reference: `t${count}`, status: 202 });
    full.isFull = false;

    const all = await listed("change");

    expect(all).toHaveLength(19_999);
    expect(await listed("refusal")).toHaveLength(1);
    expect(await listed("login")).toEqual([]);
    expect(states.at(-1)).toEqual({ trouble: undefined, lost: 20_001 });
    expect(states).toHaveLength(2);
  });

  test("is tried again by itself, ever more rarely, until it is back, also where nothing more happens", async () => {
    const full = new FullStore();
    const tries: number[] = [];
    const write = full.write.bind(full);
    full.write = (...args) => {
      tries.push(now - begin);
      return write(...args);
    };
    store = full;
    trail = await open({ store: full });
    pulled();
    for (let second = 0; second < 300; second += 1) await runDueIn(1000);
    expect(tries).toEqual([1000, 6000, 16_000, 36_000, 76_000, 136_000, 196_000, 256_000]);
    expect(states).toMatchObject([{ trouble: { missing: "everything" } }]);

    full.isFull = false;
    await runDueIn(minute);

    expect(states.at(-1)?.trouble).toBeUndefined();
    expect((await store.facts()).completeSince).toBe(now);
  });

  test("is not asked more often because more happens", async () => {
    const full = new FullStore();
    let tries = 0;
    full.write = () => {
      tries += 1;
      return Promise.reject(new Error("disk I/O error"));
    };
    trail = await open({ store: full });
    for (let count = 0; count < 100; count += 1) {
      exchange({ routeName: "delete", record: { kind: "change" }, reference: `t${count}`, status: 202 });
      await runDueIn(50);
    }

    expect(tries).toBe(1);
  });

  test("does not keep the sink from hearing", async () => {
    trail = await open({ store: new FullStore() });
    await trail.change(operator, { action: "add user", object: "user bob" });

    expect(published.map(({ action }) => action)).toEqual(["add user"]);
  });
});

test("what is older than its days is dropped, and what is beyond its bytes", async () => {
  trail = await open({ keepDays: 1 });
  await trail.change(operator, { action: "first", object: undefined });
  now += 25 * 60 * minute;
  await trail.change(operator, { action: "second", object: undefined });

  expect((await listed()).map(({ action }) => action)).toEqual(["second"]);
});
