import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { AuditEvent } from "./audit-event.ts";
import type { AuditQuery, AuditStore } from "./audit-store.ts";
import { parseRepositoryPattern } from "./repository-pattern.ts";

const digest = `sha256:${"a".repeat(64)}`;
const other = `sha256:${"b".repeat(64)}`;

/** A pull of `team/app` by maria, but for what is said. */
export function auditEvent(id: number, changes: Partial<AuditEvent> = {}): AuditEvent {
  return {
    id,
    at: id * 1000,
    lastAt: id * 1000,
    count: 1,
    kind: "pull",
    isDetail: false,
    action: "pull",
    outcome: "done",
    principalId: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    name: "maria",
    credentialKind: "key",
    credentialId: "k1",
    addresses: ["192.0.2.1"],
    hasMoreAddresses: false,
    repository: "team/app",
    tag: "latest",
    digest,
    object: undefined,
    reason: undefined,
    ...changes,
  };
}

const nobody = { principalId: undefined, name: undefined, credentialKind: "none", credentialId: undefined };
const refusal = {
  ...nobody,
  kind: "refusal",
  action: "push",
  outcome: "refused",
  repository: "other",
  tag: undefined,
  digest: undefined,
  addresses: ["2001:db8::1", "192.0.2.9"],
  hasMoreAddresses: true,
  reason: "maria may not push in other",
} as const;
const change = {
  kind: "change",
  action: "add user",
  object: "user bob",
  name: "operator",
  addresses: [],
  repository: undefined,
  tag: undefined,
  digest: undefined,
} as const;

