import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditQuery } from "../../../core/audit-store.ts";
import { auditEvent, describeAuditStore } from "../../../core/audit-store.contract.ts";
import { parseRepositoryPattern } from "../../../core/repository-pattern.ts";
import { selectEvents } from "./events.ts";
import { openAuditConnection, prepareAuditDatabase } from "./format.ts";
import { openAuditDatabase } from "./open.ts";

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "dozo-audit-"));
  folders.push(folder);
  return join(folder, "audit.db");
}

describe("the record in SQLite", () => {
  describeAuditStore(() => openAuditDatabase({ file: newFile(), programVersion: "1.2.3", onFault: () => {} }));

  test("is its owner's alone, and makes its file smaller when it drops events", async () => {
    const file = newFile();
    const store = await openAuditDatabase({ file, programVersion: "1.2.3", onFault: () => {} });
    await store.write(Array.from({ length: 5000 }, (_, at) => auditEvent(at + 1, { reason: "x".repeat(500) })));
    const { sizeBytes } = await store.facts();

    for (const bounds = { keepSince: Infinity, keepPullsSince: 0, maxBytes: Infinity }; await store.prune(bounds););

    expect((await store.facts()).sizeBytes).toBeLessThan(sizeBytes / 10);
    await store.close();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(file).size).toBeLessThan(sizeBytes / 10);
  });

  test("drops when images were pulled last before it drops refusals, and says that it knows no pull of before", async () => {
    const store = await openAuditDatabase({ file: newFile(), programVersion: "1.2.3", onFault: () => {} });
    const at = 2e12;
    const events = Array.from({ length: 3000 }, (_, index) =>
      auditEvent(index + 1, {
        ...(index % 2 === 0 ? {} : { kind: "refusal", outcome: "refused" }),
        repository: `r${index}`,
        lastAt: at + index,
      }),
    );
    await store.write(events);
    const { sizeBytes } = await store.facts();

    for (const bounds = { keepSince: 0, keepPullsSince: 0, maxBytes: 0.6 * sizeBytes }; await store.prune(bounds););

    expect(await store.list({ what: "refusal", withDetails: true, limit: 3000 })).toHaveLength(1500);
    expect(await store.lastPulls([{ repository: "r2998", digest: events[0]?.digest ?? "" }])).toEqual([]);
    expect((await store.facts()).completeSince).toBe(at + 2999);
    await store.close();
  });

  test("finds what is asked for most by an index", () => {
    const file = newFile();
    prepareAuditDatabase(file, "1.2.3");
    const db = openAuditConnection(file);
    const planOf = (query: Partial<AuditQuery>): string => {
      const { sql, values } = selectEvents({ withDetails: true, limit: 1, ...query });
      const steps = db.query<{ detail: string }, (string | number)[]>(`EXPLAIN QUERY PLAN ${sql}`).all(...values);
      return steps.map(({ detail }) => detail).join("; ");
    };

    expect(planOf({ who: "maria" })).toContain("USING INDEX events_by_name");
    expect(planOf({ repositories: parseRepositoryPattern("team/app") })).toContain("USING INDEX events_by_repository");
    // From the newest on, until the page is full: nothing is sorted.
    expect(planOf({})).toBe("SCAN events USING INDEX events_by_id");
    db.close();
  });
});
