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
    expect(planOf({})).toBe("SCAN events");
    db.close();
  });
});