/** What every store of the record promises. `make` answers a new one; the caller removes what it leaves. */
export function describeAuditStore(make: () => Promise<AuditStore>): void {
  let store: AuditStore;

  beforeEach(async () => {
    store = await make();
  });
  afterEach(() => store.close());

  async function idsOf(query: Partial<AuditQuery>): Promise<readonly number[]> {
    return (await store.list({ withDetails: true, limit: 100, ...query })).map(({ id }) => id);
  }

  test("a new one is empty", async () => {
    expect(await idsOf({})).toEqual([]);
    expect(await store.facts()).toMatchObject({ lastId: 0 });
  });

  test("what was written is listed as it was, the newest first", async () => {
    const events = [auditEvent(1), auditEvent(2, refusal), auditEvent(3, change)];

    await store.write(events);

    expect(await store.list({ withDetails: true, limit: 10 })).toEqual(events.toReversed());
    expect(await store.facts()).toMatchObject({ lastId: 3 });
  });

  test("an event that is written again is replaced", async () => {
    await store.write([auditEvent(1), auditEvent(2)]);

    await store.write([auditEvent(1, { count: 30_000, lastAt: 59_000 })]);

    expect(await store.list({ withDetails: true, limit: 10 })).toEqual([
      auditEvent(2),
      auditEvent(1, { count: 30_000, lastAt: 59_000 }),
    ]);
  });

  test("a page has the newest", async () => {
    await store.write([auditEvent(1), auditEvent(2), auditEvent(3)]);

    expect(await idsOf({ limit: 2 })).toEqual([3, 2]);
  });

  describe("lists only", () => {
    beforeEach(() =>
      store.write([
        auditEvent(1),
        auditEvent(2, { action: "pull blob", isDetail: true, digest: other }),
        auditEvent(3, refusal),
        auditEvent(4, change),
        auditEvent(5, { kind: "change", action: "delete", repository: "team/web/ui" }),
      ]),
    );

    const wanted: readonly (readonly [string, Partial<AuditQuery>, readonly number[]])[] = [
      ["what somebody did, by name", { who: "maria" }, [5, 2, 1]],
      ["what somebody did, by id", { who: "01ARZ3NDEKTSV4RRFFQ69G5FAV" }, [5, 4, 2, 1]],
      ["a kind", { what: "change" }, [5, 4]],
      ["an action", { what: "delete" }, [5]],
      ["one repository", { repositories: parseRepositoryPattern("team/app") }, [2, 1]],
      ["the repositories of a pattern", { repositories: parseRepositoryPattern("team/**") }, [5, 2, 1]],
      ["one digest", { digest: other }, [2]],
      ["an address, also one among several", { address: "192.0.2.9" }, [3]],
      ["an outcome", { outcome: "refused" }, [3]],
      ["what was later than a time", { since: 4000 }, [5, 4]],
      ["what was before a time", { until: 3000 }, [2, 1]],
      ["what was before an event", { before: 4 }, [3, 2, 1]],
      ["what is no detail", { withDetails: false }, [5, 4, 3, 1]],
      ["what is all of it at once", { who: "maria", what: "pull", since: 1000, withDetails: false }, [1]],
    ];

    test.each([...wanted])("%s", async (_, query, ids) => {
      expect(await idsOf(query)).toEqual([...ids]);
    });
  });

  test("pulls within a minute that spans a time are listed on both sides of it", async () => {
    await store.write([auditEvent(1, { lastAt: 50_000 })]);

    expect(await idsOf({ since: 30_000 })).toEqual([1]);
    expect(await idsOf({ until: 30_000 })).toEqual([1]);
  });

  describe("when an image was pulled last", () => {
    const app = { repository: "team/app", digest };

    test("is the latest of its pulls, and nothing for one that was never pulled", async () => {
      await store.write([auditEvent(1), auditEvent(2), auditEvent(3, { digest: other, repository: "other" })]);

      expect(await store.lastPulls([app, { repository: "team/app", digest: other }])).toEqual([{ ...app, at: 2000 }]);
    });

    test("does not go back", async () => {
      await store.write([auditEvent(2)]);
      await store.write([auditEvent(1)]);

      expect(await store.lastPulls([app])).toEqual([{ ...app, at: 2000 }]);
    });

    test("is not when somebody was refused it, nor when it was pushed", async () => {
      await store.write([auditEvent(1, { kind: "refusal", outcome: "refused" }), auditEvent(2, { kind: "push" })]);

      expect(await store.lastPulls([app])).toEqual([]);
    });

    test("is known for longer than the pull itself", async () => {
      await store.write([auditEvent(1)]);

      await pruned({ keepSince: 5000 });
      expect(await idsOf({})).toEqual([]);
      expect(await store.lastPulls([app])).toHaveLength(1);
      await pruned({ keepPullsSince: 5000 });

      expect(await store.lastPulls([app])).toEqual([]);
    });
  });

  async function pruned(bounds: { keepSince?: number; keepPullsSince?: number; maxBytes?: number }): Promise<void> {
    const all = { keepSince: 0, keepPullsSince: 0, maxBytes: Number.MAX_SAFE_INTEGER, ...bounds };
    for (let round = 0; await store.prune(all); round += 1)
      if (round > 1000) throw new Error("the store never comes to an end of pruning");
  }

  test("drops what is older than a time, by when it happened last", async () => {
    await store.write([auditEvent(1), auditEvent(2, { lastAt: 9000 }), auditEvent(3), auditEvent(9)]);

    await pruned({ keepSince: 4000 });

    expect(await idsOf({})).toEqual([9, 2]);
  });

  test("is complete since a time, which moves only forward", async () => {
    const { completeSince } = await store.facts();

    await store.write([], completeSince + 1000);
    await store.write([], completeSince + 500);

    expect((await store.facts()).completeSince).toBe(completeSince + 1000);
  });

  test("keeps notes", async () => {
    await store.writeNote("settings", "a");
    await store.writeNote("settings", "b");

    expect(await store.readNote("settings")).toBe("b");
    expect(await store.readNote("another")).toBeUndefined();
  });

  test("drops pulls before logins and pushes, and those before refusals and changes, until the rest fits", async () => {
    const size = 2000;
    const kinds = [
      { kind: "change", action: "delete" },
      { kind: "refusal", outcome: "refused" },
      { kind: "login" },
      { kind: "push" },
      { kind: "pull" },
      { kind: "pull", isDetail: true },
    ] as const;
    // The oldest are those that are to be kept for longest.
    for (const [index, fields] of kinds.entries()) {
      const events = Array.from({ length: size }, (_, at) =>
        auditEvent(1 + index * size + at, { ...fields, repository: `r${at}`, reason: "x".repeat(100) }),
      );
      await store.write(events);
    }
    const { sizeBytes } = await store.facts();

    await pruned({ maxBytes: Math.floor(sizeBytes / 3) });

    expect((await store.facts()).sizeBytes).toBeLessThanOrEqual(sizeBytes / 3);
    const left = (await store.list({ withDetails: true, limit: 100_000 })).map(({ id }) => Math.ceil(id / size));
    expect(left.filter((kind) => kind === 1)).toHaveLength(size);
    expect(left.filter((kind) => kind > 2)).toHaveLength(0);
  });
}
